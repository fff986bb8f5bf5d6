// docs/one-million.md: what a million subscribers would take, computed from the results.
import { integer, number, percent, table } from './format.mjs'

const SUBSCRIBERS = 1_000_000
const PER_INSTANCE = 50_000
const INSTANCES = SUBSCRIBERS / PER_INSTANCE
// The rest is a reserve for bursts, for the loss of an instance and for garbage collection.
const USABLE = 0.6
const NIC_BITS = 10e9
const INSTANCE_BYTES = 2 * 2 ** 30
const REDIS_BYTES = 16 * 2 ** 30
// A message of 100 bytes with its envelope and WebSocket header, in a packet of its own: Ethernet, IPv4, TCP with timestamps.
const WIRE_BYTES = 100 + 54 + 66
const BYTES_PER_COUNT = 200
const AUDIT_SECONDS = 15
// The scripts alone take 4 to 5 and about 15 (INFO commandstats, Redis 7.0.15); 256 are sent together.
const TOUCH_MICROSECONDS = 10
const CATCH_UP_MICROSECONDS = 40
// docs/instances.md: position and log of a channel with few messages.
const LOG_BYTES = 300 + 4_700

const workloads = [
  { title: 'One channel with everybody, a message a second', channels: 1, messages: 1, oneChannel: true },
  { title: '100,000 rooms of 10, each a message in 10 seconds', channels: 100_000, messages: 10_000 },
  { title: 'A channel for each of 1,000,000 users, each a message a minute', channels: 1_000_000, messages: 1_000_000 / 60 }
]

/** The whole document, or undefined while a result is missing. `read(name)` returns a result or undefined. */
export function oneMillion (read) {
  const results = Object.fromEntries(['peers', 'scale', 'compare', 'reconnect'].map((name) => [name, read(name)]))
  if (Object.values(results).includes(undefined)) return undefined
  const inputs = inputsOf(results)
  return [
    '# A million subscribers',
    'An estimate of the resources for 1,000,000 subscribers. It is a model: its inputs were measured with 1,000 to 10,000 subscribers on one machine of two cores, everything else is computed from them and from the assumptions below. A run with a million has not been made. `node bench/one-million.mjs` writes this page anew from `bench/results/`, as every full run of a benchmark does.',
    '## Measured',
    table(['', 'value', '[RESULTS.md](../bench/RESULTS.md), section'], inputRows(inputs)),
    'Everything scales with these: a machine that is twice as fast halves them. The loopback interface stands for the network, so that what the kernel does for a packet is counted and what a network card does is not.',
    '## Assumed',
    ASSUMED,
    '## The same for every workload',
    common(inputs, results.reconnect),
    ...workloads.flatMap((workload) => workloadSection(workload, inputs)),
    '## Where it breaks, and what then',
    breaks(inputs),
    '## What was not measured',
    OPEN
  ].join('\n\n') + '\n'
}

function inputsOf ({ peers, scale, compare }) {
  const member = (result, id, row) => result.cases.find((each) => each.id === id).rows.find((each) => each.id === row)
  const shared = member(scale, 'w1', 'messenger-redis')
  const busy = member(scale, 'w16', 'messenger-redis')
  const [apart, together] = ['w1', 'w16'].map((id) => member(scale, id, 'messenger').cpuPerUnit)
  return {
    apart,
    together,
    apartRatio: shared.cpuPerUnit / apart,
    togetherRatio: busy.cpuPerUnit / together,
    // A message is delivered to the subscribers of both instances.
    redis: busy.cpuPerUnitOf.redis * 2 * scale.settings.subscribers,
    post: member(peers, 'posts', 'messenger').cpuPerUnit,
    connect: member(compare, 'connects', 'tree').cpuPerUnit,
    bytes: member(peers, 'memory', 'messenger').bytesPerConnection,
    base: member(peers, 'memory', 'messenger').before
  }
}

const inputRows = ({ apart, together, apartRatio, togetherRatio, redis, post, connect, bytes, base }) => [
  ['*d*: CPU µs per delivery, messages apart', number(apart), 'Two instances and Redis, 1 in flight'],
  ['the same, 16 in flight', number(together), 'Two instances and Redis, 16 in flight'],
  ['CPU per delivery of two instances and Redis, × one instance, 1 and 16 in flight', `${number(apartRatio)}, ${number(togetherRatio)}`, 'Two instances and Redis'],
  ['*r*: CPU µs of Redis per message, for two instances', number(redis), 'Two instances and Redis, 16 in flight, “of it redis” × subscribers of both'],
  ['*p*: CPU µs per `POST`', number(post), 'Publishing to a channel without subscribers'],
  ['*c*: CPU µs per connect and disconnect', number(connect), 'WebSockets that come and go'],
  ['*b*: bytes of memory per idle connection', integer(bytes), 'Memory of 10,000 idle connections'],
  ['MiB of an instance without connections', number(base / 2 ** 20), 'Memory of 10,000 idle connections']
]

const ASSUMED = `- ${integer(PER_INSTANCE)} subscribers an instance, so *n* = ${INSTANCES} instances: few enough that the loss of one is small, and that they fit into ${INSTANCE_BYTES / 2 ** 30} GiB. An instance uses one core.
- ${percent(USABLE)} of a core is used, the rest is for bursts. A network card carries ${NIC_BITS / 1e9} Gbit/s, a Redis shard has one core and ${REDIS_BYTES / 2 ** 30} GiB.
- Messages have 100 bytes and come apart, each in a write and a packet of its own, ${WIRE_BYTES} bytes on the wire. That is the expensive case: messages that come while a channel is being served go out together, at the cost of *16 in flight*.
- Subscribers are spread over the instances at random: a channel of *s* subscribers is on *n* × (1 − (1 − 1/*n*)^*s*) of them.
- Through Redis an instance spends *p* once more for a message that it publishes, and *p* for one that it is told of. Redis spends *d* for every instance beyond the second that it tells: a write is a write.
- Every instance asks Redis every ${AUDIT_SECONDS} s for the position of each of its channels, at ${TOUCH_MICROSECONDS} µs: the script takes 4 to 5 by INFO commandstats, and 256 are sent together. After an outage it subscribes to each anew and reads it, at ${CATCH_UP_MICROSECONDS} µs. It keeps the number of subscribers of every channel of all instances, about ${BYTES_PER_COUNT} bytes each.
- TLS is ended before the instances.`

function common ({ bytes, base, connect }, { clients, lastMs }) {
  const memory = base + PER_INSTANCE * bytes
  return `- **Memory**: *b* × subscribers = ${number(SUBSCRIBERS * bytes / 2 ** 30)} GiB in all, ${integer(memory / 2 ** 20)} MiB an instance, beside what is kept unsent for slow subscribers (\`MAX_BUFFERED_BYTES\` each at most).
- **Loss of an instance**: its ${integer(PER_INSTANCE)} subscribers come to the other ${INSTANCES - 1}: ${integer(PER_INSTANCE / (INSTANCES - 1))} × *c* = ${number(PER_INSTANCE / (INSTANCES - 1) * connect / 1e6)} s of CPU each. The client's backoff spreads them over seconds: ${integer(clients)} that were cut at once were all back after ${number(lastMs / 1_000)} s (section *${integer(clients)} subscribers cut at once*).
- **All at once** (the balancer restarts): ${integer(PER_INSTANCE)} × *c* = ${number(PER_INSTANCE * connect / 1e6)} s of CPU an instance. They are served as fast as that; clients that are not served in time back off further.
- **Files**: ${integer(PER_INSTANCE)} an instance; \`ulimit -n\` has to allow them, and the balancer needs ${integer(SUBSCRIBERS)} ports to the instances: at most 28,000 for each pair of addresses, so several addresses.`
}

function workloadSection (workload, inputs) {
  const { title, channels, messages, oneChannel = false } = workload
  const { apart, redis, post, bytes, base } = inputs
  const members = SUBSCRIBERS / channels
  const reached = INSTANCES * (1 - (1 - 1 / INSTANCES) ** members)
  const deliveries = messages * members
  const listened = channels * reached
  const fanOut = deliveries * apart / 1e6
  const taking = messages * (2 * post + reached * post) / 1e6
  const cores = fanOut + taking
  const bits = deliveries * WIRE_BYTES * 8 / INSTANCES
  const publishing = messages * (redis + Math.max(0, reached - 2) * apart) / 1e6
  const audit = listened / AUDIT_SECONDS * TOUCH_MICROSECONDS / 1e6
  const memory = base + PER_INSTANCE * bytes + channels * BYTES_PER_COUNT
  const kept = channels * LOG_BYTES
  const shards = oneChannel ? 1 : Math.max(1, Math.ceil((publishing + audit) / USABLE), Math.ceil(kept / USABLE / REDIS_BYTES))
  const uses = [
    ['CPU of the instances', cores / INSTANCES / USABLE],
    ['network of the instances', bits / NIC_BITS / USABLE],
    ['memory of the instances', memory / INSTANCE_BYTES],
    ['CPU of one Redis', (publishing + audit) / USABLE],
    ['memory of one Redis', kept / REDIS_BYTES / USABLE]
  ].sort(([, one], [, other]) => other - one)
  const rows = [
    ['deliveries/s', 'messages × subscribers of a channel', integer(deliveries)],
    ['instances that a message is sent to', '*n* × (1 − (1 − 1/*n*)^*s*)', number(reached)],
    ['cores: fan-out', 'deliveries × *d*', number(fanOut)],
    ['cores: messages in, from Redis', 'messages × (2 + instances) × *p*', number(taking)],
    ['instances for that', `cores / ${USABLE}`, integer(Math.ceil(cores / USABLE))],
    ['Gbit/s an instance', `deliveries × ${WIRE_BYTES} × 8 / *n*`, number(bits / 1e9)],
    ['MiB an instance', `base + ${integer(PER_INSTANCE)} × *b* + channels × ${BYTES_PER_COUNT}`, integer(memory / 2 ** 20)],
    ['Redis, cores: publishing', 'messages × (*r* + (instances − 2) × *d*)', number(publishing)],
    ['Redis, cores: positions asked for', `channels × instances / ${AUDIT_SECONDS} s × ${TOUCH_MICROSECONDS} µs`, number(audit)],
    ['Redis, GiB', `channels × ${integer(LOG_BYTES)}`, number(kept / 2 ** 30)],
    ['Redis shards', `the larger of both / ${USABLE}`, integer(shards)],
    ['seconds until all is read after an outage of Redis', `channels × instances × ${CATCH_UP_MICROSECONDS} µs / shards`, number(listened * CATCH_UP_MICROSECONDS / 1e6 / shards)]
  ]
  const [[first, share]] = uses
  return [
    `## ${title}`,
    table(['', 'formula', ''], rows),
    `With ${INSTANCES} instances and one Redis the first limit is the **${first}**, at ${percent(share)} of what may be used; then the ${uses.slice(1, 3).map(([name, use]) => `${name} (${percent(use)})`).join(' and the ')}.`
  ]
}

const breaks = ({ apart }) => `- **CPU of the instances, one crowded channel.** A system call a subscriber is the floor (*d*). More instances divide it: nothing in the fan-out knows of other instances. At higher rates messages are written together by themselves, the cost of a delivery falls towards that of *16 in flight*, and latency grows to the time of one walk through an instance's subscribers, ${integer(PER_INSTANCE)} × *d* = ${number(PER_INSTANCE * apart / 1e6)} s. Beyond that the publisher has to send less often: batches, or the latest state instead of every change.
- **CPU of Redis, very many channels.** Scripts run on one core of one server. A channel's keys and its announcements share a hash slot, so that \`redis+cluster://\` with the shards of the tables divides publishing, positions and memory alike. One channel is in one slot: its rate is bounded by one core, 1 / (*r* + (*n* − 2) × *d*).
- **The positions of idle channels.** With a channel for each user they are asked for tens of thousands of times a second, whether or not there are messages, and an outage ends with a read of each channel. Channels that many share cost less: a channel for each room, not for each user.
- **Subscriber counts.** Every instance holds the subscriber counts of every channel, and each of the others sends all of its counts to a new instance in one message: memory and start-up grow with channels × instances. For some millions of channels counts would have to be kept where they are asked for.
- **Memory of Redis.** A log takes 4 KiB at least. \`HISTORY_TTL\` bounds how many exist, \`HISTORY_SIZE=0\` leaves the positions only, 300 bytes each.
- **Network.** ${WIRE_BYTES} bytes a delivery; fewer where messages go out together. More instances on more machines divide it.`

const OPEN = `- More than 10,000 connections to one process, and more than two instances on one Redis other than in tests.
- A Redis cluster under load: its costs are taken for those of one server on each shard.
- What a real network card, TLS, a balancer and slow subscribers add.
- *d* where an instance has 50,000 subscribers instead of 1,000: caches are missed more often.
- The multiples of *p* and *d* that the assumptions name, and the bytes of a count.`
