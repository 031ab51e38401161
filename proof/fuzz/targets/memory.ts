import type { Platform } from '../../../src/protocol/platform.ts'
import type { Receiver } from '../../../src/protocol/receiver.ts'
import { must } from '../target.ts'

/** How many times what has arrived a buffer may be, as growing it step by step takes slack. */
const SLACK = 4
const SMALLEST = 256
const LARGEST_CONTROL_PAYLOAD = 125
const LONGEST_HEADER = 14

/** Holds what a receiver allocates and keeps against what has arrived and what it may take. */
export class MemoryWatch {
  readonly platform: Platform
  arrived = 0
  private readonly maxPayload: number
  private excess: string | undefined

  constructor(platform: Platform, maxPayload: number) {
    this.maxPayload = maxPayload
    this.platform = {
      ...platform,
      allocate: (length) => {
        // Told later: an allocation that fails may be met by a smaller one.
        if (length > this.most) this.excess ??= `${length} bytes were allocated where ${this.arrived} have arrived`
        return platform.allocate(length)
      },
    }
  }

  /** What was allocated, and what the receiver holds between two chunks. */
  check(receiver: Receiver): void {
    must(this.excess === undefined, () => String(this.excess))
    const { headerStart, frame, message, held } = kept(receiver)
    const bytes = message?.bytes.buffer
    must((headerStart?.length ?? 0) < LONGEST_HEADER, 'more than a header is kept of a header that is cut')
    must((frame?.control?.length ?? 0) <= LARGEST_CONTROL_PAYLOAD, 'a control frame is kept that is too large')
    must((message?.bytes.length ?? 0) <= this.most, () => `${message?.bytes.length} bytes are kept for a message`)
    must((held?.length ?? 0) <= this.arrived, 'more is held than has arrived')
    // What is given away must not be kept alive by a small part of it.
    must(bytes === undefined || bytes !== held?.buffer, 'a message and what is held share memory')
  }

  private get most(): number {
    const ofMessage = Math.min(this.maxPayload, SLACK * this.arrived + SMALLEST)
    return Math.max(ofMessage, LARGEST_CONTROL_PAYLOAD)
  }
}

/** That a receiver that has ended holds nothing. */
export function mustHoldNothing(receiver: Receiver): void {
  const names = Object.entries(kept(receiver)).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  must(names.length === 0, () => `a receiver that has ended keeps its ${names.join(', ')}`)
}

/** Parts of a receiver that nothing shows from outside. */
interface Kept {
  headerStart: Uint8Array | undefined
  frame: { control: Uint8Array | undefined } | undefined
  message: { bytes: Uint8Array } | undefined
  held: Uint8Array | undefined
}

function kept(receiver: Receiver): Kept {
  const { headerStart, frame, message, held } = receiver as unknown as Kept
  return { headerStart, frame, message, held }
}
