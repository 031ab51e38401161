import type { Connection } from '../protocol/connection.ts'
import { guarded } from './awaitable.ts'
import { type ObservedFrame, observedFrame } from './observed-frame.ts'

export type FrameObserver = (frame: ObservedFrame) => unknown

/** Those who see the frames of one connection. Nothing is spent on frames while there are none. */
export class FrameObservers {
  private readonly connection: Connection
  /** Gets what an observer throws. */
  private readonly failed: (error: unknown) => void
  private readonly observers = new Set<FrameObserver>()

  constructor(connection: Connection, failed: (error: unknown) => void) {
    this.connection = connection
    this.failed = failed
  }

  /** Returns what ends it. */
  add(observer: FrameObserver): () => void {
    // Whoever observes twice sees each frame twice.
    const own: FrameObserver = (frame) => observer(frame)
    this.observers.add(own)
    if (this.observers.size === 1) this.listen()
    return () => {
      if (this.observers.delete(own) && this.observers.size === 0) this.stopListening()
    }
  }

  private listen(): void {
    this.connection.receiver.frameListener = (header, payload) => this.tell('in', header, payload)
    this.connection.sender.frameListener = (header, payload) => this.tell('out', header, payload)
  }

  private stopListening(): void {
    this.connection.receiver.frameListener = undefined
    this.connection.sender.frameListener = undefined
  }

  private tell(direction: 'in' | 'out', header: Uint8Array, payload: Uint8Array): void {
    const frame = observedFrame(direction, header, payload)
    for (const observer of this.observers) guarded(() => observer(frame), this.failed)
  }
}
