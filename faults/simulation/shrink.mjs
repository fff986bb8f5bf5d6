import { simulate } from './simulate.mjs'

/** Takes out as many actions of a schedule as possible (delta debugging) while a violation of the same kind is left. */
export async function shrink (schedule, kind) {
  const fails = async (actions) => (await simulate({ ...schedule, actions })).violation?.kind === kind
  let { actions } = schedule
  for (let parts = 2; actions.length > 1;) {
    const size = Math.ceil(actions.length / parts)
    let smaller
    for (let start = 0; start < actions.length && smaller === undefined; start += size) {
      const rest = [...actions.slice(0, start), ...actions.slice(start + size)]
      if (await fails(rest)) smaller = rest
    }
    if (smaller !== undefined) {
      actions = smaller
      parts = Math.max(2, parts - 1)
    } else if (size === 1) {
      break
    } else {
      parts = Math.min(actions.length, parts * 2)
    }
  }
  return { ...schedule, actions }
}
