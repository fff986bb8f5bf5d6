const WIDTH = 120
const HEIGHT = 36
export const POINTS = 60

/** Draws the values, oldest first, as a line with an area below; the newest is at the right edge. */
export function drawLine (svg, values) {
  const least = Math.min(...values)
  const span = Math.max(...values) - least || 1
  const points = values.map((value, index) => {
    const x = WIDTH - (values.length - 1 - index) * WIDTH / (POINTS - 1)
    return `${x.toFixed(1)} ${(HEIGHT - 3 - (value - least) / span * (HEIGHT - 6)).toFixed(1)}`
  })
  svg.querySelector('.line').setAttribute('d', `M${points.join('L')}`)
  svg.querySelector('.area').setAttribute('d', `M${points.join('L')}V${HEIGHT}H${points[0].split(' ')[0]}Z`)
  svg.setAttribute('aria-label', `From ${format(values[0])} to ${format(values.at(-1))}`)
}

/** Fills the arc up to a percentage. */
export function drawArc (svg, value) {
  svg.querySelector('.value').setAttribute('stroke-dasharray', `${value} 100`)
  svg.setAttribute('aria-label', `${value} %`)
}

export function format (value) {
  const digits = value >= 1_000 ? 0 : value >= 10 ? 2 : 4
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
