import { MAX_MEMBERS } from './broker.js'

/**
 * The members of a channel as announced on its companion. While there are too many of them nothing is published;
 * afterwards the messages make up for what has changed meanwhile.
 */
export class Announced {
  readonly #subs = new Set<string>()
  #behind = false

  /** The messages to publish after a member has joined or left. */
  update (sub: string, members: ReadonlyMap<string, unknown>): string[] {
    if (members.size > MAX_MEMBERS) {
      this.#behind = true
      return []
    }
    const changed = this.#behind ? new Set([...this.#subs, ...members.keys()]) : [sub]
    this.#behind = false
    const messages: string[] = []
    for (const one of changed) {
      const isMember = members.has(one)
      if (isMember === this.#subs.has(one)) continue
      if (isMember) this.#subs.add(one)
      else this.#subs.delete(one)
      messages.push(isMember ? JSON.stringify({ join: one }) : JSON.stringify({ leave: one }))
    }
    return messages
  }
}
