import { explainFrame, Opcode, opcodeName } from 'heartwire/protocol'
import type { LoggedFrame } from '../wire.ts'
import { byId, make, setText } from './dom.ts'

type Sort = 'heartbeat' | 'pulse' | 'other'

/** How many frames stay on the page: 200, but the steady ones must not push out the rest. */
const KEPT: Readonly<Record<Sort, number>> = { other: 120, heartbeat: 50, pulse: 30 }

interface Row {
  frame: LoggedFrame
  bytes: Uint8Array
  sort: Sort
  item: HTMLLIElement
  button: HTMLButtonElement
}

/** The frames of the page's chat connection, newest first, and the drawing of one of them. */
export class FrameLog {
  readonly #list = byId('frames', HTMLOListElement)
  readonly #frame = byId('drawing-frame', HTMLElement)
  readonly #drawing = byId('drawing', HTMLPreElement)
  readonly #title = byId('drawing-title', HTMLElement)
  readonly #follow = byId('follow', HTMLButtonElement)
  readonly #filters: Readonly<Record<Exclude<Sort, 'other'>, HTMLInputElement>> = {
    heartbeat: byId('show-heartbeat', HTMLInputElement),
    pulse: byId('show-pulse', HTMLInputElement),
  }
  #rows: Row[] = []
  /** The chosen frame; without one the drawing follows the newest, past the steady ones. */
  #chosen: Row | undefined
  #drawn: Row | undefined
  #token = ''
  #count = 0

  constructor() {
    // What scrolls must be within reach of the keyboard.
    this.#frame.tabIndex = 0
    for (const filter of Object.values(this.#filters)) filter.addEventListener('change', () => this.#filter())
    this.#follow.addEventListener('click', () => this.#choose(this.#chosen ? undefined : this.#drawn))
    this.#list.addEventListener('keydown', (event) => this.#move(event))
  }

  /** Notes frames of the connection that has this token. */
  add(frames: readonly LoggedFrame[], token: string): void {
    if (token !== this.#token) {
      if (this.#token) this.#list.prepend(make('li', 'divider', 'new connection'))
      this.#token = token
      this.#count = 0
    }
    for (const frame of frames) {
      if (frame.n <= this.#count) continue
      this.#count = frame.n
      const row = this.#row(frame)
      this.#rows.unshift(row)
      row.item.hidden = !this.#isVisible(row)
      this.#list.prepend(row.item)
    }
    this.#forget()
    while (this.#list.lastElementChild?.classList.contains('divider')) this.#list.lastElementChild.remove()
    this.#draw()
  }

  #forget(): void {
    const count: Record<Sort, number> = { other: 0, heartbeat: 0, pulse: 0 }
    this.#rows = this.#rows.filter((row) => {
      if (++count[row.sort] <= KEPT[row.sort] || row === this.#chosen) return true
      row.item.remove()
      return false
    })
  }

  #row(frame: LoggedFrame): Row {
    const bytes = fromHex(frame.bytes)
    const outward = frame.direction === 'in'
    const text = preview(bytes, frame)
    const name = opcodeName(frame.opcode) + (frame.fin ? '' : '…')
    const opcode = make('span', 'opcode', name)
    opcode.dataset.opcode = String(frame.opcode)
    const way = make('span', 'way', outward ? '↑' : '↓')
    way.setAttribute('aria-label', outward ? 'sent' : 'received')
    way.setAttribute('role', 'img')
    const time = make('time', '', stopwatch(frame.at))
    const length = make('span', 'length', `${frame.length} B`)
    const button = make('button', 'frame', way, time, opcode, length, make('span', 'preview', text))
    button.type = 'button'
    button.tabIndex = -1
    const item = make('li', outward ? 'out' : 'in', button)
    const row: Row = { frame, bytes, sort: sortOf(frame, text), item, button }
    button.addEventListener('click', () => this.#choose(this.#chosen === row ? undefined : row))
    return row
  }

  get #visible(): Row[] {
    return this.#rows.filter((row) => this.#isVisible(row))
  }

  #isVisible({ sort }: Row): boolean {
    return sort === 'other' || this.#filters[sort].checked
  }

  #filter(): void {
    for (const row of this.#rows) row.item.hidden = !this.#isVisible(row)
    this.#draw()
  }

  #choose(row: Row | undefined): void {
    this.#chosen = row
    this.#draw()
  }

  /** Arrow keys go through the list, as one stop for the tab key. */
  #move(event: KeyboardEvent): void {
    const rows = this.#visible
    const here = rows.findIndex(({ button }) => button === document.activeElement)
    const steps: Record<string, number> = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: rows.length - 1 }
    const to = steps[event.key]
    const row = to === undefined || here < 0 ? undefined : rows[Math.min(rows.length - 1, Math.max(0, to))]
    if (event.key === 'Escape') this.#choose(undefined)
    if (!row) return
    event.preventDefault()
    for (const each of this.#rows) each.button.tabIndex = -1
    row.button.tabIndex = 0
    row.button.focus()
    if (this.#chosen) this.#choose(row)
  }

  #draw(): void {
    const rows = this.#visible
    if (this.#chosen && !rows.includes(this.#chosen)) this.#chosen = undefined
    this.#follow.setAttribute('aria-pressed', String(!this.#chosen))
    const row = this.#chosen ?? rows.find(({ sort }) => sort === 'other') ?? rows[0]
    if (row === this.#drawn) return
    this.#drawn?.button.removeAttribute('aria-current')
    this.#drawn = row
    if (rows.every(({ button }) => button.tabIndex !== 0 || button !== document.activeElement)) {
      for (const each of this.#rows) each.button.tabIndex = each === row ? 0 : -1
    }
    if (!row) {
      setText(this.#title, 'Drawing')
      this.#drawing.textContent = ''
      return
    }
    row.button.setAttribute('aria-current', 'true')
    const way = row.frame.direction === 'in' ? 'sent' : 'received'
    setText(this.#title, `A ${opcodeName(row.frame.opcode)} frame that you ${way}`)
    this.#drawing.textContent = explainFrame(row.bytes)
    this.#frame.scrollTop = 0
  }
}

function sortOf({ opcode, direction }: LoggedFrame, text: string): Sort {
  if (opcode === Opcode.Ping || opcode === Opcode.Pong) return 'heartbeat'
  return direction === 'out' && text.startsWith('{"type":"pulse"') ? 'pulse' : 'other'
}

/** The time of day to the millisecond. */
function stopwatch(at: number): string {
  const date = new Date(at)
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** The beginning of a text frame's payload, unmasked. */
function preview(bytes: Uint8Array, { opcode, length }: LoggedFrame): string {
  const masked = ((bytes[1] ?? 0) & 0x80) !== 0
  const extended = length > 0xffff ? 8 : length > 125 ? 2 : 0
  const keyAt = 2 + extended
  const payloadAt = keyAt + (masked ? 4 : 0)
  const payload = bytes.slice(payloadAt)
  if (masked) for (let i = 0; i < payload.length; i++) payload[i] = (payload[i] ?? 0) ^ (bytes[keyAt + (i & 3)] ?? 0)
  if (opcode === Opcode.Close) {
    const code = payload.length < 2 ? '' : String((payload[0] ?? 0) * 256 + (payload[1] ?? 0))
    return `${code} ${new TextDecoder().decode(payload.subarray(2))}`.trim()
  }
  const whole = payload.length === length
  if (opcode === Opcode.Text || opcode === Opcode.Continuation) {
    const text = new TextDecoder().decode(payload, { stream: !whole })
    return whole ? text : `${text}…`
  }
  return Array.from(payload, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  )
}
