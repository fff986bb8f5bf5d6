import { preview } from '../json/preview.js'
import type { Entry } from './entry.js'

/**
 * Whether an entry matches a filter: words that all have to occur in the message, its id, its sender or its channel, whatever
 * their case; a word after a minus sign must not occur. Notes match every filter.
 */
export function filterOf (text: string): (entry: Entry) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== '' && word !== '-')
  if (words.length === 0) return () => true
  return (entry) => {
    if (entry.kind === 'note') return true
    // A string is searched as it is shown as well as it is written.
    const haystack = `${entry.json}\n${entry.json.startsWith('"') ? preview(entry.json) : ''}\n${entry.id}\n${entry.channel}\n${entry.from ?? ''}`.toLowerCase()
    return words.every((word) => word.startsWith('-') ? !haystack.includes(word.slice(1)) : haystack.includes(word))
  }
}
