import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { nodePlatform } from '../../../src/platform/node.ts'
import { isSendableCloseCode } from '../../../src/protocol/close-code.ts'
import { describeClose } from '../../../src/protocol/close-info.ts'
import { encodeClosePayload } from '../../../src/protocol/close-payload.ts'
import { ArgumentError } from '../../../src/protocol/error.ts'
import { encodeFrame } from '../../../src/protocol/frame.ts'
import { Opcode } from '../../../src/protocol/opcode.ts'
import type { Platform } from '../../../src/protocol/platform.ts'
import { portablePlatform } from '../../../src/protocol/portable.ts'
import { Receiver } from '../../../src/protocol/receiver.ts'
import { must, mustEqual, type Target, words } from '../target.ts'
import { digest, Events } from './events.ts'
import { text } from './structures.ts'

const MOST_OF_REASON = 123

/** Close payloads: two bytes of code, then the reason, read as the bytes of a payload and as UTF-16 to be sent. */
export const close: Target = {
  name: 'close',
  about: 'Close payloads: codes and reasons, read and written',
  dictionary: words('\x03\xe8', '\x03\xed', '\x0b\xb8', '\x13\x87', '\xe2\x82\xac', '\xf0\x9f\x98\x80', '\xed\xa0\x80'),
  maxLength: 140,
  structures: fc
    .tuple(fc.nat(5_100), fc.oneof(fc.uint8Array({ maxLength: 130 }), text.map(utf8)))
    .map(([code, reason]) => Uint8Array.from([code >> 8, code & 255, ...reason])),

  run(input) {
    const code = (input[0] ?? 0) * 256 + (input[1] ?? 0)
    return [`read ${asPayload(input.subarray(0, 125), code)}`, `sent ${asReason(code, utf16(input.subarray(2)))}`]
  },
}

/** A payload as a peer sends it. */
function asPayload(payload: Uint8Array, code: number): string {
  const [told = ''] = read(payload)
  const kind = told.split(' ', 2).join(' ')
  const good = payload.length === 0 || (isSendableCloseCode(code) && isUtf8(payload.subarray(2)) && payload.length > 1)
  must(good === told.startsWith('close'), () => `${told} for a payload that is ${good ? 'right' : 'wrong'}`)
  if (good && payload.length > 0) mustEqual('a Close frame', [told], [`close ${code} ${digest(payload.subarray(2))}`])
  const info = { wasClean: false, initiator: 'peer', cause: 'peer-close', sent: undefined, error: undefined } as const
  const reason = Buffer.from(payload.subarray(2)).toString()
  must(!describeClose({ ...info, code, reason, received: code }).includes('\n'), 'an end is described in one line')
  return kind.startsWith('close') ? 'close' : kind
}

/** A code and a reason as an application gives them. */
function asReason(code: number, reason: string): string {
  const [bytes, portable] = [encode(nodePlatform, code, reason), encode(portablePlatform, code, reason)]
  mustEqual('on another platform', [shown(portable)], [shown(bytes)])
  const inUtf8 = utf8(reason)
  const isEmpty = code === 1005 && reason === ''
  const fits = isEmpty || (isSendableCloseCode(code) && inUtf8.length <= MOST_OF_REASON)
  must(fits === (bytes !== undefined), () => `${code} with ${inUtf8.length} bytes: ${shown(bytes)}`)
  if (bytes === undefined) return 'refused'
  mustEqual('what was sent', read(bytes), [`close ${code} ${digest(inUtf8)}`])
  return 'sent'
}

function encode(platform: Platform, code: number, reason: string): Uint8Array | undefined {
  try {
    return encodeClosePayload(platform, code, reason)
  } catch (error) {
    if (error instanceof ArgumentError) return undefined
    throw error
  }
}

function read(payload: Uint8Array): string[] {
  const events = new Events()
  const limits = { maxPayload: 1, maxFragments: 1 }
  const receiver = new Receiver({ side: 'client', platform: nodePlatform, ...limits, text: 'string' }, events)
  receiver.receive(encodeFrame({ opcode: Opcode.Close, payload }))
  return events.lines
}

function shown(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'refused' : digest(bytes)
}

function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text))
}

/** Any units of 16 bits, lone surrogates among them. */
function utf16(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf16le')
}
