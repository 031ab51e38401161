/** Curves over time as an SVG: panels one below the other that share the time axis. */
import { type Axis, axis, compact, timeStep, timeUnit } from './axis.ts'

export interface Series {
  name: string
  /** One for each point in time; where there is none, the line goes on to the next. */
  values: readonly (number | undefined)[]
}

export interface Panel {
  title: string
  unit: string
  /** With `log` the values are above 0. */
  scale: 'linear' | 'log'
  /** Three at most, each drawn over those before it. */
  series: readonly Series[]
}

export interface Plot {
  title: string
  /** What can be seen, for those who cannot. */
  description: string
  /** Seconds, from the first to the last. */
  times: readonly number[]
  /** What the time counts from, as `time since the start`. */
  timeLabel: string
  panels: readonly Panel[]
}

const WIDTH = 960
const LEFT = 92
const RIGHT = 28
const TOP = 56
const HEADING = 44
const HEIGHT = 170
const BOTTOM = 84

// In an image the width of these queries is the one it is shown at: on a phone the letters grow and every other number goes.
const STYLE = `
.hw-plot { font: 15px system-ui, -apple-system, 'Segoe UI', sans-serif }
.hw-plot .back { fill: #fff } .hw-plot text { fill: #1f2328 } .hw-plot .quiet { fill: #59636e }
.hw-plot .title { font-size: 19px; font-weight: 600 } .hw-plot .heading { font-weight: 600 }
.hw-plot .grid { stroke: #d1d9e0; stroke-width: 1 } .hw-plot .axis { stroke: #818b98; stroke-width: 1 }
.hw-plot .line { fill: none; stroke-width: 1.6; stroke-linejoin: round }
.hw-plot .line.s0 { stroke: #0969da } .hw-plot .line.s1 { stroke: #bc4c00 } .hw-plot .line.s2 { stroke: #1a7f37 }
.hw-plot .line.s2 { stroke-width: 2.4 }
.hw-plot .key.s0 { fill: #0969da } .hw-plot .key.s1 { fill: #bc4c00 } .hw-plot .key.s2 { fill: #1a7f37 }
@media (prefers-color-scheme: dark) {
.hw-plot .back { fill: #0d1117 } .hw-plot text { fill: #f0f6fc } .hw-plot .quiet { fill: #9198a1 }
.hw-plot .grid { stroke: #2a313c } .hw-plot .axis { stroke: #656c76 }
.hw-plot .line.s0 { stroke: #4493f8 } .hw-plot .line.s1 { stroke: #f0883e } .hw-plot .line.s2 { stroke: #3fb950 }
.hw-plot .key.s0 { fill: #4493f8 } .hw-plot .key.s1 { fill: #f0883e } .hw-plot .key.s2 { fill: #3fb950 }
}
@media (max-width: 640px) {
.hw-plot { font-size: 27px } .hw-plot .title { font-size: 31px } .hw-plot .minor { display: none }
.hw-plot .line { stroke-width: 2.5 }
}
`

export function plotSvg(plot: Plot): string {
  const { title, description, times, panels } = plot
  const height = TOP + panels.length * (HEADING + HEIGHT) + BOTTOM
  const end = Math.max(times.at(-1) ?? 0, 1)
  const x = (seconds: number): number => LEFT + (seconds / end) * (WIDTH - LEFT - RIGHT)
  const step = timeStep(end)
  const unit = timeUnit(end)
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step)
  const parts = panels.map((panel, i) => drawPanel(panel, TOP + i * (HEADING + HEIGHT) + HEADING, times, x, ticks))
  const axisY = height - BOTTOM + 28
  const labels = ticks.map(
    (tick, i) =>
      `<text class="quiet${i % 2 === 1 ? ' minor' : ''}" x="${at(x(tick))}" y="${axisY}" text-anchor="middle">${compact(tick / unit.seconds)}</text>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" class="hw-plot" role="img" aria-labelledby="hw-title hw-desc">`,
    `<title id="hw-title">${escapeXml(title)}</title>`,
    `<desc id="hw-desc">${escapeXml(description)}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="back" width="${WIDTH}" height="${height}"/>`,
    `<text class="title" x="${LEFT}" y="34">${escapeXml(title)}</text>`,
    ...parts,
    ...labels,
    `<text class="quiet" x="${at((LEFT + WIDTH - RIGHT) / 2)}" y="${axisY + 34}" text-anchor="middle">${escapeXml(`${plot.timeLabel} (${unit.name})`)}</text>`,
    '</svg>\n',
  ].join('\n')
}

function drawPanel(
  panel: Panel,
  top: number,
  times: readonly number[],
  x: (seconds: number) => number,
  ticks: readonly number[],
): string {
  const given = panel.series.flatMap(({ values }) => values.filter((value) => value !== undefined))
  const scale: Axis = axis(panel.scale, given)
  const y = (value: number): number => top + HEIGHT - scale.share(value) * HEIGHT
  const bottom = top + HEIGHT
  const keys = panel.series.map(
    ({ name }, i) => `<tspan class="key s${i}"${i === 0 ? '' : ' dx="14"'}>●</tspan> ${escapeXml(name)}`,
  )
  return [
    `<text class="heading" x="${LEFT}" y="${top - 14}">${escapeXml(`${panel.title} (${panel.unit})`)}</text>`,
    `<text x="${WIDTH - RIGHT}" y="${top - 14}" text-anchor="end">${keys.join('')}</text>`,
    ...ticks.map((tick) => `<path class="grid" d="M${at(x(tick))} ${top}V${bottom}"/>`),
    ...scale.ticks.map(
      (tick, i) =>
        `<path class="${i === 0 ? 'axis' : 'grid'}" d="M${LEFT} ${at(y(tick))}H${WIDTH - RIGHT}"/>` +
        `<text class="quiet${i % 2 === 1 ? ' minor' : ''}" x="${LEFT - 10}" y="${at(y(tick) + 5)}" text-anchor="end">${compact(tick)}</text>`,
    ),
    ...panel.series.map(
      ({ name, values }, i) =>
        `<path class="line s${i}" d="${path(times, values, x, y)}"><title>${escapeXml(name)}</title></path>`,
    ),
  ].join('\n')
}

function path(
  times: readonly number[],
  values: readonly (number | undefined)[],
  x: (seconds: number) => number,
  y: (value: number) => number,
): string {
  const points = values.flatMap((value, i) => {
    const time = times[i]
    return value === undefined || time === undefined ? [] : [`${at(x(time))} ${at(y(value))}`]
  })
  return points.length === 0 ? '' : `M${points.join('L')}`
}

/** A coordinate: a tenth of a unit is more than can be seen. */
function at(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
