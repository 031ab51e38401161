import { Writable } from 'node:stream'
import { Receiver as EngineReceiver, type ReceiverSink } from '../protocol/receiver.ts'
import { shared } from '../socket/runtime.ts'
import { bufferOf } from './data.ts'
import { receiverError } from './errors.ts'

export interface ReceiverOptions {
  /** Whether it reads what clients send. Default false. */
  isServer?: boolean | undefined
  /** Fragments of a message; 0 for no limit. */
  maxFragments?: number | undefined
  /** Bytes of a message; 0 for no limit. */
  maxPayload?: number | undefined
}

/**
 * A stream that frames are written to. It emits `message` (data, isBinary), `ping`, `pong` (data), `conclude` (code, reason)
 * for a Close frame, and `error`. Without extensions.
 */
export class Receiver extends Writable {
  /** @internal */ readonly _engine: EngineReceiver

  constructor(options: ReceiverOptions = {}) {
    super()
    const sink: ReceiverSink = {
      onText: (text) => this.emit('message', bufferOf(text as Uint8Array), false),
      onBinary: (bytes) => this.emit('message', bufferOf(bytes), true),
      onPiece() {},
      onPing: (payload) => this.emit('ping', bufferOf(payload)),
      onPong: (payload) => this.emit('pong', bufferOf(payload)),
      onClose: (code, reason) => {
        this.emit('conclude', code, Buffer.from(reason))
        this.end()
      },
      onViolation: (cause) => this.destroy(receiverError(cause).error),
    }
    this._engine = new EngineReceiver(
      {
        side: options.isServer ? 'server' : 'client',
        platform: shared.platform,
        maxPayload: options.maxPayload || Number.MAX_SAFE_INTEGER,
        maxFragments: options.maxFragments || Number.POSITIVE_INFINITY,
        text: 'bytes',
      },
      sink,
    )
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    // It is unmasked where it lies, and it is not ours.
    this._engine.receive(Buffer.from(chunk))
    callback()
  }
}
