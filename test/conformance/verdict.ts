import { expect } from 'vitest'
import type { CloseInfo } from '../../src/protocol/close-info.ts'
import { ProtocolError, type Side } from '../../src/protocol/error.ts'
import { encodeFrame } from '../../src/protocol/frame.ts'
import { framesOf, inWords, join, KEY } from '../protocol/frames.ts'
import type { Case } from './case.ts'

/** Holds what an endpoint sent and reported against the case. In pieces, less may be known for a hint. */
export function judge(
  { role, output, report, violation }: Case,
  sent: Uint8Array,
  info: CloseInfo,
  whole: boolean,
): void {
  const { error, ...reported } = info
  expect(inWords(sent, role)).toEqual(inWords(output, role))
  expect(Buffer.compare(withKnownKey(sent, role), output)).toBe(0)
  expect(reported).toEqual(report)
  if (violation === undefined) {
    expect(error).toBeUndefined()
    return
  }
  expect(error).toBeInstanceOf(ProtocolError)
  if (!(error instanceof ProtocolError)) return
  const { code, side, offset, frameNumber, hint } = error
  expect({ code, side, offset, frameNumber }).toEqual({
    code: violation.code,
    side: violation.side,
    offset: violation.offset,
    frameNumber: violation.frameNumber,
  })
  if (violation.hint === undefined) expect(hint).toBeUndefined()
  else if (whole) expect(hint).toMatch(violation.hint)
}

/** The frames as they are, but for the masking keys, which nobody can foretell. */
function withKnownKey(stream: Uint8Array, side: Side): Uint8Array {
  const maskingKey = side === 'client' ? KEY : undefined
  return join(
    ...framesOf(stream, side).map(({ fin, opcode, payload }) => encodeFrame({ fin, opcode, payload, maskingKey })),
  )
}
