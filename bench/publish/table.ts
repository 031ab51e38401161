import type { Estimate } from '../stats.ts'
import type { Result } from './measure.ts'

/** As Markdown, which is as good to read in a terminal. */
export function publishTable(results: readonly Result[]): string {
  const rows = results.map(({ subscribers, server, user, system }) => {
    // Microseconds of all as nanoseconds of each.
    const each = ({ median }: Estimate) => figure((median / subscribers) * 1e3)
    const both = figure(user.median + system.median)
    return `| ${subscribers.toLocaleString('en')} | ${server} | ${both} | ${within(user)} | ${within(system)} | ${each(user)} | ${each(system)} |`
  })
  return [
    '| subscribers | server | µs for a publication | user | system | ns for each, user | system |',
    '| ---: | --- | ---: | ---: | ---: | ---: | ---: |',
    ...rows,
    '',
  ].join('\n')
}

function within({ median, low, high }: Estimate): string {
  return `${figure(median)} (${figure(low)}–${figure(high)})`
}

/** Three figures that mean something. */
function figure(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(value >= 10 ? 1 : 2)
}
