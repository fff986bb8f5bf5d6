const UNITS = ['', 'k', 'M', 'G', 'T']

/** A number in at most four characters or so: `0`, `0.4`, `12`, `12.3k`. */
export function short (value: number): string {
  let unit = 0
  let rest = value
  while (Math.abs(rest) >= 9_999.5 && unit < UNITS.length - 1) {
    rest /= 1_000
    unit++
  }
  const digits = rest === 0 || Math.abs(rest) >= 100 || Number.isInteger(rest) ? 0 : Math.abs(rest) >= 10 ? 1 : 2
  return `${Number(rest.toFixed(digits)).toLocaleString('en', { maximumFractionDigits: 2 })}${UNITS[unit] ?? ''}`
}

/** A duration that is given in seconds: `0.4 ms`, `1.2 s`. */
export function duration (seconds: number): string {
  return seconds >= 0.9995 ? `${short(seconds)} s` : `${short(seconds * 1_000)} ms`
}

export function bytes (value: number): string {
  const unit = value < 1_024 ? 0 : value < 1_024 ** 2 ? 1 : value < 1_024 ** 3 ? 2 : 3
  return `${short(Number((value / 1_024 ** unit).toPrecision(3)))} ${['B', 'KiB', 'MiB', 'GiB'][unit] ?? ''}`
}

/** The noun in singular or plural, with its number. */
export function count (number: number, singular: string, plural = `${singular}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? singular : plural}`
}

/** The time of day with milliseconds. */
export function clock (time: number): string {
  const date = new Date(time)
  const digits = (value: number, length = 2): string => String(value).padStart(length, '0')
  return `${digits(date.getHours())}:${digits(date.getMinutes())}:${digits(date.getSeconds())}.${digits(date.getMilliseconds(), 3)}`
}
