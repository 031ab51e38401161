import { FAULTS, type Fault, type Heartbeat, type LabNotice } from '../wire.ts'
import { byId, seconds, setText } from './dom.ts'

const NAMES: Readonly<Record<Fault, string>> = { silent: 'Silent', stalled: 'Not reading', cut: 'Cut off' }

/** How often a countdown is drawn, in milliseconds. */
const TICK = 100

/** The buttons that break the network, and the countdown to the moment when the others see it. */
export class NetworkPanel {
  readonly #box = byId('countdown', HTMLElement)
  readonly #text = byId('countdown-text', HTMLElement)
  readonly #figure = byId('countdown-figure', HTMLElement)
  readonly #bar = byId('countdown-bar', HTMLElement)
  readonly #detail = byId('countdown-detail', HTMLElement)
  readonly #said = byId('countdown-said', HTMLElement)
  readonly #mend = byId('mend', HTMLButtonElement)
  readonly #badge = byId('broken', HTMLElement)
  readonly #buttons: { fault: Fault; button: HTMLButtonElement }[]
  readonly #changed: () => void
  #fault: Fault | null = null
  #deadAt = 0
  #patience = 1
  #timer: number | undefined

  /** @param changed Is called when `summary` may have changed. */
  constructor(set: (fault: Fault | null) => void, changed: () => void) {
    this.#changed = changed
    this.#buttons = [...document.querySelectorAll<HTMLButtonElement>('button[data-fault]')].flatMap((button) => {
      const fault = FAULTS.find((each) => each === button.dataset.fault)
      if (!fault) return []
      button.addEventListener('click', () => set(this.#fault === fault ? null : fault))
      return { fault, button }
    })
    this.#mend.addEventListener('click', () => set(null))
  }

  /** What the header says of it: nothing, or a few words. */
  get summary(): string | undefined {
    return this.#fault ? `${NAMES[this.#fault]} · seen in ${seconds(this.#deadAt - performance.now())}` : undefined
  }

  /** A connection on a fresh network. */
  welcome(heartbeat: Heartbeat): void {
    this.enable(true)
    this.#show(null)
    if (this.#box.dataset.state !== 'dead') this.#well(heartbeat.interval + heartbeat.timeout)
  }

  enable(on: boolean): void {
    for (const { button } of this.#buttons) button.disabled = !on
    if (!on) this.#mend.disabled = true
  }

  notice(notice: Extract<LabNotice, { type: 'fault' | 'dead' }>): void {
    if (notice.type === 'dead') {
      this.#dead(notice.text, notice.after)
      return
    }
    const { fault, deadIn, patience, waiting } = notice
    const before = this.#fault
    this.#patience = patience
    this.#deadAt = performance.now() + (deadIn ?? 0)
    this.#show(fault)
    if (!fault) {
      if (before || this.#box.dataset.state === 'well') this.#well(patience)
      if (before) setText(this.#said, 'Mended in time. Nobody saw anything.')
      return
    }
    this.#box.dataset.state = 'broken'
    setText(this.#text, 'The others see it in')
    setText(this.#detail, explain(fault, waiting))
    if (fault !== before) setText(this.#said, `${NAMES[fault]}. The others see it in ${seconds(deadIn ?? 0)}.`)
  }

  #show(fault: Fault | null): void {
    this.#fault = fault
    for (const { fault: own, button } of this.#buttons) button.setAttribute('aria-pressed', String(own === fault))
    this.#mend.disabled = !fault
    this.#badge.hidden = !fault
    clearInterval(this.#timer)
    if (fault) this.#timer = setInterval(() => this.#tick(), TICK)
    this.#tick()
  }

  #tick(): void {
    if (this.#fault) {
      const left = this.#deadAt - performance.now()
      setText(this.#figure, seconds(left))
      this.#bar.style.setProperty('--part', String(Math.min(1, Math.max(0, left / this.#patience))))
    }
    this.#changed()
  }

  #well(patience: number): void {
    this.#box.dataset.state = 'well'
    setText(this.#text, 'Your network is well.')
    setText(this.#figure, '')
    setText(
      this.#detail,
      `Break it, and the others see it within ${Math.round(patience / 100) / 10} s, though nobody tells them.`,
    )
    this.#bar.style.setProperty('--part', '1')
  }

  #dead(text: string, after: number | null): void {
    this.enable(false)
    this.#show(null)
    this.#box.dataset.state = 'dead'
    setText(this.#text, after === null ? 'The others were told' : 'The others saw it after')
    setText(this.#figure, after === null ? '' : seconds(after))
    setText(this.#detail, `“${text}”`)
    this.#bar.style.setProperty('--part', '0')
    setText(
      this.#said,
      `${after === null ? 'The others were told' : `The others saw it after ${seconds(after)}`}: ${text}`,
    )
  }
}

function explain(fault: Fault, waiting: number): string {
  switch (fault) {
    case 'silent':
      return 'Your pongs do not arrive any more. When nothing came for that long, the server gives you up.'
    case 'stalled':
      return `${waiting.toLocaleString('en')} bytes wait for you, pings among them, so that no pong can come. What you say still arrives, and buys you time.`
    case 'cut':
      return 'No byte passes. Neither end is told; only the missing pong gives it away.'
  }
}
