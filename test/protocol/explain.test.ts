import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { explainFrame } from '../../src/protocol/explain.ts'
import { encodeFrame } from '../../src/protocol/frame.ts'

const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)

function explain(hex: string): string {
  return explainFrame(Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex')))
}

/** The diagram's lines. */
function diagram(hex: string): string[] {
  return explain(hex).split('\n\n')[0]!.split('\n')
}

/** The lines under the diagram, up to what is forbidden. */
function legend(hex: string): string[] {
  return explain(hex).split('\n\n')[1]!.split('\n')
}

/** The lines on what is forbidden. */
function forbidden(hex: string): string[] {
  const [title, ...lines] = explain(hex).split('\n\n')[2]?.split('\n') ?? ['What RFC 6455 forbids here:']
  expect(title).toBe('What RFC 6455 forbids here:')
  return lines
}

function closeFrame(reason: Uint8Array | string): string {
  const payload = Buffer.concat([Uint8Array.of(0x03, 0xe8), Buffer.from(reason)])
  return Buffer.from(encodeFrame({ opcode: 8, payload })).toString('hex')
}

describe('whole explanations', () => {
  test('the masked "Hello" of RFC 6455 section 5.7', () => {
    expect(`\n${explain('81 85 37 fa 21 3d 7f 9f 4d 51 58')}\n`).toBe(`
  byte  0                   1                   2                   3
        0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
       +-+-+-+-+-------+-+-------------+-------------------------------+
     0 |1|0|0|0|0 0 0 1|1|0 0 0 0 1 0 1|0 0 1 1 0 1 1 1 1 1 1 1 1 0 1 0|
       |F|R|R|R|opcode |M|   payload   |          masking key          |
       |I|S|S|S|  0x1  |A|   length    |             37 FA             |
       |N|V|V|V| text  |S|      5      |                               |
       | |1|2|3|       |K|             |                               |
       +-+-+-+-+-------+-+-------------+-------------------------------+
     4 |0 0 1 0 0 0 0 1 0 0 1 1 1 1 0 1|0 1 1 1 1 1 1 1 1 0 0 1 1 1 1 1|
       |    masking key, continued     |        masked payload         |
       |             21 3D             |             7F 9F             |
       +-------------------------------+---------------+---------------+
     8 |0 1 0 0 1 1 0 1 0 1 0 1 0 0 0 1 0 1 0 1 1 0 0 0|
       |           masked payload, continued           |
       |                   4D 51 58                    |
       +-----------------------------------------------+

FIN = 1: last fragment of the message
RSV1 = 0: not in use
RSV2 = 0: not in use
RSV3 = 0: not in use
opcode = 0x1 (text)
MASK = 1: masked, as every frame of a client is
payload length = 5
masking key = 37 FA 21 3D
payload = 5 bytes; unmasked:
  48 65 6C 6C 6F
text = "Hello"
`)
  })

  test('a first fragment (section 5.7)', () => {
    expect(`\n${explain('01 03 48 65 6c')}\n`).toBe(`
  byte  0                   1                   2                   3
        0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
       +-+-+-+-+-------+-+-------------+-------------------------------+
     0 |0|0|0|0|0 0 0 1|0|0 0 0 0 0 1 1|0 1 0 0 1 0 0 0 0 1 1 0 0 1 0 1|
       |F|R|R|R|opcode |M|   payload   |            payload            |
       |I|S|S|S|  0x1  |A|   length    |             48 65             |
       |N|V|V|V| text  |S|      3      |                               |
       | |1|2|3|       |K|             |                               |
       +-+-+-+-+-------+-+-------------+-------------------------------+
     4 |0 1 1 0 1 1 0 0|
       |   payload,    |
       |   continued   |
       |      6C       |
       +---------------+

FIN = 0: more fragments of the message follow
RSV1 = 0: not in use
RSV2 = 0: not in use
RSV3 = 0: not in use
opcode = 0x1 (text)
MASK = 0: not masked, as every frame of a server is
payload length = 3
payload = 3 bytes:
  48 65 6C
text = "Hel"
`)
  })

  test('256 bytes of binary (section 5.7)', () => {
    const payload = Uint8Array.from({ length: 256 }, (_, i) => i)
    expect(`\n${explainFrame(encodeFrame({ opcode: 2, payload }))}\n`).toBe(`
  byte  0                   1                   2                   3
        0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
       +-+-+-+-+-------+-+-------------+-------------------------------+
     0 |1|0|0|0|0 0 1 0|0|1 1 1 1 1 1 0|0 0 0 0 0 0 0 1 0 0 0 0 0 0 0 0|
       |F|R|R|R|opcode |M|   payload   |    extended payload length    |
       |I|S|S|S|  0x2  |A|   length    |             01 00             |
       |N|V|V|V|binary |S|     126     |                               |
       | |1|2|3|       |K|             |                               |
       +-+-+-+-+-------+-+-------------+-------------------------------+
     4 |0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 0 0 0 0 0 1 0 0 0 0 0 0 0 1 1|
       |                            payload                            |
       |                          00 01 02 03                          |
       +---------------------------------------------------------------+
     8 |0 0 0 0 0 1 0 0 0 0 0 0 0 1 0 1 0 0 0 0 0 1 1 0 0 0 0 0 0 1 1 1|
       |                      payload, continued                       |
       |                          04 05 06 07                          |
       +---------------------------------------------------------------+
       :              payload, continued: 248 bytes more               :
       +---------------------------------------------------------------+

FIN = 1: last fragment of the message
RSV1 = 0: not in use
RSV2 = 0: not in use
RSV3 = 0: not in use
opcode = 0x2 (binary)
MASK = 0: not masked, as every frame of a server is
payload length = 126: the next 16 bits hold it
extended payload length = 256 (0x0100)
payload = 256 bytes:
  00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F
  10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F
  and 224 bytes not shown
`)
  })

  test('a header that is all wrong, and cut off within the masking key', () => {
    expect(`\n${explain('7b ff 00 00 00 00 00 00 00 30 37')}\n`).toBe(`
  byte  0                   1                   2                   3
        0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
       +-+-+-+-+-------+-+-------------+-------------------------------+
     0 |0|1|1|1|1 0 1 1|1|1 1 1 1 1 1 1|0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0|
       |F|R|R|R|opcode |M|   payload   |    extended payload length    |
       |I|S|S|S|  0xB  |A|   length    |             00 00             |
       |N|V|V|V|reser- |S|     127     |                               |
       | |1|2|3|  ved  |K|             |                               |
       +-+-+-+-+-------+-+-------------+-------------------------------+
     4 |0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0|
       |              extended payload length, continued               |
       |                          00 00 00 00                          |
       +-------------------------------+-------------------------------+
     8 |0 0 0 0 0 0 0 0 0 0 1 1 0 0 0 0|0 0 1 1 0 1 1 1 . . . . . . . .|
       |   extended payload length,    |          masking key          |
       |           continued           |             37 ..             |
       |             00 30             |                               |
       +-------------------------------+-------------------------------+
    12 |. . . . . . . . . . . . . . . .|
       |    masking key, continued     |
       |             .. ..             |
       +-------------------------------+-------------------------------+
       :                 payload: 48 bytes, none here                  :
       +---------------------------------------------------------------+

FIN = 0: more fragments of the message follow
RSV1 = 1: in use by an extension
RSV2 = 1: in use by an extension
RSV3 = 1: in use by an extension
opcode = 0xB (reserved)
MASK = 1: masked, as every frame of a client is
payload length = 127: the next 64 bits hold it
extended payload length = 48 (0x0000000000000030)
masking key = 37 .. .. ..: 1 of 4 bytes here
payload = 48 bytes, none here

What RFC 6455 forbids here:
- RSV1 is set: only a compressed message's first frame has it (RFC 7692)
- RSV2 is set: only an extension that defines it may do so (section 5.2)
- RSV3 is set: only an extension that defines it may do so (section 5.2)
- opcode 0xB is reserved (section 5.2)
- a control frame must not be fragmented (section 5.5)
- a payload length of 48 must be given in 7 bits, not in 64 (section 5.2)
`)
  })

  test('the first byte alone', () => {
    expect(`\n${explain('88')}\n`).toBe(`
  byte  0                   1                   2                   3
        0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
       +-+-+-+-+-------+-+-------------+
     0 |1|0|0|0|1 0 0 0|.|. . . . . . .|
       |F|R|R|R|opcode |M|   payload   |
       |I|S|S|S|  0x8  |A|   length    |
       |N|V|V|V| close |S|             |
       | |1|2|3|       |K|             |
       +-+-+-+-+-------+-+-------------+

FIN = 1: last fragment of the message
RSV1 = 0: not in use
RSV2 = 0: not in use
RSV3 = 0: not in use
opcode = 0x8 (close)
MASK and payload length: not here, the header is cut off after 1 byte
`)
  })

  test('no bytes', () => {
    expect(explain('')).toBe('No bytes: a frame begins with a header of 2 to 14 bytes.')
  })
})

describe('the diagram', () => {
  test.each([
    ['80', '|0 0 0 0|', 'opcode |', '  0x0  |', 'contin-|', 'uation |'],
    ['82', '|0 0 1 0|', 'opcode |', '  0x2  |', 'binary |', '       |'],
    ['83', '|0 0 1 1|', 'opcode |', '  0x3  |', 'reser- |', '  ved  |'],
    ['89', '|1 0 0 1|', 'opcode |', '  0x9  |', ' ping  |', '       |'],
    ['8a', '|1 0 1 0|', 'opcode |', '  0xA  |', ' pong  |', '       |'],
    ['8f', '|1 1 1 1|', 'opcode |', '  0xF  |', 'reser- |', '  ved  |'],
  ])('names the opcode of %s', (first, ...expected) => {
    const cells = diagram(`${first}00`)
      .slice(3, 8)
      .map((line, index) => line.slice(index === 0 ? 15 : 16, 24))
    expect(cells).toEqual(expected)
  })

  test('bytes of a payload that are cut off are dots', () => {
    expect(diagram('82 07 7e 01 68 69').slice(-7)).toEqual([
      '       +-+-+-+-+-------+-+-------------+-------------------------------+',
      '     4 |0 1 1 0 1 0 0 0 0 1 1 0 1 0 0 1 . . . . . . . . . . . . . . . .|',
      '       |                      payload, continued                       |',
      '       |                          68 69 .. ..                          |',
      '       +---------------------------------------------------------------+',
      '       :                payload, continued: 1 byte more                :',
      '       +---------------------------------------------------------------+',
    ])
  })

  test('a payload that begins a row gets two', () => {
    const whole = diagram('82 fe 00 7e 37 fa 21 3d'.concat(' 00'.repeat(126)))
    expect(whole.map((line) => line.slice(0, 6).trim()).filter((offset) => offset !== '')).toEqual([
      'byte',
      '0',
      '4',
      '8',
      '12',
    ])
    expect(whole.at(-2)).toBe('       :              payload, continued: 118 bytes more               :')
  })

  test('a frame without payload is its header', () => {
    expect(diagram('8a 00')).toHaveLength(9)
    expect(diagram('8a 80 37 fa 21 3d')).toHaveLength(13)
  })
})

describe('the legend', () => {
  test('an extended payload length that is cut off', () => {
    expect(legend('82 7e')).toContain('extended payload length = .. ..: 0 of 2 bytes here')
    expect(legend('82 7f 00 00 01')).toContain('extended payload length = 00 00 01 .. .. .. .. ..: 3 of 8 bytes here')
    expect(legend('82 fe 01').at(-1)).toBe('masking key = .. .. .. ..: 0 of 4 bytes here')
  })

  test('a payload length of 300', () => {
    expect(legend('82 7e 01 2c').slice(-3)).toEqual([
      'payload length = 126: the next 16 bits hold it',
      'extended payload length = 300 (0x012C)',
      'payload = 300 bytes, none here',
    ])
  })

  test('a 64-bit length is exact', () => {
    expect(legend('82 7f 00 20 00 00 00 00 00 01')).toContain(
      'extended payload length = 9007199254740993 (0x0020000000000001)',
    )
    expect(legend('82 7f ff ff ff ff ff ff ff ff 00').slice(-2)).toEqual([
      'payload = 18446744073709551615 bytes, 18446744073709551614 not here:',
      '  00',
    ])
  })

  test('a masking key of zeros', () => {
    expect(legend('81 81 00 00 00 00 41').slice(-4)).toEqual([
      'masking key = 00 00 00 00: leaves the payload as it is',
      'payload = 1 byte; unmasked:',
      '  41',
      'text = "A"',
    ])
  })

  test('what is compressed is no text, whatever its bytes look like', () => {
    const rsv1 = 'RSV1 = 1: compressed, if permessage-deflate was agreed on (RFC 7692)'
    expect(legend('c1 02 41 42')).toContain(rsv1)
    expect(legend('c1 02 41 42').slice(-2)).toEqual(['payload = 2 bytes:', '  41 42'])
    expect(legend('c2 02 41 42')).toContain(rsv1)
    expect(legend('81 02 41 42').at(-1)).toBe('text = "AB"')
  })

  test('how much of the payload is here, and shown', () => {
    const frame = encodeFrame({ opcode: 2, payload: new Uint8Array(300).fill(0x41), maskingKey: KEY })
    const lines = explainFrame(frame.subarray(0, 8 + 40)).split('\n')
    expect(lines.slice(-5)).toEqual([
      'payload = 300 bytes, 260 not here; unmasked:',
      '  41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41',
      '  41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41',
      '  and 8 bytes not shown',
      'text = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"...',
    ])
    expect(explainFrame(frame.subarray(0, 8 + 33))).toContain('\n  and 1 byte not shown\n')
    expect(explainFrame(frame.subarray(0, 8 + 32))).not.toContain('not shown')
  })

  test('bytes after the frame', () => {
    expect(legend('8a 00 81').at(-1)).toBe('1 byte after this frame')
    expect(legend('81 02 68 69 81 00 00').slice(-2)).toEqual(['text = "hi"', '3 bytes after this frame'])
    expect(legend('8a 00').at(-1)).toBe('payload = 0 bytes')
  })

  test('text is decoded up to the character that is cut off', () => {
    const text = (payload: string) => {
      const frame = encodeFrame({ opcode: 1, payload: Buffer.from(payload) })
      return explainFrame(frame)
        .split('\n')
        .filter((line) => line.startsWith('text'))
    }
    expect(text('añ€😀')).toEqual(['text = "añ€😀"'])
    expect(text(`${'x'.repeat(31)}€`)).toEqual([`text = "${'x'.repeat(31)}"...`])
    expect(text('a"b\\c\n\td\r')).toEqual(['text = "a\\"b\\\\c\\n\\td\\r"'])
    expect(text('a\0b')).toEqual([])
    expect(text('\u{202e}b')).toEqual([])
    expect(text(`${'\n'.repeat(32)}`)).toEqual([`text = "${'\\n'.repeat(25)}"`])
  })

  test('a payload that is no text is not shown as text', () => {
    expect(legend('82 01 ff').at(-1)).toBe('  FF')
    expect(legend('02 01 c3').at(-1)).toBe('  C3')
    expect(legend('00 02 a9 41').at(-1)).toBe('  A9 41')
  })

  test('a close code and reason', () => {
    expect(legend(closeFrame('bye')).slice(-3)).toEqual([
      '  03 E8 62 79 65',
      'close code = 1000 (normal closure)',
      'close reason = "bye"',
    ])
    expect(legend('88 02 0f a1').slice(-2)).toEqual(['close code = 4001 (application code)', 'close reason = ""'])
    expect(legend('88 00').at(-1)).toBe('payload = 0 bytes')
    expect(legend('88 02 03').at(-1)).toBe('  03')
  })

  test('a close reason that is cut off, or longer than any may be', () => {
    expect(legend(closeFrame('good bye').slice(0, -8)).at(-1)).toBe('close reason = "good"...')
    expect(legend(closeFrame('x'.repeat(124))).slice(-3)).toEqual([
      `close reason = "${'x'.repeat(50)}"`,
      `               "${'x'.repeat(50)}"`,
      `               "${'x'.repeat(23)}"...`,
    ])
  })

  test('a close reason is safe to print', () => {
    expect(legend(closeFrame('\u{1b}[31m\u{7f}\u{9b}\u{202e}"\n')).at(-1)).toBe(
      String.raw`close reason = "\u001b[31m\u{7f}\u{9b}\u{202e}\"\n"`,
    )
  })
})

describe('what is forbidden', () => {
  test.each([
    ['81 00'],
    ['80 00'],
    ['82 7e 00 7e'],
    ['82 7f 00 00 00 00 00 01 00 00'],
    ['82 7e'],
    ['89 7d'],
    ['8a 80 00 00 00 00'],
    ['88 00'],
    ['88 02 03 e8'],
    ['88 02 03'],
    ['01 01 c3'],
    ['81 02 c3'],
    ['c1 01 ff'],
    ['c0 00', "- RSV1 is set: only a compressed message's first frame has it (RFC 7692)"],
    ['c9 00', "- RSV1 is set: only a compressed message's first frame has it (RFC 7692)"],
    ['a1 00', '- RSV2 is set: only an extension that defines it may do so (section 5.2)'],
    ['92 00', '- RSV3 is set: only an extension that defines it may do so (section 5.2)'],
    ['83 00', '- opcode 0x3 is reserved (section 5.2)'],
    ['8f 00', '- opcode 0xF is reserved (section 5.2)'],
    ['08 00', '- a control frame must not be fragmented (section 5.5)'],
    ['89 7e', '- a control frame carries at most 125 bytes (section 5.5)'],
    ['89 7e 00 7e', '- a control frame carries at most 125 bytes (section 5.5)'],
    ['89 7e 00 01', '- a payload length of 1 must be given in 7 bits, not in 16 (section 5.2)'],
    ['82 7f 00 00 00 00 00 00 00 7d', '- a payload length of 125 must be given in 7 bits, not in 64 (section 5.2)'],
    ['82 7f 00 00 00 00 00 00 ff ff', '- a payload length of 65535 must be given in 16 bits, not in 64 (section 5.2)'],
    ['82 7f 80 00 00 00 00 01 00 00', '- the top bit of a 64-bit payload length must be 0 (section 5.2)'],
    ['81 03 41 c0 80', '- the text is not UTF-8 at byte 1 of the payload, 0xC0 (section 8.1)'],
    ['01 01 ff', '- the text is not UTF-8 at byte 0 of the payload, 0xFF (section 8.1)'],
    ['81 01 c3', '- the text ends within a UTF-8 character (section 8.1)'],
    ['88 01 03', '- a Close payload of 1 byte: the close code takes 2 (section 5.5.1)'],
    ['88 02 03 ed', '- close code 1005 must not be sent (section 7.4)'],
    ['88 04 03 e8 41 ff', '- the close reason is not UTF-8 at byte 3 of the payload, 0xFF (section 5.5.1)'],
    ['88 03 03 e8 c3', '- the close reason ends within a UTF-8 character (section 5.5.1)'],
  ])('%s', (hex, ...expected) => {
    expect(forbidden(hex)).toEqual(expected)
  })
})

test('takes any bytes, and 80 columns', () => {
  const header = fc.tuple(fc.nat(255), fc.nat(255)).map((pair) => Uint8Array.from(pair))
  const text = fc.string({ unit: 'grapheme', maxLength: 130 }).map((value) => new TextEncoder().encode(value))
  const bytes = fc
    .tuple(
      fc.oneof(header, fc.constantFrom(Uint8Array.of(0x88, 0x7d), Uint8Array.of(0x88, 0xfd))),
      fc.uint8Array(),
      text,
    )
    .map((parts) => new Uint8Array(Buffer.concat(parts)))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 20 }), bytes), (data) => {
      const before = data.slice()
      for (const line of explainFrame(data).split('\n')) {
        expect([...line].length).toBeLessThanOrEqual(80)
        expect(line).toBe(line.trimEnd())
      }
      expect(data).toEqual(before)
    }),
    { numRuns: 1000 },
  )
})

test('every first byte with every second byte', () => {
  const data = new Uint8Array(20).fill(0x20)
  for (let pair = 0; pair < 65_536; pair += 7) {
    data[0] = pair >> 8
    data[1] = pair
    expect(explainFrame(data)).toContain('\nopcode = 0x')
  }
})

test('a megabyte of text', () => {
  const frame = encodeFrame({ opcode: 1, payload: new Uint8Array(1024 * 1024).fill(0x61), maskingKey: KEY })
  expect(explainFrame(frame)).toContain('and 1048544 bytes not shown')
})
