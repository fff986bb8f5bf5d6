const comparison = 'dist/src/brokers/redis/failover/comparison.js'
const replay = 'dist/src/channels/replay.js'
const channel = 'dist/src/channels/channel.js'
const register = 'faults/simulation/redis/register-scripts.mjs'
const log = 'faults/simulation/redis/log-scripts.mjs'

/**
 * Mistakes that the simulation has to find: each is a text that takes the place of another in a copy of the build or, for what the scripts
 * do, of the model. The frequent ones are found within hundreds of schedules, all others within 10,000, but two; the tests plant the
 * frequent ones, `npm run simulate -- --mistakes` all.
 *
 * One mistake is left out: an acknowledgement regardless of the admission under which the message was sent. On one connection the answer
 * to a message always arrives before those of a later comparison, so that it is marked in time; only a cluster, which has several
 * connections, needs that fence.
 */
export const mistakes = [
  { name: 'a term is complete once a time is over', frequent: true, changes: [[register, 'const complete = missing.length === 0 && before && ', 'const complete = before && ']] },
  { name: 'marks are dropped before they are compared', frequent: true, changes: [[comparison, 'const seen = [...owed, ...marks];', 'const seen = [...owed];']] },
  { name: 'duplicates are not marked', frequent: true, changes: [['dist/src/brokers/redis/log/log-store.js', 'this.#failover.acknowledge(admission, channel, published.current);', 'if (published.status === \'sent\') this.#failover.acknowledge(admission, channel, published.current);']] },
  { name: 'a loss that is found after the decision begins no epoch', frequent: true, changes: [[log, 'if (decided || meta.term !== term) {', 'if (meta.term !== term) {']] },
  { name: 'an epoch outlives its term', frequent: true, changes: [[log, 'if (meta.term === term) return meta', 'if (meta.epoch !== undefined) return meta']] },
  { name: 'the chain goes on over a term in which something was lost', changes: [[register, 'next.chain = complete && recorded !== undefined ? [recorded, ...view.chain].slice(0, CHAIN) : []', 'next.chain = recorded === undefined ? [] : complete ? [recorded, ...view.chain].slice(0, CHAIN) : view.chain']] },
  { name: 'a loss leaves earlier epochs complete', frequent: true, changes: [[log, 'if (!ok) past = past.map((entry) => ({ ...entry, ok: false }))', '']] },
  { name: 'a position beyond the bound goes on without a gap', frequent: true, changes: [[log, 'if (!known.ok || after > known.bound)', 'if (!known.ok)']] },
  { name: 'a replay goes live in another epoch than the channel is in', within: 100_000, changes: [[replay, 'channel.epoch === epoch && ', ''], [channel, 'subscriber.epoch !== batch.epoch || ', '']] },
  { name: 'a change of epoch is not announced', frequent: true, changes: [[replay, ' || carriedOver', '']] },
  { name: 'the feed goes on in another epoch without a word', frequent: true, changes: [['dist/src/brokers/redis/log/feed.js', 'this.#ports.moved({ epoch, offset });', 'if (this.epoch === \'\') this.#ports.moved({ epoch, offset });']] },
  { name: 'instances that are missing in the register are not written back', frequent: true, changes: [[register, 'for (const other of view.decided ? [] : known) {', 'for (const other of []) {']] },
  { name: 'a branch that is lost is not noticed', changes: [[register, 'const lost = admitted !== \'-\' && !view.terms.includes(admitted)', 'const lost = false']] },
  { name: 'a known loss is forgotten when the next term begins', changes: [[register, 'view.flag === undefined', 'view.flag !== term'], [register, 'since: own.since === own.compared && own.since !== view.recorded ? term : own.since', 'since: own.since']] },
  { name: 'the announcement of a loss is forgotten when an earlier admission resumes', within: 50_000, changes: [[comparison, 'if (this.#term === term)', 'if (term !== \'\')']] },
  { name: 'every registration counts as safe', frequent: true, changes: [[register, 'const alone = next.deleted !== \'1\' && Object.keys(view.instances).every((other) => other === id || other === fresh)', 'const alone = true']] },
  { name: 'a witness does not remember whom it confirms', frequent: true, changes: [['dist/src/brokers/redis/failover/known-instances.js', 'this.#ids.add(id);', ';']] }
]
