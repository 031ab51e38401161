import type { Entry } from '../wire.ts'
import { avatar, byId, clock, make } from './dom.ts'

/** How many lines stay on the page. */
const LINES = 300

/** Messages of one person within this many milliseconds stand under one name. */
const TOGETHER = 5 * 60_000

interface Pending {
  text: string
  item: HTMLLIElement
  fate: HTMLElement
}

/** The messages and events of a room, and the person's own messages that did not come back yet. */
export class Messages {
  readonly #log = byId('log', HTMLElement)
  readonly #list = byId('lines', HTMLOListElement)
  readonly #empty = byId('empty', HTMLElement)
  readonly #toEnd = byId('to-end', HTMLButtonElement)
  readonly #again: (text: string) => void
  #place = ''
  #last: Entry | undefined
  /** Ids that this page had, one for each connection. */
  readonly #mine = new Set<string>()
  #pending: Pending[] = []
  /** Whether the end is in sight, so that it stays there when something is added. */
  #stick = true

  /** @param again Is called with a message that the person wants to send once more. */
  constructor(again: (text: string) => void) {
    this.#again = again
    // What scrolls must be within reach of the keyboard.
    this.#log.tabIndex = 0
    this.#toEnd.addEventListener('click', () => this.#scrollToEnd())
    this.#log.addEventListener('scroll', () => {
      if (this.#atEnd) this.#toEnd.hidden = true
    })
    new ResizeObserver(() => {
      if (this.#stick) this.#scrollToEnd()
    }).observe(this.#log)
  }

  /** Shows a room's history; after a reconnection only what is new of it. */
  welcome(me: string, room: string, epoch: string, entries: readonly Entry[]): void {
    this.#mine.add(me)
    const place = `${room} ${epoch}`
    if (place !== this.#place) {
      this.#place = place
      this.#last = undefined
      this.#pending = []
      this.#list.replaceChildren()
      this.#stick = true
    }
    const seen = this.#last?.n ?? 0
    for (const entry of entries) if (entry.n > seen) this.#append(entry, seen > 0)
    this.#empty.hidden = this.#list.querySelector('.said') !== null
  }

  /** Shows what has just happened. */
  add(entry: Entry): void {
    if (entry.n > (this.#last?.n ?? 0)) this.#append(entry, true)
  }

  /** Shows a message that was sent and did not come back yet. */
  sent(text: string, name: string): void {
    const fate = make('p', 'fate', 'on its way …')
    const body = make('p', 'body', text)
    const head = make('p', 'head', make('strong', '', name))
    const item = make('li', 'said mine pending', avatar(name), make('div', '', head, body), fate)
    this.#pending.push({ text, item, fate })
    this.#list.append(item)
    this.#empty.hidden = true
    this.#scrollToEnd()
  }

  /** The connection is gone, and what was on its way may be as well. */
  lost(): void {
    for (const pending of this.#pending) {
      const again = make('button', 'again', 'Send again')
      again.type = 'button'
      again.addEventListener('click', () => {
        this.#drop(pending)
        this.#again(pending.text)
      })
      pending.fate.replaceChildren('Not confirmed: the connection was lost.', again)
    }
  }

  #append(entry: Entry, fresh: boolean): void {
    const stick = this.#atEnd
    if (entry.kind === 'say' && this.#mine.has(entry.from)) {
      const pending = this.#pending.find(({ text }) => text === entry.text)
      if (pending) this.#drop(pending)
    }
    const item = entry.kind === 'say' ? this.#said(entry) : this.#event(entry)
    if (fresh) item.classList.add('fresh')
    const firstPending = this.#pending[0]?.item
    if (firstPending) firstPending.before(item)
    else this.#list.append(item)
    while (this.#list.children.length > LINES) this.#list.firstElementChild?.remove()
    if (entry.kind === 'say') this.#empty.hidden = true
    this.#last = entry
    if (stick || !fresh) this.#scrollToEnd()
    else if (entry.kind === 'say') this.#toEnd.hidden = false
  }

  #said(entry: Entry): HTMLLIElement {
    const last = this.#last
    const follows = last?.kind === 'say' && last.from === entry.from && entry.at - last.at < TOGETHER
    const item = make('li', follows ? 'said follows' : 'said')
    if (this.#mine.has(entry.from)) item.classList.add('mine')
    const body = make('p', 'body', entry.text)
    if (follows) {
      // A screen reader hears the name with every message, the eye sees it once.
      item.append(make('span', 'sr', `${entry.name}: `), body)
    } else {
      const head = make('p', 'head', make('strong', '', entry.name), clock(entry.at))
      item.append(avatar(entry.name), make('div', '', head, body))
    }
    return item
  }

  #event(entry: Entry): HTMLLIElement {
    return make('li', `event ${entry.kind}`, make('span', '', entry.text), clock(entry.at))
  }

  #drop(pending: Pending): void {
    pending.item.remove()
    this.#pending = this.#pending.filter((each) => each !== pending)
  }

  get #atEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.#log
    this.#stick = scrollHeight - scrollTop - clientHeight < 48
    return this.#stick
  }

  #scrollToEnd(): void {
    this.#stick = true
    this.#toEnd.hidden = true
    this.#log.scrollTop = this.#log.scrollHeight
  }
}
