import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

const PROCESSES = '/proc'
const ACCESS_MODE = 0o3
const WRITE_ONLY = 1

/**
 * Whether a pipe still has a reader. Without a write its end is not noticed, and `tail | head -1` would wait for one more message.
 * Linux names the processes that hold a pipe; elsewhere, and for readers of other users, the next write notices.
 */
export class PipeReaders {
  readonly #link: string | undefined
  /** Descriptors that read from the pipe, as paths. */
  #readers: string[]

  constructor (descriptor: number) {
    this.#link = linkOf(join(PROCESSES, 'self/fd', String(descriptor)))
    this.#readers = this.#find()
  }

  /** Whether readers are known, so that their end can be noticed. */
  get known (): boolean {
    return this.#readers.length > 0
  }

  /** Whether one of them is left. Looks at every process only when the known ones are gone: they may have handed the pipe on. */
  get open (): boolean {
    if (!this.#readers.some((path) => linkOf(path) === this.#link)) this.#readers = this.#find()
    return this.known
  }

  #find (): string[] {
    if (this.#link?.startsWith('pipe:') !== true) return []
    return namesIn(PROCESSES).filter((name) => /^\d+$/.test(name)).flatMap((process) => {
      const directory = join(PROCESSES, process, 'fd')
      return namesIn(directory).filter((name) => {
        return linkOf(join(directory, name)) === this.#link && canRead(join(PROCESSES, process, 'fdinfo', name))
      }).map((name) => join(directory, name))
    })
  }
}

function namesIn (directory: string): string[] {
  return attempt(() => readdirSync(directory), [])
}

function linkOf (path: string): string | undefined {
  return attempt<string | undefined>(() => readlinkSync(path), undefined)
}

function canRead (path: string): boolean {
  const flags = attempt(() => /^flags:\s*(\d+)/m.exec(readFileSync(path, 'utf8')), null)
  return flags !== null && (parseInt(String(flags[1]), 8) & ACCESS_MODE) !== WRITE_ONLY
}

/** The result of a look into another process, which may have ended meanwhile, or is not to be looked into. */
function attempt<T> (look: () => T, otherwise: T): T {
  try {
    return look()
  } catch {
    return otherwise
  }
}
