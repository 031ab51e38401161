import type { ReconnectOptions } from './options.ts'

/** What is used of a page or a worker. Elsewhere there is none of it. */
interface Page {
  addEventListener?: EventTarget['addEventListener']
  removeEventListener?: EventTarget['removeEventListener']
  navigator?: { onLine?: boolean }
  document?: EventTarget & { visibilityState: string }
}

/** Why it is of no use to try. */
export type Obstacle = 'offline' | 'hidden'

export interface Watcher {
  /** There is an obstacle now. */
  hindered(obstacle: Obstacle): void
  /** Something got better, and there is no obstacle: a good time to try, or to see whether the connection is still there. */
  better(): void
  /** The page goes to the back/forward cache, which it does only without connections. */
  stored(): void
}

type Ways = Required<Pick<ReconnectOptions, 'whileOffline' | 'whileHidden'>>

/** Watches network, visibility and life of the page, where the platform tells of them. */
export class Surroundings {
  readonly #page: Page = globalThis as Page
  readonly #ways: Ways
  readonly #watcher: Watcher
  /** The page is in the back/forward cache, or the browser does not let it run. */
  #frozen = false

  constructor(ways: Ways, watcher: Watcher) {
    this.#ways = ways
    this.#watcher = watcher
  }

  /** Undefined when there is none. */
  get obstacle(): Obstacle | undefined {
    if (this.#frozen || (this.#ways.whileHidden === 'wait' && this.#isHidden)) return 'hidden'
    return this.#ways.whileOffline === 'wait' && this.#page.navigator?.onLine === false ? 'offline' : undefined
  }

  get #isHidden(): boolean {
    return this.#page.document?.visibilityState === 'hidden'
  }

  watch(): void {
    this.#each('addEventListener')
  }

  unwatch(): void {
    this.#each('removeEventListener')
    this.#frozen = false
  }

  #each(action: 'addEventListener' | 'removeEventListener'): void {
    const { document } = this.#page
    for (const type of ['online', 'offline', 'pagehide', 'pageshow']) this.#page[action]?.(type, this.#changed)
    for (const type of ['visibilitychange', 'freeze', 'resume']) document?.[action](type, this.#changed)
  }

  readonly #changed = (event: Event): void => {
    const { type } = event
    const isCached = 'persisted' in event && event.persisted === true
    if ((type === 'pagehide' || type === 'pageshow') && !isCached) return
    if (type === 'freeze' || type === 'pagehide') this.#frozen = true
    if (type === 'resume' || type === 'pageshow') this.#frozen = false
    if (type === 'pagehide') this.#watcher.stored()
    const { obstacle } = this
    if (obstacle !== undefined) this.#watcher.hindered(obstacle)
    else if (type !== 'offline' && !(type === 'visibilitychange' && this.#isHidden)) this.#watcher.better()
  }
}
