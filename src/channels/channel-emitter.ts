import { EventEmitter } from 'node:events'

/** A channel that became occupied, or vacated, on this instance. */
export interface ChannelEvent {
  readonly channel: string
}

/** A member of a channel that has joined or left. */
export interface MemberEvent extends ChannelEvent {
  readonly sub: string
}

/** The events of channels and their arguments. */
export interface ChannelEventMap {
  occupied: [event: ChannelEvent]
  vacated: [event: ChannelEvent]
  join: [event: MemberEvent]
  leave: [event: MemberEvent]
}

/** The events of channels, as hosts listen to them. */
export type ChannelEvents = EventEmitter<ChannelEventMap>

/** Emits the events of channels. An error of a listener, also an asynchronous one, is logged and concerns no other listener. */
export class ChannelEmitter extends EventEmitter<ChannelEventMap> {
  readonly #onError: (error: unknown) => void

  /** @param onError called with the error of a listener */
  constructor (onError: (error: unknown) => void) {
    super()
    this.#onError = onError
  }

  /** Emits an event after the current step, so that listeners see its result and cannot interleave with it. */
  emitLater<Name extends keyof ChannelEventMap> (name: Name, event: ChannelEventMap[Name][0]): void {
    if (this.listenerCount(name) > 0) queueMicrotask(() => { this.#emit(name, event) })
  }

  #emit (name: keyof ChannelEventMap, event: ChannelEvent): void {
    for (const listener of this.rawListeners(name) as ((event: ChannelEvent) => unknown)[]) {
      try {
        const result = Reflect.apply(listener, this, [event])
        if (result instanceof Promise) result.catch(this.#onError)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}
