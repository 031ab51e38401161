import type { Duplex } from 'node:stream'
import { encodeFrame } from '../protocol/frame.ts'
import { maskKey } from '../protocol/mask.ts'
import type { MessageEncoder } from '../protocol/message-codec.ts'
import { Opcode } from '../protocol/opcode.ts'
import { Sender, type SenderShared, type Wire } from '../protocol/sender.ts'
import { shared } from '../socket/runtime.ts'
import { flushSoon } from './flush.ts'
import { type SendCallback, SendCallbacks } from './send-callbacks.ts'
import { newMaskingKey } from './sender.ts'

/** Fills a masking key. */
export type GenerateMask = (mask: Buffer) => void

/** What sends for a connection, as it sees it. */
export interface OutgoingHost {
  /** All that was sent has been written. */
  drained(): void
  /** So many bytes wait until the peer has taken some. */
  held(bytes: number): void
}

/** What there is to be said of how a message is sent. */
export interface MessageOptions {
  binary: boolean
  compress: boolean
  fin: boolean
  /** Undefined for as this side does. */
  mask: boolean | undefined
}

const FIN = 0x80
/** Bytes that a server sends above this are written from where it lies, so at once: then it is the caller's again. */
const COPIED = 16 * 1024

/** The sending half of a WebSocket: everything in the order in which it was sent, with a callback for when it is written. */
export class Outgoing {
  private readonly sender: Sender
  private readonly stream: Duplex
  private readonly masks: boolean
  private readonly generateMask: GenerateMask | undefined
  private readonly host: OutgoingHost
  private flushing = false
  /** How many frames were sent, answers to pings not counted. */
  private sent = 0
  private callbacks: SendCallbacks | undefined
  /** A message is being sent in fragments. */
  private fragmented = false
  /** What was sent behind a Blob that is being read. */
  private behindBlob: (() => void)[] | undefined
  private blobSize = 0
  private ended = false

  constructor(
    host: OutgoingHost,
    wire: Wire,
    stream: Duplex,
    masks: boolean,
    generateMask: GenerateMask | undefined,
    encoder: MessageEncoder | undefined,
  ) {
    this.sender = new Sender(generateMask === undefined ? shared : sharedWith(generateMask), wire, masks)
    this.stream = stream
    this.masks = masks
    this.generateMask = generateMask
    this.host = host
    if (encoder === undefined) return
    this.sender.encoder = encoder
    this.sender.encodedListener = () => this.flushLater()
  }

  /** Bytes that wait, now that the kernel has been given what it takes. */
  get bufferedAmount(): number {
    this.write()
    return this.waiting
  }

  /** Bytes that wait, those included that nobody has tried to write. */
  get waiting(): number {
    return this.sender.bufferedAmount + this.blobSize
  }

  /** A message, or a fragment of one. */
  message(data: string | Uint8Array, options: MessageOptions, callback: SendCallback | undefined): void {
    const { binary, compress, fin, mask } = options
    if (this.behindBlob !== undefined) {
      this.behindBlob.push(() => this.message(data, options, callback))
      return
    }
    const opcode = this.fragmented ? Opcode.Continuation : binary ? Opcode.Binary : Opcode.Text
    const isWhole = fin && !this.fragmented
    this.fragmented = !fin
    const firstByte = fin ? FIN | opcode : opcode
    if (mask !== undefined && mask !== this.masks) this.otherwiseMasked(firstByte, data, mask)
    else if (isWhole) this.sender.message(opcode, data, undefined, !compress)
    else this.sender.frame(firstByte, data)
    this.sentOne(callback)
    if (!this.masks && typeof data !== 'string' && data.length > COPIED) this.write()
  }

  /** A whole binary message, or a text one: the common case. */
  whole(opcode: number, data: string | Uint8Array): void {
    if (this.behindBlob !== undefined || this.fragmented) {
      return this.message(data, { binary: opcode === Opcode.Binary, ...WHOLE }, undefined)
    }
    this.sender.message(opcode, data)
    this.sent++
    const isHeld = !this.masks && typeof data !== 'string' && data.length > COPIED
    if (isHeld || this.sender.overfull) this.write()
    else this.flushLater()
  }

  /** A control frame, behind what was sent before it. */
  control(opcode: number, payload: Uint8Array, mask: boolean | undefined, callback: SendCallback | undefined): void {
    if (this.behindBlob !== undefined) {
      this.behindBlob.push(() => this.control(opcode, payload, mask, callback))
      return
    }
    if (mask !== undefined && mask !== this.masks) this.otherwiseMasked(FIN | opcode, payload, mask)
    else this.sender.frame(FIN | opcode, payload)
    this.sentOne(callback)
  }

  /** The answer to a ping, ahead of messages that wait. */
  answerPing(payload: Uint8Array): void {
    this.sender.answerPing(payload)
    this.flushLater()
  }

  /** Frames as `Sender.frame` makes them, which engine.io sends like this. */
  sendFrame(list: readonly Uint8Array[], callback?: SendCallback): void {
    if (this.behindBlob !== undefined) {
      this.behindBlob.push(() => this.sendFrame(list, callback))
      return
    }
    this.sender.encodedFrames(list)
    this.sentOne(callback)
  }

  /** Has what is sent from here on wait until a Blob has been read, which `then` or `failed` is told. */
  readBlob(blob: Blob, then: (bytes: Uint8Array) => void, failed: (error: Error) => void): void {
    if (this.behindBlob !== undefined) {
      this.behindBlob.push(() => this.readBlob(blob, then, failed))
      return
    }
    this.behindBlob = []
    this.blobSize += blob.size
    const done = (tell: () => void) => {
      const behind = this.behindBlob ?? []
      this.behindBlob = undefined
      this.blobSize -= blob.size
      tell()
      for (const next of behind) next()
    }
    blob.arrayBuffer().then(
      (buffer) => {
        if (this.ended) failed(new Error('The socket was closed while the blob was being read'))
        else done(() => then(new Uint8Array(buffer)))
      },
      (error: Error) => {
        if (!this.ended) done(() => failed(error))
      },
    )
  }

  /** @internal */ flush(): void {
    this.flushing = false
    this.write()
  }

  /** Writes what has been sent. */
  write(): void {
    // A stream that was destroyed takes everything, and nothing of it arrives.
    if (this.ended || this.stream.destroyed) return
    this.sender.flush()
    this.callbacks?.taken(this.sender.taken)
    const { bufferedAmount } = this.sender
    if (bufferedAmount > 0) this.host.held(bufferedAmount)
    else if (this.behindBlob === undefined) this.host.drained()
  }

  /** The wire has let go of what it held. */
  written(): void {
    this.sender.written()
    this.write()
  }

  /** Nothing is written any more. */
  end(error: Error): void {
    this.ended = true
    this.sender.end()
    this.callbacks?.fail(error)
  }

  private otherwiseMasked(firstByte: number, data: string | Uint8Array, mask: boolean): void {
    const payload = typeof data === 'string' ? Buffer.from(data) : data
    const maskingKey = mask ? newMaskingKey(this.generateMask) : undefined
    this.sender.encodedFrames([encodeFrame({ fin: firstByte >= FIN, opcode: firstByte & 0x0f, maskingKey, payload })])
  }

  private sentOne(callback: SendCallback | undefined): void {
    this.sent++
    if (callback !== undefined) {
      this.callbacks ??= new SendCallbacks()
      this.callbacks.add(this.sent, callback)
    }
    if (this.sender.overfull) this.write()
    else this.flushLater()
  }

  private flushLater(): void {
    if (this.flushing) return
    this.flushing = true
    flushSoon(this)
  }
}

const WHOLE = { compress: true, fin: true, mask: undefined }

function sharedWith(generateMask: GenerateMask): SenderShared {
  return { ...shared, keys: { next: () => maskKey(newMaskingKey(generateMask), 0) } }
}
