import fc from 'fast-check'
import { ProtocolError } from '../../../src/protocol/error.ts'
import { explainFrame } from '../../../src/protocol/explain.ts'
import {
  decodeFrame,
  decodeFrameHeader,
  encodeFrame,
  encodeFrameHeader,
  type FrameHeader,
} from '../../../src/protocol/frame.ts'
import { must, type Target, words } from '../target.ts'
import { frameStream } from './structures.ts'

/** Lines of the longest explanation: the diagram, the legend, 32 bytes of payload, every fault there is. */
const MOST_LINES = 80

/** The decoders of single frames, and the explanation: a byte for the offset; the frame after so many bytes. */
export const frame: Target = {
  name: 'frame',
  about: 'decodeFrame, decodeFrameHeader, encodeFrame, explainFrame',
  dictionary: words('\x88\x82\x03\xe8', '\x81\xfe\x00\x7e', '\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00', '\xff\xff'),
  maxLength: 300,
  structures: fc
    .tuple(fc.boolean(), fc.nat(3))
    .chain(([masked, at]) => frameStream(masked).map((stream) => Uint8Array.from([at, ...stream]))),

  run(input) {
    const at = (input[0] ?? 0) & 3
    const bytes = input.subarray(1)
    explain(bytes)
    let header: FrameHeader | undefined
    try {
      header = decodeFrameHeader(bytes, at)
    } catch (error) {
      return [refused(bytes, at, error)]
    }
    const whole = decodeFrame(bytes, at)
    if (header === undefined) {
      must(whole === undefined && bytes.length - at < 14, 'a frame without a header')
      return ['no header']
    }
    const end = at + header.headerLength
    must(end <= bytes.length, 'a header that is longer than what there is')
    mustBe(encodeFrameHeader(header), bytes.subarray(at, end), 'the header encoded again')
    const isThere = bytes.length - end >= header.payloadLength
    must((whole !== undefined) === isThere, 'a frame is there when its payload is')
    if (whole === undefined) return ['no payload']
    must(whole.length === header.headerLength + whole.payload.length, 'the length of a frame is that of its parts')
    mustBe(encodeFrame(whole), bytes.subarray(at, at + whole.length), 'the frame encoded again')
    must(decodeFrame(bytes.subarray(0, at + whole.length - 1), at) === undefined, 'a frame without its last byte')
    return [`opcode ${whole.opcode} ${whole.masked} ${whole.headerLength}`]
  },
}

function refused(bytes: Uint8Array, at: number, error: unknown): string {
  if (!(error instanceof ProtocolError)) throw error
  must(error.code.startsWith('LENGTH_') && error.offset === at + 2, `${error.code} at ${error.offset}`)
  must(error.explain().startsWith(error.message), 'an error explains itself')
  try {
    decodeFrame(bytes, at)
  } catch (again) {
    if (again instanceof ProtocolError && again.message === error.message) return error.code
  }
  must(false, 'decodeFrame refuses what decodeFrameHeader does')
}

function explain(bytes: Uint8Array): void {
  const text = explainFrame(bytes)
  must(text.split('\n').length <= MOST_LINES, 'an explanation is short')
  must(!/[^\P{C}\n]/u.test(text), 'an explanation can be printed')
}

function mustBe(got: Uint8Array, expected: Uint8Array, what: string): void {
  must(Buffer.compare(got, expected) === 0, what)
}
