import { expect, test } from 'vitest'
import { type Plot, plotSvg } from '../../../proof/support/plot.ts'

const PLOT: Plot = {
  title: 'A & B',
  description: 'p99 < 10 ms',
  times: [0, 5, 10],
  timeLabel: 'time',
  panels: [
    {
      title: 'Memory',
      unit: 'MiB',
      scale: 'linear',
      series: [
        { name: 'resident', values: [100, 50, 0] },
        { name: 'heap', values: [0, undefined, 100] },
      ],
    },
    { title: 'Latency', unit: 'ms', scale: 'log', series: [{ name: 'p50', values: [1, 10, 100] }] },
  ],
}

const svg = plotSvg(PLOT)

test('lines go where the values are, and on over those that are not there', () => {
  // The panels are 170 high and 840 wide, below one another, from 92 on; the first begins at 100, the second at 314.
  expect([...svg.matchAll(/<path class="line (s\d)" d="([^"]*)">/g)].map(([, ...found]) => found)).toEqual([
    ['s0', 'M92 100L512 185L932 270'],
    ['s1', 'M92 270L932 100'],
    ['s0', 'M92 484L512 399L932 314'],
  ])
})

test('axes have numbers with their units', () => {
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text)
  expect(texts).toEqual([
    'A &amp; B',
    ...['Memory (MiB)', '0', '50', '100'],
    ...['Latency (ms)', '1', '10', '100'],
    ...Array.from({ length: 11 }, (_, i) => String(i)),
    'time (s)',
  ])
  expect([...svg.matchAll(/<\/tspan> ([^<]*)/g)].map(([, name]) => name)).toEqual(['resident', 'heap', 'p50'])
})

test('says what it is to those who do not see it', () => {
  expect(svg).toContain('role="img" aria-labelledby="hw-title hw-desc"')
  expect(svg).toContain('<title id="hw-title">A &amp; B</title>')
  expect(svg).toContain('<desc id="hw-desc">p99 &lt; 10 ms</desc>')
})

test('changes its colours in dark mode, and its letters where it is narrow', () => {
  expect(svg).toContain('@media (prefers-color-scheme: dark)')
  expect(svg).toContain('@media (max-width: 640px)')
})

test('without values it is empty', () => {
  const empty = plotSvg({ ...PLOT, times: [], panels: [{ ...PLOT.panels[0]!, series: [{ name: 'a', values: [] }] }] })
  expect(empty).toContain('<path class="line s0" d="">')
  expect(empty).not.toContain('NaN')
})
