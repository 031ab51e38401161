/** Axes: where the numbers of a plot go, and which of them are written beside it. */

export interface Axis {
  /** The numbers to write, from the lowest up. */
  ticks: readonly number[]
  /** Where a value lies between the ends: 0 to 1. */
  share(value: number): number
}

/** An axis on which all the values find room: from 0 up, or with `log` whole powers of ten. */
export function axis(scale: 'linear' | 'log', values: readonly number[]): Axis {
  return scale === 'linear'
    ? linear(values.reduce((most, value) => Math.max(most, value), 0))
    : logarithmic(values.filter((value) => value > 0))
}

function linear(highest: number): Axis {
  const step = niceStep(highest / 4)
  const count = Math.max(1, Math.ceil(highest / step - 1e-9))
  // Without what is left of a multiplication: 3 * 0.1 is 0.30000000000000004.
  const ticks = Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)))
  const end = count * step
  return { ticks, share: (value) => value / end }
}

function logarithmic(values: readonly number[]): Axis {
  const [first = 1] = values
  const lowest = values.reduce((least, value) => Math.min(least, value), first)
  const highest = values.reduce((most, value) => Math.max(most, value), first)
  const from = Math.floor(Math.log10(lowest))
  const to = Math.max(from + 1, Math.ceil(Math.log10(highest)))
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => Number((10 ** (from + i)).toPrecision(12)))
  return { ticks, share: (value) => Math.max(0, (Math.log10(Math.max(value, Number.MIN_VALUE)) - from) / (to - from)) }
}

/** The first of 1, 2 and 5 times a power of ten that is no smaller. */
export function niceStep(atLeast: number): number {
  if (!(atLeast > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(atLeast))
  const factor = [1, 2, 5, 10].find((one) => one * power >= atLeast * (1 - 1e-9)) ?? 10
  return factor * power
}

const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400]

/** Seconds between the numbers of a time axis, so that there are at most twelve. */
export function timeStep(seconds: number): number {
  return TIME_STEPS.find((step) => seconds / step <= 12) ?? niceStep(seconds / 12)
}

/** The unit that suits a time axis of so many seconds. */
export function timeUnit(seconds: number): { name: string; seconds: number } {
  if (seconds < 180) return { name: 's', seconds: 1 }
  if (seconds < 3 * 3600) return { name: 'min', seconds: 60 }
  return { name: 'h', seconds: 3600 }
}

/** A number as short as it can be: 1500 is 1.5k. */
export function compact(value: number): string {
  if (value >= 1e6) return `${short(value / 1e6)}M`
  if (value >= 1e3) return `${short(value / 1e3)}k`
  return short(value)
}

/** Without what is left of a division: 0.30000000000000004. */
function short(value: number): string {
  return String(Number(value.toPrecision(6)))
}
