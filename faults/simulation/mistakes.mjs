const failover = 'dist/src/brokers/redis/failover/failover.js'
const register = 'faults/simulation/redis/register-scripts.mjs'
const log = 'faults/simulation/redis/log-scripts.mjs'

/**
 * Mistakes that the simulation has to find, each as a text that takes the place of another in a copy of the build, or of the model for
 * what the scripts do.
 */
export const mistakes = [
  { name: 'a term is complete once a time is over', file: register, from: 'const complete = missing.length === 0 && before && ', to: 'const complete = before && ' },
  { name: 'acknowledgements are not fenced', file: failover, from: 'if (admission !== this.#admission)\n            throw', to: 'if (false)\n            throw' },
  { name: 'marks are dropped before they are compared', file: failover, from: 'const seen = [...this.#owed.values(), ...marks];', to: 'const seen = [...this.#owed.values()];' },
  { name: 'duplicates are not marked', file: 'dist/src/brokers/redis/log/log-store.js', from: 'this.#failover.acknowledge(admission, channel, published.current);', to: 'if (published.status === \'sent\') this.#failover.acknowledge(admission, channel, published.current);' },
  { name: 'a loss that is found after the decision begins no epoch', file: log, from: 'if (decided || meta.term !== term) {', to: 'if (meta.term !== term) {' },
  { name: 'an epoch outlives its term', file: log, from: 'if (meta.term === term) return meta', to: 'if (meta.epoch !== undefined) return meta' },
  { name: 'the chain goes on over a term in which something was lost', file: register, from: 'next.chain = complete && recorded !== undefined ? [recorded, ...view.chain].slice(0, CHAIN) : []', to: 'next.chain = recorded === undefined ? [] : complete ? [recorded, ...view.chain].slice(0, CHAIN) : view.chain' },
  { name: 'a loss leaves earlier epochs complete', file: log, from: 'if (!ok) past = past.map((entry) => ({ ...entry, ok: false }))', to: '' },
  { name: 'a replay goes live in another epoch than the channel is in', file: 'dist/src/channels/replay.js', from: 'channel.epoch === epoch && ', to: '' },
  { name: 'what waits is kept when a channel moves', file: 'dist/src/channels/channel.js', from: 'this.#waiting.length = 0;', to: '' },
  { name: 'an entry of the register is updated whatever it shows', file: register, from: 'own?.state === \'a\' && own.compared === compared', to: 'own?.state === \'a\'' },
  { name: 'instances that are missing in the register are not written back', file: register, from: 'for (const other of known) if', to: 'for (const other of []) if' },
  { name: 'a branch that is lost is not noticed', file: register, from: 'const lost = admitted !== \'-\' && !view.terms.includes(admitted)', to: 'const lost = false' },
  { name: 'every registration counts as safe', file: register, from: 'const alone = next.deleted !== \'1\' && Object.values(view.instances).every(({ state }) => state !== \'a\')', to: 'const alone = true' },
  { name: 'a change of epoch is not announced', file: 'dist/src/channels/replay.js', from: ' || carriedOver', to: '' },
  { name: 'a position beyond the bound goes on without a gap', file: log, from: 'if (!known.ok || after > known.bound)', to: 'if (!known.ok)' },
  { name: 'a witness does not remember whom it confirms', file: 'dist/src/brokers/redis/failover/register.js', from: 'this.#known.add(id);', to: ';' },
  { name: 'the feed goes on in another epoch without a word', file: 'dist/src/brokers/redis/log/feed.js', from: 'this.#ports.moved({ epoch, offset });', to: 'if (this.epoch === \'\') this.#ports.moved({ epoch, offset });' }
]
