/** A flame graph: the widths are shares of the time, a frame lies on the one that called it, and its colour says whose it is. */
import { depthOf, type Kind, type Node, shares } from './tree.ts'

export interface Caption {
  title: string
  /** What was recorded, and how. */
  text: string
}

const WIDTH = 1008
const MARGIN = 24
const ROOM = WIDTH - 2 * MARGIN
const TOP = 112
const ROW = 19
const BELOW = 20
/** Of a letter; a name for which there is less than three letters' room is left out. */
const LETTER = 6.9
const LEAST_LETTERS = 3
/** Not of a letter that must have room, but of most. */
const LEGEND_LETTER = 6.4

/** Of the whole, to be told in figures. */
const LEAST_SHARE = 0.001

const KINDS: Record<Kind, string> = {
  kernel: 'kernel',
  addon: 'addon',
  heartwire: 'heartwire',
  application: 'application',
  node: "Node's JavaScript",
  engine: 'V8, libuv, Node',
  garbage: 'garbage collection',
}

const STYLE = `
.hw-flame { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif }
.hw-flame .back { fill: #fff } .hw-flame text { fill: #1f2328 } .hw-flame .quiet { fill: #59636e; font-size: 14px }
.hw-flame .title { font-size: 20px; font-weight: 600 } .hw-flame rect { stroke: #fff; stroke-width: .6 }
.hw-flame .kernel { fill: #d1d9e0 } .hw-flame .engine { fill: #f5d0a9 } .hw-flame .garbage { fill: #ffb3ad } .hw-flame .node { fill: #f4e3a1 }
.hw-flame .heartwire { fill: #80ccff } .hw-flame .addon { fill: #c8b6ff } .hw-flame .application { fill: #9be9a8 }
@media (prefers-color-scheme: dark) {
.hw-flame .back { fill: #0d1117 } .hw-flame text { fill: #f0f6fc } .hw-flame .quiet { fill: #9198a1 } .hw-flame rect { stroke: #0d1117 }
.hw-flame .kernel { fill: #3d444d } .hw-flame .engine { fill: #6b4a24 } .hw-flame .garbage { fill: #86302b } .hw-flame .node { fill: #5c5011 }
.hw-flame .heartwire { fill: #1f5c9e } .hw-flame .addon { fill: #553c9a } .hw-flame .application { fill: #1f6f33 }
}
`

export function drawFlame(root: Node, { title, text }: Caption): string {
  const deepest = depthOf(root) - 1
  const height = TOP + deepest * ROW + BELOW
  const parts: string[] = []
  const draw = (nodes: readonly Node[], from: number, depth: number): void => {
    let x = from
    for (const node of nodes) {
      const share = node.weight / root.weight
      parts.push(box(node, x, share, TOP + (deepest - depth) * ROW))
      draw(node.children, x, depth + 1)
      x += share
    }
  }
  draw(root.children, 0, 1)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" class="hw-flame" role="img" aria-labelledby="hw-title hw-desc">`,
    `<title id="hw-title">${escapeXml(title)}</title>`,
    `<desc id="hw-desc">${escapeXml(describe(root))}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="back" width="${WIDTH}" height="${height}"/>`,
    `<text class="title" x="${MARGIN}" y="38">${escapeXml(title)}</text>`,
    `<text class="quiet" x="${MARGIN}" y="60">${escapeXml(text)}</text>`,
    ...legend(root),
    ...parts,
    '</svg>\n',
  ].join('\n')
}

function box({ frame: { name, kind, place }, weight, own }: Node, from: number, share: number, y: number): string {
  const [x, width] = [at(MARGIN + from * ROOM), at(share * ROOM)]
  const total = weight / share
  const where = place === undefined ? '' : ` (${place})`
  const itself = own > 0 && own < weight ? `, ${percent(own / total)} by itself` : ''
  const tip = `<title>${escapeXml(`${name}${where}: ${percent(share)}${itself}`)}</title>`
  const letters = Math.floor((width - 6) / LETTER)
  const label = name.length <= letters ? name : `${name.slice(0, letters - 1)}…`
  const text = letters < LEAST_LETTERS ? '' : `<text x="${at(x + 3)}" y="${y + 13}">${escapeXml(label)}</text>`
  return `<g>${tip}<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${ROW - 1}"/>${text}</g>`
}

/** Whose time it is, with colours. */
function legend(root: Node): string[] {
  let x = MARGIN
  return sorted(root).map(([kind, share]) => {
    const text = `${KINDS[kind]} ${percent(share)}`
    const part = `<rect class="${kind}" x="${at(x)}" y="76" width="12" height="12"/><text x="${at(x + 17)}" y="87">${escapeXml(text)}</text>`
    x += 17 + text.length * LEGEND_LETTER + 10
    return part
  })
}

/** For those who cannot see it. */
function describe(root: Node): string {
  return `${sorted(root)
    .map(([kind, share]) => `${KINDS[kind]} ${percent(share)}`)
    .join(', ')}.`
}

function sorted(root: Node): [Kind, number][] {
  return [...shares(root)].filter(([, share]) => share >= LEAST_SHARE).toSorted(([, a], [, b]) => b - a)
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)}\u00a0%`
}

function at(value: number): number {
  return Math.round(value * 10) / 10
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
