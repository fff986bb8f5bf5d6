import { type History, type Numbers, Oracle } from '../../faults/oracle.mjs'

export const CHANNEL = 'room'

/**
 * Plays a history of one subscriber: ids that it was handed, gaps that it was told of, as `gap <reason> <position>?`, and positions
 * that a stream began with, as `at <position>`. Of each epoch in `logs` so many messages were acknowledged; unless told otherwise,
 * the data was lost between each two.
 */
export function judge (
  history: string[], logs: Record<string, number>, dataLosses = Object.keys(logs).length - 1
): { kinds: string[], numbers: Numbers } {
  const oracle = new Oracle(() => 0)
  const subscriber = oracle.subscribe('s1', CHANNEL)
  for (const [epoch, count] of Object.entries(logs)) {
    for (let offset = 1; offset <= count; offset++) oracle.acknowledge(CHANNEL, `${epoch}:${offset}`, contentOf(`${epoch}:${offset}`))
  }
  for (let loss = 0; loss < dataLosses; loss++) oracle.loseData()
  for (const step of history) {
    const [word = '', ...rest] = step.split(' ')
    if (word === 'gap') subscriber.gap(rest[0] ?? '', rest[1])
    else if (word === 'at') subscriber.position(rest[0] ?? '')
    else oracle.deliver(subscriber, step, contentOf(step))
  }
  const [epoch, count] = Object.entries(logs).at(-1) ?? ['', 0]
  oracle.mark(CHANNEL, `${epoch}:${count}`)
  const numbers = oracle.conclude()
  return { kinds: oracle.violations.map(({ kind }) => kind), numbers }
}

function contentOf (id: string): string {
  return `content of ${id}`
}

/** Plays a history in which the message at an offset is the same in every epoch. */
export function play (
  history: string[], prepare: (subscriber: History) => void = () => {}, dataLosses = 0
): { oracle: Oracle, subscriber: History } {
  const oracle = new Oracle(() => 0)
  for (let loss = 0; loss < dataLosses; loss++) oracle.loseData()
  const subscriber = oracle.subscribe('s1', CHANNEL)
  prepare(subscriber)
  for (const step of history) {
    const [word = '', first = '', second] = step.split(' ')
    if (word === 'gap') subscriber.gap(first, second)
    else if (word === 'at') subscriber.position(first)
    else oracle.deliver(subscriber, step, `content of ${step.slice(2)}`)
  }
  return { oracle, subscriber }
}

export function kindsOf ({ violations }: Oracle): string[] {
  return violations.map(({ kind }) => kind)
}
