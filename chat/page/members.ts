import type { Heartbeat, Member, Pulse } from '../wire.ts'
import { avatar, byId, make, setText } from './dom.ts'

/** How many round-trip times a trace shows. */
const SAMPLES = 12
const TRACE = { width: 64, height: 28 }
const SVG = 'http://www.w3.org/2000/svg'

interface Row {
  name: string
  item: HTMLLIElement
  text: HTMLElement
  line: SVGPolylineElement
  samples: number[]
}

/** Who is here, each with a trace of the round-trip time that goes flat when nothing is heard any more. */
export class Members {
  readonly #list = byId('members', HTMLUListElement)
  readonly #counts = [byId('here-count', HTMLElement), byId('people-count', HTMLElement)]
  readonly #rows = new Map<string, Row>()
  #me = ''
  #heartbeat: Heartbeat = { interval: 0, timeout: 0 }

  welcome(me: string, heartbeat: Heartbeat, members: readonly Member[]): void {
    this.#me = me
    this.#heartbeat = heartbeat
    this.#rows.clear()
    this.show(members)
  }

  show(members: readonly Member[]): void {
    const ids = new Set(members.map(({ id }) => id))
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.#rows.delete(id)
    for (const { id, name } of members) {
      const row = this.#rows.get(id)
      if (row?.name === name) continue
      const fresh = this.#row(name, id === this.#me)
      if (row) fresh.samples = row.samples
      this.#rows.set(id, fresh)
    }
    this.#list.replaceChildren(...members.flatMap(({ id }) => this.#rows.get(id)?.item ?? []))
    for (const count of this.#counts) setText(count, String(members.length))
  }

  pulse(pulses: readonly Pulse[]): void {
    for (const { id, roundTrip, quiet } of pulses) {
      const row = this.#rows.get(id)
      if (!row) continue
      const isQuiet = quiet > this.#heartbeat.interval + 1_000
      const health = isQuiet ? 'quiet' : roundTrip === null ? 'new' : 'well'
      if (row.item.dataset.health !== health) row.item.dataset.health = health
      setText(row.text, isQuiet ? `quiet for ${Math.round(quiet / 1000)} s` : milliseconds(roundTrip))
      row.samples = [...row.samples, isQuiet ? 0 : (roundTrip ?? 0)].slice(-SAMPLES)
      row.line.setAttribute('points', trace(row.samples))
    }
  }

  /** The person's own round-trip time, as text. */
  roundTrip(pulses: readonly Pulse[]): string {
    return milliseconds(pulses.find(({ id }) => id === this.#me)?.roundTrip ?? null)
  }

  #row(name: string, mine: boolean): Row {
    const text = make('span', '', '…')
    const dot = make('span', 'dot')
    dot.setAttribute('aria-hidden', 'true')
    const who = make('div', 'who', name)
    who.title = name
    const health = make('div', 'health', dot, text)
    if (mine) health.append('· you')
    const drawing = document.createElementNS(SVG, 'svg')
    drawing.setAttribute('class', 'trace')
    drawing.setAttribute('viewBox', `0 0 ${TRACE.width} ${TRACE.height}`)
    drawing.setAttribute('aria-hidden', 'true')
    const line = document.createElementNS(SVG, 'polyline')
    line.setAttribute('points', trace([]))
    drawing.append(line)
    const item = make('li', '', avatar(name), make('div', '', who, health))
    item.append(drawing)
    item.dataset.health = 'new'
    return { name, item, text, line, samples: [] }
  }
}

/** The points of a trace: a spike for each round trip, the higher the longer it was, like the beats of a heart. */
function trace(samples: readonly number[]): string {
  const highest = Math.log1p(Math.max(1, ...samples))
  const step = TRACE.width / SAMPLES
  const middle = TRACE.height * 0.68
  const points = [[0, middle]]
  for (const [index, sample] of samples.entries()) {
    const x = TRACE.width - (samples.length - index) * step
    const height = (Math.log1p(sample) / highest) * middle * 0.95
    points.push(
      [x + step * 0.25, middle],
      [x + step * 0.5, middle - height],
      [x + step * 0.72, middle + height * 0.4],
      [x + step * 0.9, middle],
    )
  }
  points.push([TRACE.width, middle])
  return points.map((point) => point.map((value) => value.toFixed(1)).join(',')).join(' ')
}

function milliseconds(roundTrip: number | null): string {
  if (roundTrip === null) return '…'
  return `${roundTrip < 10 ? roundTrip.toFixed(1) : Math.round(roundTrip)} ms`
}
