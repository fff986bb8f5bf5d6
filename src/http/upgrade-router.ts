import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { ignoreUpgrade } from './ignored-upgrades.js'

/** Takes over the connection of an upgrade. */
export type HandleUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** A part of a server's URLs whose upgrades this package handles. */
export interface UpgradeClaim {
  /** The specificity of the claim on a request; the most specific one wins. `undefined`: no claim. */
  rank (request: IncomingMessage): number | undefined
  handle: HandleUpgrade
}

const servers = new WeakMap<Server, UpgradeRouter>()

/**
 * Passes each request for an upgrade to the claim on it, and to nothing else. An event reaches every listener, and WebSocket libraries
 * answer, or end, each upgrade that they receive: a claimed one is therefore hidden from the server's other listeners, and all others
 * are left to these listeners as if this router did not exist.
 */
export class UpgradeRouter {
  readonly #claims = new Set<UpgradeClaim>()

  /** The router of a server, created with the first claim. */
  static of (server: Server): UpgradeRouter {
    let router = servers.get(server)
    if (router === undefined) {
      servers.set(server, router = new UpgradeRouter())
      router.#intercept(server)
    }
    return router
  }

  add (claim: UpgradeClaim): void {
    this.#claims.add(claim)
  }

  #intercept (server: Server): void {
    const emit = server.emit.bind(server) as (event: string | symbol, ...values: unknown[]) => boolean
    // An own property, so that it applies to secondary servers as well, which pass their upgrades to this one.
    server.emit = (event: string | symbol, ...values: unknown[]) => {
      if (event !== 'upgrade') return emit(event, ...values)
      const [request, socket, head] = values as Parameters<HandleUpgrade>
      const claim = this.#find(request)
      if (claim === undefined) return emit(event, ...values)
      claim.handle(request, socket, head)
      return true
    }
    // Node detaches upgrades only where there is a listener, and then all of them.
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (server.listenerCount('upgrade') === 1) ignoreUpgrade(request, socket as Socket, head)
    })
  }

  #find (request: IncomingMessage): UpgradeClaim | undefined {
    let found: UpgradeClaim | undefined
    let highest = -1
    for (const claim of this.#claims) {
      const rank = claim.rank(request) ?? -1
      if (rank > highest) {
        found = claim
        highest = rank
      }
    }
    return found
  }
}
