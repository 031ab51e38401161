/** What has happened, in order, and a way to wait for what is to happen next. */
export class Mailbox<T> {
  /** Everything that was ever put in. */
  readonly all: T[] = []
  private taken = 0
  private wake: (() => void)[] = []

  /** A function of its own, so that it can be handed out as a handler. */
  readonly put = (item: T): void => {
    this.all.push(item)
    for (const wake of this.wake.splice(0)) wake()
  }

  /** The first item that nobody has taken yet. */
  async next(): Promise<T> {
    while (this.taken === this.all.length) await new Promise<void>((resolve) => this.wake.push(resolve))
    return this.all[this.taken++] as T
  }

  /** The next `count` items. */
  async take(count: number): Promise<T[]> {
    const items: T[] = []
    while (items.length < count) items.push(await this.next())
    return items
  }

  /** Resolves when there were `count` items in all. */
  async reach(count: number): Promise<T[]> {
    while (this.all.length < count) await new Promise<void>((resolve) => this.wake.push(resolve))
    return this.all
  }
}
