/** What is called when something that was sent has been written, or cannot be. */
export type SendCallback = (error?: Error) => void

/** The callbacks of one connection, in the order in which was sent what they belong to. */
export class SendCallbacks {
  private waiting: { at: number; callback: SendCallback }[] = []

  /** @param at how many were sent so far, that one included */
  add(at: number, callback: SendCallback): void {
    this.waiting.push({ at, callback })
  }

  /** So many have been written. Those who wait for it are told when the code that runs now is done. */
  taken(count: number): void {
    const { waiting } = this
    let done = 0
    while (done < waiting.length && waiting[done]!.at <= count) done++
    if (done > 0) process.nextTick(tell, waiting.splice(0, done), undefined)
  }

  /** Nothing more will be written. */
  fail(error: Error): void {
    const { waiting } = this
    this.waiting = []
    if (waiting.length > 0) tell(waiting, error)
  }
}

/** One that throws does not keep the others from being told. */
function tell(told: readonly { callback: SendCallback }[], error: Error | undefined): void {
  for (let i = 0; i < told.length; i++) {
    try {
      if (error === undefined) told[i]!.callback()
      else told[i]!.callback(error)
    } catch (thrown) {
      process.nextTick(tell, told.slice(i + 1), error)
      throw thrown
    }
  }
}
