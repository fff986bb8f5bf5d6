/**
 * A model of src/brokers/redis/failover/register-scripts.ts, step by step; `test/faults/simulation` checks that the two are equal.
 *
 * register { layout, term, chain: [], terms: [], open, flag, deleted, size, departed: [],
 *            instances: { <id>: { compared, since, safe } } }
 */
import { currentTerm, Refusal } from './server.mjs'

const LAYOUT = '2'
const TERMS = 64
const CHAIN = 16
/** The sizes of the lists; a test makes them smaller, here and in the scripts. */
export const limits = { departed: 1_024, growth: 5_000 }
const EMPTY = { instances: {} }

/** The register as a script sees it, to be changed and then written once. */
class View {
  changed
  constructor (server, key) {
    server.assertMaster()
    const stored = server.get(key) ?? EMPTY
    if (stored.layout !== undefined && stored.layout !== LAYOUT) throw new Refusal(`LAYOUT ${stored.layout}`)
    this.server = server
    this.key = key
    this.stored = stored
    this.recorded = stored.term
    this.term = currentTerm(server, stored.term, stored.open)
    this.decided = this.recorded === this.term
    this.chain = stored.chain ?? []
    this.terms = stored.terms ?? []
    this.flag = stored.flag
  }

  /** The value that is written at the end. */
  get next () {
    return this.changed ??= { ...this.stored }
  }

  get instances () {
    return (this.changed ?? this.stored).instances
  }

  add (term) {
    this.next.terms = this.terms = [term, ...this.terms].slice(0, TERMS)
  }

  write (id, entry) {
    this.next.instances = { ...this.next.instances, [id]: entry }
  }

  delete (id) {
    this.next.instances = Object.fromEntries(Object.entries(this.next.instances).filter(([known]) => known !== id))
  }

  depart (id) {
    this.delete(id)
    const { departed = [] } = this.next
    if (!departed.includes(id)) this.next.departed = [id, ...departed].slice(0, limits.departed)
  }

  answer (value) {
    if (this.changed !== undefined) this.server.set(this.key, this.changed)
    return value
  }
}

export function join (server, key, term, id, fresh, compared, admitted, overflowed, ...known) {
  const view = new View(server, key)
  if (view.term !== term) return ['again', view.term]
  const { next } = view
  next.layout = LAYOUT
  const lost = admitted !== '-' && !view.terms.includes(admitted)
  if (lost) view.add(admitted)
  const crowded = view.decided && Object.keys(view.instances).length > 2 * (Number(next.size ?? 0) || 0) + limits.growth
  if (lost || crowded || String(overflowed) === '1') {
    if (view.decided || admitted === term) {
      const open = `${server.term}#${Number(/#(\d+)$/.exec(term)?.[1] ?? 0) + 1}`
      next.open = open
      next.flag = open
      return view.answer(['again', open])
    }
    next.flag = term
  }
  const alone = next.deleted !== '1' && Object.keys(view.instances).every((other) => other === id || other === fresh)
  for (const other of view.decided ? [] : known) {
    if (!Object.hasOwn(view.instances, other) && !next.departed?.includes(other)) view.write(other, { compared: '-', since: '-', safe: '1' })
  }
  const own = view.instances[id]
  if (own?.compared === compared) {
    view.write(id, { ...own, compared: term, since: own.since === own.compared && own.since !== view.recorded ? term : own.since })
    return view.answer(['joined', id])
  }
  if (id !== '-') view.depart(id)
  view.write(fresh, { compared: term, since: term, safe: alone ? '1' : '0' })
  return view.answer(['joined', fresh])
}

export function decide (server, key, term, over) {
  const view = new View(server, key)
  const { recorded } = view
  if (view.term !== term) return ['again', view.term]
  if (view.decided) return ['decided', 1]
  const entries = Object.entries(view.instances)
  const missing = entries.filter(([, { compared }]) => compared !== term).map(([id]) => id)
  const before = entries.some(([, { compared, since }]) => compared === term && since !== term)
  if (missing.length > 0 && String(over) !== '1') return ['waiting', missing.length]
  const { next } = view
  const complete = missing.length === 0 && before && view.flag === undefined
  next.term = term
  next.chain = complete && recorded !== undefined ? [recorded, ...view.chain].slice(0, CHAIN) : []
  next.size = String(entries.length - missing.length)
  next.open = undefined
  next.flag = undefined
  next.departed = undefined
  view.add(term)
  for (const id of missing) {
    view.delete(id)
    next.deleted = '1'
  }
  return view.answer(['decided', complete ? 1 : 0])
}

export function look (server, key) {
  const view = new View(server, key)
  const answer = [view.term, view.decided ? 1 : 0]
  for (const id in view.instances) {
    const { compared, safe } = view.instances[id]
    answer.push(id, compared, safe)
  }
  return answer
}

export function witness (server, key, term, id, own, ...others) {
  const view = new View(server, key)
  let caller = view.instances[id]
  if (view.term !== term || caller === undefined) return 0
  if (String(own) === '1') view.write(id, caller = { ...caller, safe: '1' })
  if (caller.safe !== '1' || !view.decided || caller.compared !== term) return view.answer(0)
  for (const other of others) {
    const entry = view.instances[other]
    if (entry !== undefined && entry.safe !== '1') view.write(other, { ...entry, safe: '1' })
  }
  return view.answer(1)
}

export function leave (server, key, id, term) {
  const view = new View(server, key)
  if (view.term === term && view.instances[id]?.compared === term) view.depart(id)
  return view.answer(1)
}
