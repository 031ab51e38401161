import type { RoomSize } from '../wire.ts'
import { byId, make } from './dom.ts'

/** Where everybody starts. */
const LOBBY = 'lobby'

/** The room that the address names after its `#`. */
export function currentRoom(): string {
  try {
    return decodeURIComponent(location.hash.slice(1)) || LOBBY
  } catch {
    return LOBBY
  }
}

/** The list of rooms, each a link, so that a room can be opened in another tab or sent to somebody. */
export class RoomList {
  readonly #list = byId('rooms', HTMLUListElement)
  #shown = ''

  constructor() {
    const form = byId('room-form', HTMLFormElement)
    const field = byId('room', HTMLInputElement)
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      const name = field.value.trim().replace(/^#/, '').replace(/\s+/g, '-').toLowerCase()
      field.value = ''
      if (name) location.hash = encodeURIComponent(name)
    })
  }

  show(rooms: readonly RoomSize[], current: string): void {
    const known = new Map(rooms.map(({ name, members }) => [name, members]))
    for (const name of [LOBBY, current]) if (!known.has(name)) known.set(name, 0)
    const key = JSON.stringify([current, ...known])
    if (key === this.#shown) return
    this.#shown = key
    this.#list.replaceChildren(
      ...[...known].map(([name, members]) => {
        const count = make('span', 'count', String(members), make('span', 'sr', members === 1 ? ' member' : ' members'))
        const link = make('a', '', `#${name}`, count)
        link.href = `#${encodeURIComponent(name)}`
        if (name === current) link.setAttribute('aria-current', 'true')
        return make('li', '', link)
      }),
    )
  }
}
