import type { OutgoingHeaders } from '../protocol/headers.ts'
import { refusalResponse } from '../protocol/response.ts'
import { shared } from '../socket/runtime.ts'
import type { NativeTransport } from '../transport/native.ts'
import type { Transport, TransportSink } from '../transport/transport.ts'
import { EARLY_BYTES, type HandshakeStream, LINGER } from './handshake-stream.ts'

/** A handshake over a connection that the addon has accepted. */
export class NativeHandshakeStream implements HandshakeStream, TransportSink {
  private readonly transport: NativeTransport
  private early: Uint8Array[] | undefined
  private earlySize = 0
  private tellGone: (() => void) | undefined

  constructor(transport: NativeTransport) {
    this.transport = transport
  }

  watch(onGone: () => void): void {
    this.tellGone = onGone
    this.transport.start(this)
  }

  accept(head: Uint8Array): Transport {
    const { transport, early } = this
    this.unwatch()
    transport.write(head)
    if (early !== undefined) transport.unread(early.length === 1 ? early[0]! : Buffer.concat(early))
    return transport
  }

  refuse(status: number, reason: string, headers?: OutgoingHeaders): void {
    const response = refusalResponse({ status, reason, headers }, shared.platform)
    this.unwatch()
    const { transport } = this
    const timer = setTimeout(() => transport.destroy(), LINGER)
    transport.start({ ...NOTHING, onClose: () => clearTimeout(timer) })
    transport.write(response)
    transport.end()
  }

  onData(chunk: Uint8Array): void {
    this.early ??= []
    this.early.push(Buffer.from(chunk))
    this.earlySize += chunk.length
    if (this.earlySize >= EARLY_BYTES) this.transport.pause()
  }

  onProgress(): void {}

  onWritten(): void {}

  onEnd(): void {
    this.transport.destroy()
  }

  onClose(): void {
    this.early = undefined
    this.tellGone?.()
  }

  private unwatch(): void {
    if (this.tellGone === undefined) return
    this.tellGone = undefined
    this.transport.stop()
  }
}

/** What a refused client sends is discarded. */
const NOTHING = { onData() {}, onProgress() {}, onWritten() {}, onEnd() {} }
