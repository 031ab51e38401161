/** Numbers as people read them. */

export function count(number: number): string {
  return Math.round(number).toLocaleString('en')
}

/** As `1 connection` or `1,000 connections`. */
export function many(number: number, thing: string): string {
  return `${count(number)} ${thing}${number === 1 ? '' : 's'}`
}

/** A time in milliseconds, to three digits or so. */
export function time(milliseconds: number): string {
  if (milliseconds >= 10_000) return `${(milliseconds / 1_000).toFixed(1)} s`
  if (milliseconds >= 1_000) return `${(milliseconds / 1_000).toFixed(2)} s`
  return `${milliseconds.toFixed(milliseconds >= 100 ? 0 : milliseconds >= 10 ? 1 : 2)} ms`
}

export function size(bytes: number): string {
  for (const [unit, factor] of [
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
  ] as const) {
    if (bytes >= factor) return `${(bytes / factor).toFixed(bytes >= 100 * factor ? 0 : 1)} ${unit}`
  }
  return `${Math.round(bytes)} B`
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
