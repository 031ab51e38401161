import { describe, expect, test } from 'vitest'
import { FrameCounter } from '../../../bench/load/frame-counter.ts'

/** An unmasked frame, as a server sends it. */
function frame(first: number, payload: Uint8Array): Buffer {
  const { length } = payload
  if (length < 126) return Buffer.concat([Buffer.from([first, length]), payload])
  const header = Buffer.alloc(length < 65_536 ? 4 : 10)
  header[0] = first
  header[1] = header.length === 4 ? 126 : 127
  if (header.length === 4) header.writeUInt16BE(length, 2)
  else header.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([header, payload])
}

function setup(payload: Uint8Array, { verify = true, opcode = 2 } = {}) {
  const seen = { pings: [] as string[], closes: 0 }
  const counter = new FrameCounter(
    { opcode, payload, verify },
    { ping: (body) => seen.pings.push(body.toString()), close: () => seen.closes++ },
  )
  return { counter, seen }
}

describe.each([0, 5, 125, 126, 65_535, 65_536, 70_000])('messages of %i bytes', (length) => {
  const payload = Buffer.alloc(length, 'heartwire')
  const bytes = Buffer.concat([
    frame(0x82, payload),
    frame(0x02, payload.subarray(0, 3)),
    frame(0x80, payload.subarray(3)),
  ])

  test('are counted when they come at once', () => {
    const { counter } = setup(payload)
    expect(counter.push(bytes)).toBe(2)
    expect(counter.errors).toBe(0)
  })

  test('are counted when they come cut', () => {
    const { counter } = setup(payload)
    const step = length > 1000 ? 997 : 1
    let messages = 0
    for (let at = 0; at < bytes.length; at += step) messages += counter.push(bytes.subarray(at, at + step))
    expect(messages).toBe(2)
    expect(counter.errors).toBe(0)
  })
})

describe('what is not what was sent is an error', () => {
  const payload = Buffer.from('right')

  test.each([
    ['another byte', frame(0x82, Buffer.from('wrong'))],
    ['a shorter message', frame(0x82, Buffer.from('righ'))],
    ['a longer message', frame(0x82, Buffer.from('right!'))],
    ['text for binary', frame(0x81, payload)],
  ])('%s', (_, bytes) => {
    const { counter } = setup(payload)
    expect(counter.push(bytes)).toBe(1)
    expect(counter.errors).toBe(1)
  })

  test('without verify, bytes are not compared', () => {
    const { counter } = setup(payload, { verify: false })
    counter.push(frame(0x82, Buffer.from('wrong')))
    expect(counter.errors).toBe(0)
  })
})

test('control frames between fragments are passed on and not counted', () => {
  const payload = Buffer.from('abcdef')
  const { counter, seen } = setup(payload, { opcode: 1 })
  const bytes = Buffer.concat([
    frame(0x01, payload.subarray(0, 2)),
    frame(0x89, Buffer.from('still there?')),
    frame(0x8a, Buffer.alloc(0)),
    frame(0x80, payload.subarray(2)),
    frame(0x88, Buffer.from([3, 232])),
  ])
  let messages = 0
  for (const byte of bytes) messages += counter.push(Buffer.from([byte]))
  expect(messages).toBe(1)
  expect(counter.errors).toBe(0)
  expect(seen).toEqual({ pings: ['still there?'], closes: 1 })
})

test('what no server may send is thrown', () => {
  const payload = Buffer.from('x')
  expect(() => setup(payload).counter.push(Buffer.from([0x82, 0x81, 0, 0, 0, 0, 0x78]))).toThrow(
    new Error('the server sent a masked frame'),
  )
  const outOfTurn = new Error('the server sent a fragment out of turn')
  expect(() => setup(payload).counter.push(frame(0x80, payload))).toThrow(outOfTurn)
  expect(() => setup(payload).counter.push(Buffer.concat([frame(0x02, payload), frame(0x82, payload)]))).toThrow(
    outOfTurn,
  )
})
