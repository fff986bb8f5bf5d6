import { readFileSync } from 'node:fs'

/** A fenced block of code, as a reader copies it. */
export interface Block {
  language: string
  code: string
  /** For a command: the block right behind it, which shows what it prints. */
  output: Block | undefined
}

/** A page of the documentation. */
export class Document {
  readonly blocks: Block[] = []
  readonly text: string
  /** The text outside of the blocks. */
  readonly #prose: string

  constructor (readonly path: string) {
    this.text = readFileSync(path, 'utf8')
    this.#prose = this.text.replace(/^```.*?^```$/gms, '')
    let end = 0
    for (const { 0: all, 1: language = '', 2: code = '', index } of this.text.matchAll(/^```(\w*)\n(.*?)^```$/gms)) {
      const block = { language, code, output: undefined }
      const before = this.blocks.at(-1)
      if (before?.language === 'sh' && language !== 'sh' && this.text.slice(end, index).trim() === '') before.output = block
      this.blocks.push(block)
      end = index + all.length
    }
  }

  /** The code of a language that contains a text. Throws where there is none. */
  code (language: string, part: string): string {
    const found = this.blocks.find((block) => block.language === language && block.code.includes(part))
    if (found === undefined) throw new Error(`${this.path} has no ${language} block with ${part}`)
    return found.code
  }

  /** The cells of the tables under a heading, row by row, without their titles. */
  rows (heading: string): string[][] {
    const [, behind = ''] = this.#prose.split(new RegExp(`^#+ ${heading}$`, 'm'))
    const [section = ''] = behind.split(/^#+ /m)
    const lines = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| -'))
    return lines.slice(1).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()))
  }

  /** The targets of all links. */
  get links (): string[] {
    return [...this.#prose.matchAll(/\]\(([^()\s]+)\)|<(https?:[^<>\s]+)>/g)].map(([, target, bare = '']) => target ?? bare)
  }

  /** The titles of the sections. */
  get headings (): string[] {
    return [...this.#prose.matchAll(/^## (.+)$/gm)].map(([, title = '']) => title)
  }

  /** The anchors of all headings, as they are made on GitHub. */
  get anchors (): string[] {
    const counts = new Map<string, number>()
    return [...this.#prose.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => {
      const text = title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
      const anchor = text.replace(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-')
      const count = counts.get(anchor) ?? 0
      counts.set(anchor, count + 1)
      return count === 0 ? anchor : `${anchor}-${count}`
    })
  }
}
