import { createHmac } from 'node:crypto'

const SECOND_MS = 1_000
/** By so much a grant may end before or after its time. */
const GRACE_MS = 1_000

/** The secret by which the service verifies the tokens of subscribers. */
export const TOKEN_SECRET = 'a-secret-that-the-backend-of-the-subscribers-has'

/** A token (HS256) to subscribe to what the patterns cover; has expired when `ttlMs` is negative. */
export function makeToken (sub, subscribe, ttlMs) {
  const now = Date.now()
  const signed = [{ alg: 'HS256', typ: 'JWT' }, { sub, subscribe, iat: Math.floor(now / SECOND_MS) - 1, exp: Math.ceil((now + ttlMs) / SECOND_MS) }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${signed}.${createHmac('sha256', TOKEN_SECRET).update(signed).digest('base64url')}`
}

/**
 * The tokens of one connection: which one the service judges by, as far as it has said so. A frame with a token is answered, or the
 * channels that it does not cover are refused.
 */
export class Tokens {
  #subject
  #covered
  /** `{ text, isGood, isWide, expiresAt }`: the one that is in force, and behind it those that were sent and not answered. */
  #sent = []
  /** Whether one was answered: its subject is that of the connection then. */
  #hasSubject = false

  /** @param covered patterns of what a token usually covers */
  constructor (subject, covered) {
    this.#subject = subject
    this.#covered = covered
  }

  /** Whether no channel can be refused for a lack of rights now. */
  get isEnough () {
    const [{ isWide, expiresAt }, next] = this.#sent
    return next === undefined && isWide && expiresAt - Date.now() > GRACE_MS
  }

  /** The token of another connection: one that covers everything, or none. */
  open (ttlMs) {
    this.#hasSubject = false
    this.#sent = []
    if (ttlMs === undefined) this.#sent.push({ isGood: false, isWide: false, expiresAt: 0 })
    else this.#send(this.#covered, ttlMs, this.#subject)
    return this.#sent[0].text
  }

  /** A token that covers everything. */
  refresh (ttlMs) {
    return this.#send(this.#covered, ttlMs, this.#subject)
  }

  /** One that covers only this. */
  narrow (covered, ttlMs) {
    return this.#send(covered, ttlMs, this.#subject)
  }

  /** One that is refused: expired, or another subject's where the connection has one. */
  spoil (wantsExpired) {
    const isExpired = wantsExpired || !this.#hasSubject
    return this.#send(this.#covered, isExpired ? -10 * SECOND_MS : 60 * SECOND_MS, isExpired ? this.#subject : 'somebody-else', false)
  }

  /** The service says that it has taken a token: the first that it can have. Returns whether there is one. */
  taken () {
    const index = this.#sent.findIndex(({ isGood }, index) => index > 0 && isGood)
    if (index < 0) return false
    this.#sent.splice(0, index)
    return this.#hasSubject = true
  }

  #send (covered, ttlMs, subject, isGood = true) {
    const text = makeToken(subject, covered, ttlMs)
    this.#sent.push({ text, isGood, isWide: isGood && covered === this.#covered, expiresAt: Date.now() + ttlMs })
    return text
  }
}
