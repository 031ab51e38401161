import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { HandshakeError } from '../protocol/error.ts'

/**
 * One call of `connect`: the time and the will that are left for it, and all the streams that were opened on its
 * behalf. Whatever ends it, none of them stays behind.
 */
export class Attempt {
  /** What it waits for at the moment, as `looking up example.com`; said when the time is over. */
  waitingFor = ''
  private readonly controller = new AbortController()
  private readonly streams = new Set<Duplex>()
  private readonly timer: ReturnType<typeof setTimeout>
  private readonly outer: AbortSignal | undefined
  private ended = false

  /** @throws the signal's reason when it has fired already */
  constructor(timeout: number, outer: AbortSignal | undefined) {
    outer?.throwIfAborted()
    this.outer = outer
    outer?.addEventListener('abort', this.onAbort)
    this.timer = setTimeout(() => {
      const message = `The handshake was not done within ${timeout} ms (handshakeTimeout): it was still ${this.waitingFor}.`
      this.controller.abort(new HandshakeError('HANDSHAKE_TIMEOUT', message))
    }, timeout)
  }

  /** Whether it was the time that ended it. */
  get timedOut(): boolean {
    return this.controller.signal.aborted && this.outer?.aborted !== true
  }

  /** Fires, with the error as its reason, when there is no more to be waited for. */
  get signal(): AbortSignal {
    return this.controller.signal
  }

  /**
   * Waits for one thing; rejects with the reason when the time is over or the caller's signal fires before.
   * @param begin starts to listen for it, and returns what takes the listeners off again
   */
  wait<T>(
    waitingFor: string,
    begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
  ): Promise<T> {
    const { signal } = this
    this.waitingFor = waitingFor
    let cleanUp = () => {}
    return new Promise<T>((resolve, reject) => {
      signal.throwIfAborted()
      const stopListening = begin(resolve, reject)
      const onAbort = () => reject(signal.reason)
      signal.addEventListener('abort', onAbort)
      cleanUp = () => {
        signal.removeEventListener('abort', onAbort)
        stopListening()
      }
    }).finally(() => cleanUp())
  }

  /** Takes care of a stream from here on: its errors surprise nobody, and it is destroyed unless it is released. */
  own<T extends Duplex>(stream: T): T {
    stream.on('error', ignore)
    if (this.ended) stream.destroy()
    else this.streams.add(stream)
    return stream
  }

  /** The handshake is done: this stream, and those it is built upon, live on. */
  release(stream: Duplex): void {
    this.streams.clear()
    stream.off('error', ignore)
  }

  /** Destroys the streams that were opened so far. */
  discard(): void {
    for (const stream of this.streams) stream.destroy()
    this.streams.clear()
  }

  /** Ends it, however it went. */
  end(): void {
    this.ended = true
    clearTimeout(this.timer)
    this.outer?.removeEventListener('abort', this.onAbort)
    this.discard()
  }

  private readonly onAbort = (): void => {
    this.controller.abort(this.outer?.reason)
  }
}

function ignore(): void {}

type Listeners = Readonly<Record<string, Parameters<EventEmitter['on']>[1]>>

/** Adds listeners; what it returns takes them off. */
export function listen(emitter: EventEmitter, listeners: Listeners): () => void {
  for (const [event, listener] of Object.entries(listeners)) emitter.on(event, listener)
  return () => {
    for (const [event, listener] of Object.entries(listeners)) emitter.off(event, listener)
  }
}
