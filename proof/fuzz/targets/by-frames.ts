import { isUtf8 } from 'node:buffer'
import { isSendableCloseCode } from '../../../src/protocol/close-code.ts'
import { ProtocolError, type Side } from '../../../src/protocol/error.ts'
import { decodeFrame, decodeFrameHeader, type FrameHeader } from '../../../src/protocol/frame.ts'
import { isControl, Opcode } from '../../../src/protocol/opcode.ts'
import { digest } from './events.ts'

export interface Limits {
  maxPayload: number
  maxFragments: number
}

/** The message under way. */
interface Message {
  opcode: number
  parts: Uint8Array[]
  size: number
}

/**
 * What a receiver has to tell of a stream that has arrived so far, by the other decoder there is: frame after frame,
 * each looked at as a whole. Violations are without the offending byte.
 */
export function readByFrames(stream: Uint8Array, side: Side, limits: Limits): string[] {
  const events: string[] = []
  let message: Message | undefined
  let at = 0
  for (let number = 1; stream.length - at >= 2; number++) {
    const header = judge(stream, at, side, message, limits)
    if (header === undefined) return events
    if (typeof header === 'string') return [...events, `violation ${header} frame ${number}`]
    const { opcode, fin, headerLength } = header
    const frame = decodeFrame(stream, at)
    if (!isControl(opcode)) {
      message ??= { opcode, parts: [], size: 0 }
      message.size += header.payloadLength
      message.parts.push(frame?.payload ?? arrivedOf(stream.subarray(at), header))
      const ends = fin && frame !== undefined
      const whole = Buffer.concat(message.parts)
      if (message.opcode === Opcode.Text && !(ends ? isUtf8(whole) : beginsUtf8(whole))) {
        return [...events, `violation INVALID_UTF8 frame ${number}`]
      }
      if (ends) {
        events.push(`${message.opcode === Opcode.Text ? 'text' : 'binary'} ${digest(whole)}`)
        message = undefined
      }
    }
    if (frame === undefined) return events
    at += headerLength + header.payloadLength
    if (opcode === Opcode.Close) return [...events, closeEvent(frame.payload, number)]
    if (opcode === Opcode.Ping) events.push(`ping ${digest(frame.payload)}`)
    if (opcode === Opcode.Pong) events.push(`pong ${digest(frame.payload)}`)
  }
  return events
}

/** The header at `at`; the rule that it breaks; undefined when it has not arrived whole. */
function judge(
  stream: Uint8Array,
  at: number,
  side: Side,
  message: Message | undefined,
  limits: Limits,
): FrameHeader | string | undefined {
  const first = stream[at]!
  const second = stream[at + 1]!
  const opcode = first & 0x0f
  if ((first & 0x70) !== 0) return 'RESERVED_BITS'
  if (![0, 1, 2, 8, 9, 10].includes(opcode)) return 'RESERVED_OPCODE'
  if (isControl(opcode)) {
    if (first < 0x80) return 'CONTROL_FRAME_FRAGMENTED'
    if ((second & 0x7f) > 125) return 'CONTROL_FRAME_TOO_LONG'
  } else if (opcode === Opcode.Continuation && message === undefined) {
    return 'UNEXPECTED_CONTINUATION'
  } else if (opcode !== Opcode.Continuation && message !== undefined) {
    return 'EXPECTED_CONTINUATION'
  }
  if (side === 'server' && second < 0x80) return 'UNMASKED_FRAME'
  if (side === 'client' && second >= 0x80) return 'MASKED_FRAME'
  let header: FrameHeader | undefined
  try {
    header = decodeFrameHeader(stream, at)
  } catch (error) {
    if (error instanceof ProtocolError) return error.code
    throw error
  }
  if (header === undefined || isControl(opcode)) return header
  if ((message?.size ?? 0) + header.payloadLength > limits.maxPayload) return 'MESSAGE_TOO_LARGE'
  if ((message?.parts.length ?? 0) >= limits.maxFragments) return 'TOO_MANY_FRAGMENTS'
  return header
}

/** What there is of a payload that has not arrived whole. */
function arrivedOf(bytes: Uint8Array, { headerLength, maskingKey }: FrameHeader): Uint8Array {
  return bytes.slice(headerLength).map((byte, i) => byte ^ (maskingKey?.[i & 3] ?? 0))
}

function closeEvent(payload: Uint8Array, number: number): string {
  if (payload.length === 0) return 'close 1005 '
  if (payload.length === 1) return `violation INVALID_CLOSE_PAYLOAD frame ${number}`
  const code = payload[0]! * 256 + payload[1]!
  const reason = payload.subarray(2)
  if (!isSendableCloseCode(code)) return `violation INVALID_CLOSE_CODE frame ${number}`
  if (!isUtf8(reason)) return `violation INVALID_CLOSE_REASON frame ${number}`
  return `close ${code} ${digest(reason)}`
}

/** Continuation bytes at the borders of what may follow some first byte. */
const CONTINUATIONS = [[], ...combinations(1), ...combinations(2), ...combinations(3)]

/** Whether bytes can be the beginning of UTF-8: tried out, so as to share nothing with how that is found elsewhere. */
function beginsUtf8(bytes: Uint8Array): boolean {
  for (let cut = 0; cut <= 3 && cut <= bytes.length; cut++) {
    if (!isUtf8(bytes.subarray(0, bytes.length - cut))) continue
    const tail = bytes.subarray(bytes.length - cut)
    return CONTINUATIONS.some((more) => isUtf8(Uint8Array.from([...tail, ...more])))
  }
  return false
}

function combinations(length: number): number[][] {
  if (length === 0) return [[]]
  return combinations(length - 1).flatMap((some) => [0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf].map((one) => [...some, one]))
}
