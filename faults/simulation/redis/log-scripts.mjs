/**
 * A model of src/brokers/redis/log/scripts.ts, step by step, on the values of a {@link Server}. `test/faults/simulation` checks that
 * the two are equal. Values are never changed, only replaced, so that a replica and a restarted server can share them.
 *
 * meta { epoch, head, term, past: [{ epoch, bound, ok }], from } · log [{ offset, time, message, receipt }] ·
 * key { digest, epoch, offset, subscribers }
 */
import { currentTerm, Refusal } from './server.mjs'

const PAST = 16
const NO_LOG = { epoch: undefined, head: 0, term: undefined, past: [], from: 0 }

function admitted (server, register, term) {
  server.assertMaster()
  if (term === '') return server.term
  if (term.slice(0, 12) !== server.term || server.get(register)?.term !== term) throw new Refusal('UNVERIFIED another term has begun')
  return term
}

export function generation (epoch) {
  const number = parseInt(/^([0-9a-z]+)-/i.exec(epoch)?.[1] ?? '', 36)
  return Number.isNaN(number) || number >= 2 ** 40 ? 0 : number
}

/** Begins another epoch of the log. */
function begin (server, metaKey, logKey, meta, term, random, ok) {
  let past = meta.past
  let time = server.seconds
  if (meta.epoch !== undefined) {
    if (!ok) past = past.map((entry) => ({ ...entry, ok: false }))
    past = [{ epoch: meta.epoch, bound: meta.head, ok }, ...past].slice(0, PAST)
    time = Math.max(time, generation(meta.epoch) + 1)
  }
  const epoch = `${time.toString(36)}-${random}-${term.slice(0, 4)}`
  const next = { ...meta, epoch, term, past }
  server.set(metaKey, next)
  if (meta.epoch === undefined) server.set(logKey, undefined)
  server.onEpoch(metaKey, epoch, meta.epoch, meta.head)
  return next
}

/** Loads a log; in another term than that of its epoch, a new one begins. */
function open (server, metaKey, logKey, register, term, given, random) {
  const meta = server.get(metaKey) ?? NO_LOG
  if (meta.term === term) return meta
  const chain = given !== '' ? server.get(register)?.chain : undefined
  const ok = meta.epoch !== undefined && meta.term !== undefined && chain !== undefined && chain.includes(meta.term)
  return begin(server, metaKey, logKey, meta, term, random, ok)
}

export function publish (
  server, metaKey, logKey, register, keyKey, given, random, message, size, ttl, positionTtl, live, digest, keyTtl, subscribers, receipt = ''
) {
  const term = admitted(server, register, given)
  let meta = open(server, metaKey, logKey, register, term, given, random)
  if (digest !== '') {
    const known = server.get(keyKey)
    if (known !== undefined) {
      if (known.digest !== digest) return ['conflict']
      return ['duplicate', meta.epoch, String(meta.head), known.epoch, String(known.offset), String(known.subscribers)]
    }
  }
  const offset = meta.head + 1
  meta = { ...meta, head: offset }
  if (Number(size) > 0) {
    server.set(metaKey, meta)
    const log = server.get(logKey) ?? []
    const kept = log.length >= size ? log.slice(log.length + 1 - size) : log
    server.set(logKey, [...kept, { offset, time: server.milliseconds, message, receipt }])
  } else {
    server.set(metaKey, { ...meta, from: offset })
  }
  if (digest !== '') server.set(keyKey, { digest, epoch: meta.epoch, offset, subscribers })
  server.onAppend(metaKey, meta.epoch, offset, message)
  server.announce('smessage', live, `${meta.epoch}:${offset} ${message}${receipt === '' ? '' : `,"receipt":"${receipt}"`},"time":${server.milliseconds}`)
  return ['sent', meta.epoch, String(offset)]
}

export function read (
  server, metaKey, logKey, register, given, random, ttl, positionTtl, emptyTtl, from, epoch, asked, limit, acceptsLater
) {
  const term = admitted(server, register, given)
  const meta = open(server, metaKey, logKey, register, term, given, random)
  const { head, past } = meta
  let log = server.get(logKey) ?? []
  const isOld = ({ time }) => time < server.milliseconds - ttl
  let oldest = (log[0]?.offset ?? head + 1) - 1
  if (log.length > 0 && isOld(log[0])) {
    const kept = log.filter((entry) => !isOld(entry))
    oldest = kept.length > 0 ? kept[0].offset - 1 : head
    log = kept
    server.set(logKey, kept)
  }
  oldest = Math.max(oldest, meta.from)
  let after = head
  let reason = ''
  if (from === 'earliest') {
    after = oldest
  } else if (from === 'after') {
    after = Number(asked)
    if (epoch === meta.epoch) {
      if (after > head) [after, reason] = [oldest, 'epoch']
    } else {
      const known = past.find((entry) => entry.epoch === epoch)
      if (known !== undefined) {
        if (!known.ok || after > known.bound) [after, reason] = [Math.min(after, known.bound), 'epoch']
      } else {
        const later = generation(epoch) > generation(meta.epoch)
        if (later && String(acceptsLater) !== '1') return ['later']
        after = later || past.length > 0 ? Math.min(after, head) : oldest
        reason = 'epoch'
      }
    }
    if (after < oldest) [after, reason] = [oldest, reason || 'expired']
  }
  const entries = after < head && limit > 0 ? log.filter(({ offset }) => offset > after).slice(0, limit) : []
  const rows = entries.map(({ offset, time, message, receipt }) => [`${offset}-${time}`, ['m', message, ...receipt === '' ? [] : ['r', receipt]]])
  return [meta.epoch, String(head), String(after), reason, rows]
}

export function verify (server, count, ...rest) {
  const keys = rest.slice(0, count)
  const [given, random, ...args] = rest.slice(count)
  server.assertMaster()
  let term = server.term
  let decided = true
  if (given !== '') {
    const { term: recorded, open: opened } = server.get(keys.at(-1)) ?? {}
    term = currentTerm(server, recorded, opened)
    decided = recorded === term
    if (term !== given) throw new Refusal('UNVERIFIED another term has begun')
  }
  return Array.from({ length: (count - 1) / 2 }, (_, number) => {
    const [metaKey, logKey] = keys.slice(2 * number)
    const [epoch, seen, live] = args.slice(3 * number)
    let meta = server.get(metaKey)
    if (meta === undefined) return []
    const bound = epoch === meta.epoch ? meta.head : meta.past.find((entry) => entry.epoch === epoch)?.bound ?? -1
    if (Number(seen) <= bound) return [1, meta.epoch, String(meta.head)]
    if (decided || meta.term !== term) {
      meta = begin(server, metaKey, logKey, meta, term, random, false)
      server.announce('smessage', live, `${meta.epoch}:${meta.head} `)
    }
    return [0, meta.epoch, String(meta.head)]
  })
}

export function touch (server, metaKey) {
  const meta = server.get(metaKey)
  return [meta?.epoch ?? null, meta === undefined ? null : String(meta.head)]
}
