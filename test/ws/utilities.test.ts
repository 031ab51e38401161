/** What heartwire/ws exports beside its two classes, compared with what `ws` exports under the same names. */
import { createRequire } from 'node:module'
import { encodeFrame } from 'heartwire/protocol'
import * as ours from 'heartwire/ws'
import { describe, expect, it } from 'vitest'

type Library = Pick<typeof ours, 'extension' | 'PerMessageDeflate' | 'Receiver' | 'Sender' | 'subprotocol'>
const theirs = createRequire(import.meta.url)('ws') as Library
const libraries = { ours, theirs }

/** What a call gives, or throws. */
function outcome(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
}

function compare(call: (library: Library) => unknown): void {
  expect(outcome(() => call(libraries.ours))).toEqual(outcome(() => call(libraries.theirs)))
}

describe('extension', () => {
  const headers = [
    'permessage-deflate',
    'a, b;c, d;e=f;g="h";e=2',
    'a;b="c\\d"',
    'a ; b ; c= d',
    'a;b =c',
    'a,a;b',
    '',
    ' a',
    'a ',
    'a b',
    'a;',
    'a,',
    'a;b=',
    'a;b="x',
    'a;b="',
    'a;b=""',
    'a;b="x y"',
    '"',
    'ä',
    'a;;b',
    'a,,b',
    'a;b=c d',
    '__proto__;constructor=1',
    'a\t;\tb',
  ]
  it.each(headers)('parses %j', (header) => compare(({ extension }) => extension.parse(header)))

  it('formats', () => {
    compare(({ extension }) => extension.format({ a: { b: true, c: [1, 'two'] }, d: [{}, { e: 'f' }] }))
  })
})

describe('subprotocol', () => {
  const headers = ['a', 'a,b', 'a, b ,\tc', '', ' a', 'a ', 'a b', 'a,', ',a', 'a,,b', 'a,a', 'ä', 'a;b', 'a , b']
  it.each(headers)('parses %j', (header) => compare(({ subprotocol }) => subprotocol.parse(header)))
})

describe('Sender.frame', () => {
  const generateMask = (mask: Buffer) => void mask.fill(7)
  it.each([0, 125, 126, 65535, 65536])('makes frames of %i bytes', (size) => {
    const data = Buffer.alloc(size, 'x')
    for (const opcode of [1, 2, 9]) {
      const plain = { fin: true, rsv1: false, opcode, mask: false, readOnly: true }
      compare(({ Sender }) => Buffer.concat(Sender.frame(data, plain)))
      const odd = { fin: false, rsv1: true, opcode, mask: true, readOnly: true, generateMask }
      compare(({ Sender }) => Buffer.concat(Sender.frame(data, odd)))
    }
  })

  it('makes frames of strings', () => {
    const options = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: false }
    compare(({ Sender }) => Buffer.concat(Sender.frame('grüße', options)))
  })
})

describe('PerMessageDeflate', () => {
  const options = [
    {},
    { serverNoContextTakeover: true },
    { clientNoContextTakeover: true },
    { serverNoContextTakeover: false, clientNoContextTakeover: false },
    { serverMaxWindowBits: 10 },
    { serverMaxWindowBits: false },
    { clientMaxWindowBits: 10 },
    { clientMaxWindowBits: false },
    { clientMaxWindowBits: true },
  ]
  const given = [
    [{}],
    [{ client_max_window_bits: [true as const] }],
    [{ client_max_window_bits: ['9'] }],
    [{ client_max_window_bits: ['15'] }],
    [{ server_max_window_bits: ['9'] }, {}],
    [{ server_max_window_bits: ['15'] }],
    [{ server_no_context_takeover: [true as const], client_no_context_takeover: [true as const] }],
    [{ server_no_context_takeover: ['1'] }],
    [{ server_max_window_bits: [true as const] }],
    [{ server_max_window_bits: ['7'] }],
    [{ client_max_window_bits: ['16'] }],
    [{ server_max_window_bits: ['9', '10'] }],
    [{ unknown: [true as const] }],
  ]

  it.each(options)('offers what %j says', (option) => {
    compare(({ PerMessageDeflate }) => new PerMessageDeflate(option).offer())
  })

  it.each(options)('accepts what %j lets it, on both sides', (option) => {
    for (const isServer of [true, false]) {
      for (const one of given) {
        compare(({ PerMessageDeflate }) => ({
          ...new PerMessageDeflate({ ...option, isServer }).accept(structuredClone(one)),
        }))
      }
    }
  })
})

describe('Receiver', () => {
  const maskingKey = Uint8Array.of(1, 2, 3, 4)
  const frame = (opcode: number, payload: string, fin = true) =>
    encodeFrame({ opcode, fin, maskingKey, payload: Buffer.from(payload) })

  it.each([
    ['messages', Buffer.concat([frame(1, 'text'), frame(2, 'bytes'), frame(9, 'ping'), frame(10, 'pong')])],
    ['fragments and a Close frame', Buffer.concat([frame(1, 'a', false), frame(0, 'b'), frame(8, '\x03\xe8why')])],
    ['what breaks a rule', frame(3, '')],
    ['what is too long', frame(1, 'x'.repeat(200))],
  ])('emits what comes of %s', async (_name, bytes) => {
    const seen: Record<string, unknown[]> = {}
    for (const [name, { Receiver }] of Object.entries(libraries)) {
      const events: unknown[] = []
      seen[name] = events
      const receiver = new Receiver({ isServer: true, maxPayload: 100 })
      for (const event of ['message', 'ping', 'pong', 'conclude']) {
        receiver.on(event, (...args: unknown[]) => events.push([event, ...args]))
      }
      receiver.on('error', (error: NodeJS.ErrnoException) => events.push(['error', error.code, error.message]))
      receiver.write(bytes)
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(seen.ours).toEqual(seen.theirs)
    expect(seen.ours).not.toEqual([])
  })
})
