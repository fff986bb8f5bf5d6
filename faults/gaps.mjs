/**
 * Whether a subscriber that was not handed the message at a position was told so: whether a gap was announced at its place, or
 * later one that says that something of an earlier log was lost.
 * @param runs of {@link History}
 * @param lastGap the gap that was announced behind the last of them
 */
export function isCovered ({ epoch, offset }, runs, lastGap) {
  const within = runs.flatMap((run, index) => run.epoch === epoch ? [index] : [])
  if (within.length === 0) return isCoveredUnseen(offset, runs, lastGap)
  const next = within.find((index) => runs[index].first > offset)
  return next === undefined ? isCoveredBehind(offset, runs, within.at(-1), lastGap) : isCoveredBefore(offset, runs, next)
}

/** Of a log of which it saw nothing it saw neither begin nor end: any change from one log to another may have passed it by. */
function isCoveredUnseen (offset, runs, lastGap) {
  if (lastGap !== undefined) return true
  return runs.some((run, index) => run.gap && (run.isOfEpoch || isChange(runs, index) || spans(runs, index, offset)))
}

/** The place is before the run `next`, or, when all before that was carried over to it, among the runs of other epochs before. */
function isCoveredBefore (offset, runs, next) {
  for (let index = next; index >= 0; index--) {
    if (runs[index].gap) return true
    const before = runs[index - 1]
    if (before === undefined || !isChange(runs, index) || offset >= before.first) return false
  }
  return false
}

/** The place is behind the run `last`; when that was carried over, among the runs of other epochs behind. */
function isCoveredBehind (offset, runs, last, lastGap) {
  let isOvertaken = false
  for (let index = last + 1; index < runs.length; index++) {
    const run = runs[index]
    // Another message stands there for the subscriber: only what tells of another log tells it that there was one before.
    if (run.gap && (isChange(runs, index) || run.isOfEpoch || (!isOvertaken && spans(runs, index, offset)))) return true
    isOvertaken ||= run.last >= offset
  }
  return lastGap !== undefined && (!isOvertaken || lastGap.isOfEpoch)
}

function isChange (runs, index) {
  return runs[index].epoch !== runs[index - 1]?.epoch
}

function spans (runs, index, offset) {
  return (runs[index - 1]?.last ?? 0) < offset && offset < runs[index].first
}
