import { type Point, SPAN_MS } from '../service/history.js'

const STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10]

/** The end of a scale: a round number that is not much larger than the largest value. */
export function niceMax (value: number): number {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return (STEPS.find((step) => step * power >= value * (1 - Number.EPSILON)) ?? 10) * power
}

/** The size of a drawing, in its own units. */
export interface Size {
  width: number
  height: number
}

export interface Path {
  line: string
  /** The same, closed along the bottom. */
  area: string
}

/** The path of a series whose newest point is at the right edge; it is broken where nothing is known. */
export function pathOf (points: readonly Point[], now: number, max: number, { width, height }: Size): Path {
  let line = ''
  let area = ''
  let begun: number | undefined
  let last = 0
  const close = (): void => {
    if (begun !== undefined) area += `L${round(last)} ${height}Z`
    begun = undefined
  }
  for (const { at, value } of points) {
    if (value === undefined) { close(); continue }
    const x = width * (1 - (now - at) / SPAN_MS)
    const y = height * (1 - Math.min(value / max, 1))
    const to = `${round(x)} ${round(y)}`
    line += (begun === undefined ? 'M' : 'L') + to
    area += begun === undefined ? `M${round(x)} ${height}L${to}` : `L${to}`
    begun ??= x
    last = x
  }
  close()
  return { line, area }
}

/** The point that is nearest to a place between the left edge (0) and the right one (1). */
export function nearest (points: readonly Point[], now: number, place: number): Point | undefined {
  const at = now - SPAN_MS * (1 - place)
  const distance = (point: Point | undefined): number => point === undefined ? Infinity : Math.abs(point.at - at)
  let found: Point | undefined
  for (const point of points) if (point.value !== undefined && distance(point) < distance(found)) found = point
  return found
}

function round (value: number): number {
  return Math.round(value * 10) / 10
}
