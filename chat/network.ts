import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { Fault } from './wire.ts'

/**
 * A network that can break, between a transport (the TCP socket of an upgrade request) and the WebSocket on top of it.
 *
 * Without a fault it is invisible: bytes, end, close, errors and backpressure pass as they are. With one it behaves
 * like the real thing, where nothing is reported and bytes merely stop coming; TCP would retransmit them, so none is
 * lost either, and `mend()` in time saves the connection:
 *
 * - `silent`: nothing from the far end arrives, neither bytes nor its FIN or RST.
 * - `stalled`: the far end takes no more bytes (a receive window of zero), so that writes back up.
 * - `cut`: both.
 *
 * Destroying it destroys the transport, whatever the fault.
 */
export class FaultyNetwork extends Duplex {
  readonly #transport: Duplex
  #fault: Fault | undefined
  /** Whether the reader wants more. */
  #wanted = false
  /** The callback of the write (or of the end) that the transport has not taken yet. */
  #pending: ((error?: Error | null) => void) | undefined
  /** That same write, when a fault keeps it from being started. */
  #held: (() => void) | undefined
  #transportError: Error | undefined
  #transportClosed = false

  constructor(transport: Duplex) {
    super({
      allowHalfOpen: true,
      readableHighWaterMark: transport.readableHighWaterMark,
      writableHighWaterMark: transport.writableHighWaterMark,
    })
    this.#transport = transport
    if (transport instanceof Socket) {
      transport.setNoDelay(true)
      transport.setTimeout(0)
    }
    transport.pause()
    transport.on('data', (chunk: Buffer) => {
      if (this.push(chunk)) return
      this.#wanted = false
      transport.pause()
    })
    transport.on('end', () => this.push(null))
    transport.on('error', (error: Error) => {
      this.#transportError = error
    })
    transport.on('close', () => {
      this.#transportClosed = true
      if (!this.#deaf) this.destroy(this.#transportError)
    })
  }

  /** The fault that is on. */
  get fault(): Fault | undefined {
    return this.#fault
  }

  /** Breaks the network; a fault that is on is replaced. */
  break(fault: Fault): void {
    this.#set(fault)
  }

  /** Repairs the network: what waited on either side goes on. */
  mend(): void {
    this.#set(undefined)
  }

  /** Nothing arrives. */
  get #deaf(): boolean {
    return this.#fault === 'silent' || this.#fault === 'cut'
  }

  /** Nothing gets out. */
  get #mute(): boolean {
    return this.#fault === 'stalled' || this.#fault === 'cut'
  }

  #set(fault: Fault | undefined): void {
    this.#fault = fault
    if (this.destroyed) return
    if (this.#deaf) {
      this.#transport.pause()
    } else {
      if (this.#wanted) this.#transport.resume()
      // It died behind the fault; its last bytes were read by nobody, as with a reset.
      if (this.#transportClosed) this.destroy(this.#transportError)
    }
    if (!this.#mute) {
      const held = this.#held
      this.#held = undefined
      held?.()
    }
  }

  override _read(): void {
    this.#wanted = true
    if (!this.#deaf) this.#transport.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#pass(callback, (done) => this.#transport.write(chunk, done))
  }

  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    this.#pass(callback, (done) => {
      this.#transport.cork()
      for (const [index, { chunk }] of chunks.entries()) {
        if (index === chunks.length - 1) this.#transport.write(chunk, done)
        else this.#transport.write(chunk)
      }
      this.#transport.uncork()
    })
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#pass(callback, (done) => this.#transport.end(done))
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#held = undefined
    this.#settle(error)
    this.#transport.destroy()
    callback(error)
  }

  #pass(callback: (error?: Error | null) => void, start: (done: (error?: Error | null) => void) => void): void {
    this.#pending = callback
    const go = () =>
      start((error) => {
        // A write that fails is the end of the transport, and its 'close' brings the error that tells why.
        if (!error) this.#settle(null)
      })
    if (this.#mute) this.#held = go
    else go()
  }

  #settle(error: Error | null): void {
    const pending = this.#pending
    this.#pending = undefined
    pending?.(error)
  }
}
