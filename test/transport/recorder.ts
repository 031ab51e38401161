import type { Transport, TransportSink } from '../../src/transport/transport.ts'
import { Mailbox } from '../support/mailbox.ts'

type Event = 'data' | 'progress' | 'written' | 'end' | 'close' | 'reset'

/** A sink that writes down what it is told. */
export class Recorder implements TransportSink {
  readonly events = new Mailbox<Event>()
  readonly chunks: Uint8Array[] = []
  error: Error | undefined
  received = 0
  private keeps = true

  constructor(transport: Transport, keeps = true) {
    this.keeps = keeps
    transport.start(this)
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString()
  }

  /** The events besides data. */
  get others(): Event[] {
    return this.events.all.filter((event) => event !== 'data' && event !== 'progress')
  }

  /** How it ended. */
  get ends(): Event[] {
    return this.others.filter((event) => event !== 'written')
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await this.events.reach(this.events.all.length + 1)
  }

  onData(chunk: Uint8Array): void {
    this.received += chunk.length
    // A sink may write to what it is given.
    if (this.keeps) this.chunks.push(Uint8Array.from(chunk))
    chunk.fill(0)
    this.events.put('data')
  }

  onProgress(): void {
    this.events.put('progress')
  }

  onWritten(): void {
    this.events.put('written')
  }

  onEnd(): void {
    this.events.put('end')
  }

  onClose(reset: boolean, error: Error | undefined): void {
    this.error = error
    this.events.put(reset ? 'reset' : 'close')
  }
}
