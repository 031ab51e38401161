import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ArgumentError, ProtocolError } from '../../src/protocol/error.ts'
import {
  decodeFrame,
  decodeFrameHeader,
  encodeFrame,
  encodeFrameHeader,
  type FrameFields,
  frameHeaderLength,
  writeFrameHeader,
} from '../../src/protocol/frame.ts'

const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex')
}

/** What a call throws, as an error of the kind that is expected. */
function thrown<E extends Error>(kind: new (...args: never[]) => E, call: () => unknown): E {
  try {
    call()
  } catch (error) {
    if (error instanceof kind) return error
    throw error
  }
  return expect.fail('nothing was thrown')
}

describe('the examples of RFC 6455 section 5.7', () => {
  const hello = Buffer.from('Hello')
  const binary = (length: number) => Uint8Array.from({ length }, (_, i) => i)

  test.each<[string, FrameFields & { payload: Uint8Array }, string]>([
    ['unmasked text', { opcode: 1, payload: hello }, '81 05 48 65 6c 6c 6f'],
    ['masked text', { opcode: 1, payload: hello, maskingKey: KEY }, '81 85 37 fa 21 3d 7f 9f 4d 51 58'],
    ['first fragment', { fin: false, opcode: 1, payload: Buffer.from('Hel') }, '01 03 48 65 6c'],
    ['last fragment', { opcode: 0, payload: Buffer.from('lo') }, '80 02 6c 6f'],
    ['ping', { opcode: 9, payload: hello }, '89 05 48 65 6c 6c 6f'],
    ['masked pong', { opcode: 10, payload: hello, maskingKey: KEY }, '8a 85 37 fa 21 3d 7f 9f 4d 51 58'],
    ['256 bytes', { opcode: 2, payload: binary(256) }, `82 7e 01 00 ${hex(binary(256))}`],
    ['64 KiB', { opcode: 2, payload: binary(65_536) }, `82 7f 00 00 00 00 00 01 00 00 ${hex(binary(65_536))}`],
  ])('%s', (_, frame, wire) => {
    const encoded = encodeFrame(frame)
    expect(hex(encoded)).toBe(wire.replaceAll(' ', ''))
    const decoded = decodeFrame(encoded)
    expect(decoded).toMatchObject({ fin: frame.fin ?? true, opcode: frame.opcode, length: encoded.length })
    expect(hex(decoded!.payload)).toBe(hex(frame.payload))
  })
})

describe('payload lengths', () => {
  test.each([
    [0, '82 00', '82 80 37fa213d'],
    [1, '82 01', '82 81 37fa213d'],
    [125, '82 7d', '82 fd 37fa213d'],
    [126, '82 7e 00 7e', '82 fe 00 7e 37fa213d'],
    [300, '82 7e 01 2c', '82 fe 01 2c 37fa213d'],
    [65_535, '82 7e ff ff', '82 fe ff ff 37fa213d'],
    [65_536, '82 7f 00 00 00 00 00 01 00 00', '82 ff 00 00 00 00 00 01 00 00 37fa213d'],
    [2 ** 32 - 1, '82 7f 00 00 00 00 ff ff ff ff', '82 ff 00 00 00 00 ff ff ff ff 37fa213d'],
    [2 ** 32, '82 7f 00 00 00 01 00 00 00 00', '82 ff 00 00 00 01 00 00 00 00 37fa213d'],
    [2 ** 32 + 5, '82 7f 00 00 00 01 00 00 00 05', '82 ff 00 00 00 01 00 00 00 05 37fa213d'],
    [2 ** 53 - 1, '82 7f 00 1f ff ff ff ff ff ff', '82 ff 00 1f ff ff ff ff ff ff 37fa213d'],
  ])('%d', (payloadLength, plain, masked) => {
    for (const [wire, maskingKey] of [
      [plain.replaceAll(' ', ''), undefined],
      [masked.replaceAll(' ', ''), KEY],
    ] as const) {
      const encoded = encodeFrameHeader({ opcode: 2, payloadLength, maskingKey })
      expect(hex(encoded)).toBe(wire)
      expect(frameHeaderLength(payloadLength, maskingKey !== undefined)).toBe(encoded.length)
      expect(decodeFrameHeader(encoded)).toStrictEqual({
        fin: true,
        rsv1: false,
        rsv2: false,
        rsv3: false,
        opcode: 2,
        masked: maskingKey !== undefined,
        maskingKey,
        payloadLength,
        headerLength: encoded.length,
      })
      for (let length = 0; length < encoded.length; length++) {
        expect(decodeFrameHeader(encoded.subarray(0, length))).toBeUndefined()
      }
      if (payloadLength > 0) expect(decodeFrame(encoded)).toBeUndefined()
    }
  })

  test.each([
    [
      '82 7e 00 00',
      'LENGTH_NOT_MINIMAL',
      'The server gave the payload length 0 in 16 bits, although 7 bits can hold it',
    ],
    [
      '82 fe 00 7d',
      'LENGTH_NOT_MINIMAL',
      'The client gave the payload length 125 in 16 bits, although 7 bits can hold it',
    ],
    [
      '82 7f 00 00 00 00 00 00 00 7d',
      'LENGTH_NOT_MINIMAL',
      'The server gave the payload length 125 in 64 bits, although 7 bits can hold it',
    ],
    [
      '82 ff 00 00 00 00 00 00 ff ff',
      'LENGTH_NOT_MINIMAL',
      'The client gave the payload length 65535 in 64 bits, although 16 bits can hold it',
    ],
    [
      '82 7f 80 00 00 00 00 00 00 05',
      'LENGTH_TOP_BIT',
      'The server set the top bit of the 64-bit payload length 0x8000000000000005',
    ],
    [
      '82 ff ff ff ff ff ff ff ff ff',
      'LENGTH_TOP_BIT',
      'The client set the top bit of the 64-bit payload length 0xFFFFFFFFFFFFFFFF',
    ],
    [
      '82 ff 00 20 00 00 00 00 00 00 37 fa 21 3d',
      'LENGTH_UNREPRESENTABLE',
      'The client announced a payload of 9007199254740992 bytes, more than the 2^53 - 1 that can be counted',
    ],
    [
      '82 7f 7f ff ff ff ff ff ff ff',
      'LENGTH_UNREPRESENTABLE',
      'The server announced a payload of 9223372036854775807 bytes, more than the 2^53 - 1 that can be counted',
    ],
  ])('%s is refused: %s', (wire, code, sentence) => {
    const closeCode = code === 'LENGTH_UNREPRESENTABLE' ? 1009 : 1002
    for (const at of [0, 3]) {
      const data = new Uint8Array([...new Uint8Array(at), ...bytes(wire)])
      for (const decode of [decodeFrameHeader, decodeFrame]) {
        const error = thrown(ProtocolError, () => decode(data, at))
        expect(error.message).toBe(`${sentence} (frame 1, byte ${at + 2}; RFC 6455 section 5.2).`)
        expect(error).toMatchObject({ code, closeCode, offset: at + 2, frameNumber: 1 })
        expect(hex(error.header)).toBe(wire.replaceAll(' ', ''))
      }
    }
  })

  test('the error names the side that it is told', () => {
    const error = thrown(ProtocolError, () => decodeFrameHeader(bytes('82 7e 00 01'), 0, 'client'))
    expect(error.side).toBe('client')
    expect(error.message).toMatch(/^The client gave the payload length 1 /)
    expect(thrown(ProtocolError, () => decodeFrame(bytes('82 fe 00 01'), 0, 'server')).side).toBe('server')
  })

  test('the error keeps a copy of the header, and of nothing else', () => {
    const data = Buffer.from(bytes('82 7e 00 01 41'))
    const { header } = thrown(ProtocolError, () => decodeFrameHeader(data))
    data.fill(0)
    expect(hex(header)).toBe('827e0001')
  })
})

describe('decodeFrame', () => {
  test('decodes frame after frame, and waits for what is missing', () => {
    const first = encodeFrame({ opcode: 1, payload: Buffer.from('one'), maskingKey: KEY })
    const second = encodeFrame({ opcode: 2, payload: new Uint8Array(200).fill(7) })
    const stream = Buffer.concat([first, second])
    const one = decodeFrame(stream)
    expect(one).toStrictEqual({
      fin: true,
      rsv1: false,
      rsv2: false,
      rsv3: false,
      opcode: 1,
      masked: true,
      maskingKey: KEY,
      payloadLength: 3,
      headerLength: 6,
      payload: Uint8Array.from(Buffer.from('one')),
      length: 9,
    })
    expect(decodeFrame(stream, 9)).toMatchObject({ masked: false, maskingKey: undefined, headerLength: 4, length: 204 })
    expect(decodeFrame(stream, 9 + 204)).toBeUndefined()
    for (let length = 9; length < stream.length; length++)
      expect(decodeFrame(stream.subarray(0, length), 9)).toBeUndefined()
  })

  test('gives copies', () => {
    const wire = Buffer.from(encodeFrame({ opcode: 1, payload: Buffer.from('Hello'), maskingKey: KEY }))
    const before = hex(wire)
    const frame = decodeFrame(wire)!
    expect(hex(wire)).toBe(before)
    wire.fill(0)
    expect(hex(frame.payload)).toBe('48656c6c6f')
    expect(hex(frame.maskingKey!)).toBe('37fa213d')
  })

  test.each([-1, 0.5, Number.NaN])('refuses the offset %d', (at) => {
    const error = thrown(ArgumentError, () => decodeFrame(new Uint8Array(9), at))
    expect(error.message).toBe(`The offset of a frame must be 0 or more, not ${at}.`)
  })

  test('an offset past the end waits for more', () => {
    expect(decodeFrame(new Uint8Array(2), 5)).toBeUndefined()
  })
})

describe('encoding', () => {
  test('all 32 combinations of FIN, RSV1 to RSV3 and MASK, with every opcode', () => {
    for (let flags = 0; flags < 32; flags++) {
      for (let opcode = 0; opcode < 16; opcode++) {
        const fields = {
          fin: (flags & 16) !== 0,
          rsv1: (flags & 8) !== 0,
          rsv2: (flags & 4) !== 0,
          rsv3: (flags & 2) !== 0,
          opcode,
          maskingKey: (flags & 1) !== 0 ? KEY : undefined,
        }
        const encoded = encodeFrame({ ...fields, payload: Uint8Array.of(1, 2, 3) })
        expect(encoded[0]).toBe(((flags >> 1) << 4) | opcode)
        expect(encoded[1]).toBe(((flags & 1) << 7) | 3)
        expect(decodeFrame(encoded)).toMatchObject({
          ...fields,
          masked: (flags & 1) !== 0,
          payload: Uint8Array.of(1, 2, 3),
        })
        expect(hex(encodeFrameHeader({ ...fields, payloadLength: 3 }))).toBe(hex(encoded.subarray(0, -3)))
      }
    }
  })

  test('FIN is the default, and RSV1 to RSV3 are not', () => {
    expect(hex(encodeFrameHeader({ opcode: 2, payloadLength: 0 }))).toBe('8200')
  })

  test('leaves the payload as it is', () => {
    const payload = new Uint8Array(300).fill(5)
    encodeFrame({ opcode: 2, payload, maskingKey: KEY })
    expect(payload.every((byte) => byte === 5)).toBe(true)
  })

  test('a decoded header encodes to the same bytes', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.boolean(), fc.maxSafeNat(), (firstByte, masked, payloadLength) => {
        const target = new Uint8Array(14)
        const end = writeFrameHeader(target, 0, firstByte, payloadLength, masked)
        const header = decodeFrameHeader(target)!
        expect(header.payloadLength).toBe(payloadLength)
        expect(header.headerLength).toBe(masked ? end + 4 : end)
        expect(hex(encodeFrameHeader(header))).toBe(hex(target.subarray(0, header.headerLength)))
      }),
    )
  })

  test('decodeFrame undoes encodeFrame', () => {
    const fields: fc.Arbitrary<FrameFields & { payload: Uint8Array }> = fc.record(
      {
        fin: fc.boolean(),
        rsv1: fc.boolean(),
        rsv2: fc.boolean(),
        rsv3: fc.boolean(),
        maskingKey: fc.uint8Array({ minLength: 4, maxLength: 4 }),
        opcode: fc.nat(15),
        payload: fc.oneof(
          fc.uint8Array(),
          fc.nat(70_000).map((length) => new Uint8Array(length).fill(length)),
        ),
      },
      { requiredKeys: ['opcode', 'payload'] },
    )
    fc.assert(
      fc.property(fields, fc.uint8Array({ maxLength: 5 }), fc.uint8Array({ maxLength: 5 }), (frame, before, after) => {
        const encoded = encodeFrame(frame)
        const decoded = decodeFrame(Buffer.concat([before, encoded, after]), before.length)!
        expect(Buffer.compare(decoded.payload, frame.payload)).toBe(0)
        expect({ ...decoded, payload: undefined }).toEqual({
          fin: true,
          rsv1: false,
          rsv2: false,
          rsv3: false,
          maskingKey: undefined,
          ...frame,
          payload: undefined,
          masked: frame.maskingKey !== undefined,
          payloadLength: frame.payload.length,
          headerLength: encoded.length - frame.payload.length,
          length: encoded.length,
        })
      }),
      { numRuns: 300 },
    )
  })

  test('takes bytes of another realm', () => {
    const foreign = runInNewContext('Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)')
    expect(foreign).not.toBeInstanceOf(Uint8Array)
    expect(hex(encodeFrame({ opcode: 2, payload: foreign, maskingKey: foreign }))).toBe('828437fa213d00000000')
  })

  test.each<[unknown, string]>([
    [{ opcode: 16, payloadLength: 0 }, 'An opcode must be a whole number from 0 to 15, not 16.'],
    [{ opcode: -1, payloadLength: 0 }, 'An opcode must be a whole number from 0 to 15, not -1.'],
    [{ opcode: 1.5, payloadLength: 0 }, 'An opcode must be a whole number from 0 to 15, not 1.5.'],
    [{ payloadLength: 0 }, 'An opcode must be a whole number from 0 to 15, not undefined.'],
    [{ opcode: 1, payloadLength: -1 }, 'A payload length must be a whole number from 0 to 2^53 - 1, not -1.'],
    [
      { opcode: 1, payloadLength: 2 ** 53 },
      'A payload length must be a whole number from 0 to 2^53 - 1, not 9007199254740992.',
    ],
    [{ opcode: 1, payloadLength: '5' }, 'A payload length must be a whole number from 0 to 2^53 - 1, not 5.'],
    [{ opcode: 1, payloadLength: 0, maskingKey: new Uint8Array(3) }, 'A masking key must have 4 bytes, not 3.'],
    [
      { opcode: 1, payloadLength: 0, maskingKey: [1, 2, 3, 4] },
      'A masking key must be a Uint8Array of 4 bytes, not 1,2,3,4.',
    ],
    [{ opcode: 1, payloadLength: 0, maskingKey: null }, 'A masking key must be a Uint8Array of 4 bytes, not null.'],
  ])('encodeFrameHeader refuses %j', (header, message) => {
    const error = thrown(ArgumentError, () => Reflect.apply(encodeFrameHeader, undefined, [header]))
    expect(error.message).toBe(message)
    expect(error.code).toBe('INVALID_ARGUMENT')
  })

  test.each<[unknown, string]>([
    [{ opcode: 1, payload: 'Hello' }, 'A payload must be a Uint8Array, not Hello.'],
    [{ opcode: 1 }, 'A payload must be a Uint8Array, not undefined.'],
    [{ opcode: 99, payload: new Uint8Array(1) }, 'An opcode must be a whole number from 0 to 15, not 99.'],
    [
      { opcode: 1, payload: new Uint8Array(1), maskingKey: new Uint8Array(5) },
      'A masking key must have 4 bytes, not 5.',
    ],
  ])('encodeFrame refuses %j', (frame, message) => {
    expect(thrown(ArgumentError, () => Reflect.apply(encodeFrame, undefined, [frame])).message).toBe(message)
  })
})

test('writeFrameHeader writes at an offset and returns the next', () => {
  const target = new Uint8Array(14).fill(0xee)
  expect(writeFrameHeader(target, 1, 0x82, 5, false)).toBe(3)
  expect(hex(target.subarray(0, 4))).toBe('ee8205ee')
  expect(writeFrameHeader(target, 1, 0xc1, 65_535, true)).toBe(5)
  expect(hex(target.subarray(0, 6))).toBe('eec1feffffee')
  expect(writeFrameHeader(target, 1, 0x02, 2 ** 32 + 5, true)).toBe(11)
  expect(hex(target.subarray(0, 12))).toBe('ee02ff0000000100000005ee')
})
