/** Something that happens once, and can be waited for. */
export class Latch {
  readonly opened: Promise<void>
  open: () => void = () => {}

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve
    })
  }
}

/** Waits until one of them has happened, or the time is over; undefined for no end. */
export async function firstOf(milliseconds: number | undefined, ...latches: readonly Latch[]): Promise<void> {
  const over = new Latch()
  const timer = milliseconds === undefined ? undefined : setTimeout(over.open, milliseconds)
  await Promise.race([...latches, over].map(({ opened }) => opened))
  clearTimeout(timer)
}
