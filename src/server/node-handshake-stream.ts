import type { Duplex } from 'node:stream'
import type { OutgoingHeaders } from '../protocol/headers.ts'
import { type TransportChoice, transportFor } from '../transport/choice.ts'
import type { Transport } from '../transport/transport.ts'
import { EARLY_BYTES, type HandshakeStream } from './handshake-stream.ts'
import { refuseStream } from './refuse-stream.ts'

/** A handshake over a stream of Node's, or of the application's. Listeners are made for a hook that takes its time only. */
export class NodeHandshakeStream implements HandshakeStream {
  private readonly stream: Duplex
  private readonly choice: TransportChoice
  private readonly remoteAddress: string | undefined
  private early: Buffer[]
  private earlySize: number
  private tellGone: (() => void) | undefined
  private gone = false

  /** @param head what the stream has read behind the request */
  constructor(stream: Duplex, head: Buffer, choice: TransportChoice, remoteAddress: string | undefined) {
    this.stream = stream
    this.choice = choice
    this.remoteAddress = remoteAddress
    this.early = head.length > 0 ? [head] : []
    this.earlySize = head.length
  }

  watch(onGone: () => void): void {
    this.tellGone = onGone
    this.stream.on('error', this.onGone)
    this.stream.on('close', this.onGone)
    this.stream.on('end', this.onGone)
    this.stream.on('data', this.onEarly)
    this.stream.resume()
  }

  accept(head: Uint8Array): Transport {
    this.unwatch()
    const { stream } = this
    try {
      stream.write(head)
      return transportFor(this.choice, stream, this.early, this.remoteAddress)
    } catch (error) {
      // A stream of the application's. After a part of one answer there cannot be another.
      stream.destroy()
      throw error
    }
  }

  refuse(status: number, reason: string, headers?: OutgoingHeaders): void {
    this.unwatch()
    refuseStream(this.stream, status, reason, headers)
  }

  private unwatch(): void {
    if (this.tellGone === undefined) return
    this.tellGone = undefined
    this.stream.off('data', this.onEarly)
    this.stream.off('end', this.onGone)
    this.stream.off('close', this.onGone)
    this.stream.off('error', this.onGone)
    this.stream.pause()
  }

  private readonly onEarly = (chunk: Buffer): void => {
    this.early.push(chunk)
    this.earlySize += chunk.length
    if (this.earlySize >= EARLY_BYTES) this.stream.pause()
  }

  private readonly onGone = (): void => {
    if (this.gone) return
    this.gone = true
    this.early = []
    this.stream.destroy()
    this.tellGone?.()
  }
}
