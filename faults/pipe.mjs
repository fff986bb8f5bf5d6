import { setTimeout as delay } from 'node:timers/promises'

/** How often a second a narrow pipe lets something through. */
const SLICES_PER_SECOND = 20
/** Bytes of a chunk that are split; the rest goes in one piece, for a harness has one processor for all its pipes. */
const SPLIT_BYTES = 4_096

/** One direction of a connection. Bytes arrive unchanged and in order, or not at all. */
export class Pipe {
  /** Milliseconds that a chunk may be held back; each waits for a random part of it. */
  latencyMs = 0
  /** Largest piece in bytes. */
  splitBytes = Infinity
  bytesPerSecond = Infinity
  /** The bytes after which `onLimit` is called, the last of them being passed on. */
  limit = Infinity
  /** Set: bytes vanish, and nobody is told. */
  blackHole = false
  #thaw
  #prng
  #onLimit

  constructor (prng, onLimit) {
    this.#prng = prng
    this.#onLimit = onLimit
  }

  /** Holds everything back until {@link thaw}. */
  freeze () {
    if (this.#thaw) return
    const frozen = {}
    frozen.promise = new Promise((resolve) => { frozen.resolve = resolve })
    this.#thaw = frozen
  }

  thaw () {
    this.#thaw?.resolve()
    this.#thaw = undefined
  }

  /** Back to an ordinary network; a black hole stays one, as no network brings back what it lost. */
  heal () {
    this.latencyMs = 0
    this.splitBytes = this.bytesPerSecond = Infinity
    this.thaw()
  }

  /** Carries bytes from one socket to another until the first ends; `translate` gives what is passed on for a chunk. */
  async run (source, destination, translate = (chunk) => chunk) {
    try {
      for await (const chunk of source) {
        for (const piece of this.#split(translate(chunk))) {
          await this.#wait(piece.length)
          if (!await this.#pass(piece, destination)) return
        }
      }
      if (!this.blackHole) destination.end()
    } catch {
      // A reset: it reaches the other side as one.
      if (!this.blackHole) destination.destroy()
    }
  }

  * #split (chunk) {
    let at = 0
    const slice = this.bytesPerSecond / SLICES_PER_SECOND
    while (at < chunk.length) {
      const size = at < SPLIT_BYTES && this.splitBytes < Infinity ? this.#prng.integer(1, this.splitBytes) : slice
      const end = Math.min(chunk.length, at + Math.max(1, size))
      yield at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end)
      at = end
    }
  }

  async #wait (length) {
    if (this.latencyMs > 0) await delay(this.#prng.next() * this.latencyMs)
    if (this.bytesPerSecond < Infinity) await delay(1_000 * length / this.bytesPerSecond)
    if (this.#thaw) await this.#thaw.promise
  }

  /** Says whether the connection lives on. */
  async #pass (piece, destination) {
    if (this.blackHole || destination.destroyed) return !destination.destroyed
    const isCut = piece.length >= this.limit
    const passed = isCut ? piece.subarray(0, this.limit) : piece
    this.limit -= passed.length
    if (passed.length > 0 && !destination.write(passed)) await drained(destination)
    // Pieces that are written in one turn would leave as one packet.
    else if (this.splitBytes < Infinity) await delay(0)
    if (isCut) this.#onLimit()
    return !isCut
  }
}

function drained (socket) {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    if (socket.destroyed) resolve()
    else socket.on('drain', done).on('close', done)
  })
}
