import { decodeFrameHeader } from '../protocol/frame.ts'
import { isControl } from '../protocol/opcode.ts'
import type { Receiver } from '../protocol/receiver.ts'

/** Keeps the payloads of a message's frames apart, for `binaryType: 'fragments'`; only then are frames watched. */
export class FragmentCollector {
  private readonly receiver: Receiver
  private payloads: Uint8Array[] = []
  /** Whether a message was under way when it began, or is compressed: its frames are not what is asked for. */
  private partial = false

  constructor(receiver: Receiver) {
    this.receiver = receiver
    receiver.frameListener = (header, payload) => this.add(header, payload)
  }

  stop(): void {
    this.receiver.frameListener = undefined
  }

  /** The payloads of the message that has come last; undefined where they are not known. */
  take(): Uint8Array[] | undefined {
    const { partial, payloads } = this
    this.payloads = []
    return partial ? undefined : payloads
  }

  private add(header: Uint8Array, payload: Uint8Array): void {
    const { opcode = 0, rsv1 = false } = decodeFrameHeader(header) ?? {}
    if (isControl(opcode)) return
    if (opcode !== 0) this.partial = rsv1
    else if (this.payloads.length === 0) this.partial = true
    this.payloads.push(Buffer.from(payload.buffer, payload.byteOffset, payload.length))
  }
}
