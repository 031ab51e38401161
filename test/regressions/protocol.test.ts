import { once } from 'node:events'
import { createServer as createTcpServer, type Socket as TcpSocket } from 'node:net'
import { connect } from 'heartwire'
import {
  acceptKey,
  checkUpgradeRequest,
  decodeFrame,
  decodeFrameHeader,
  encodeClosePayload,
  HandshakeError,
  HeaderFields,
  Opcode,
  type Platform,
  parseExtensions,
  portablePlatform,
  type RequestHead,
} from 'heartwire/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { nodePlatform } from '../../src/platform/node.ts'
import { Receiver, type ReceiverSink } from '../../src/protocol/receiver.ts'
import { Sender } from '../../src/protocol/sender.ts'
import { FakeWire, freshShared } from '../protocol/fake-wire.ts'
import { FrameMaker, framesOf, hex, join } from '../protocol/frames.ts'
import { Mailbox } from '../support/mailbox.ts'
import { handshake, RawPeer } from '../support/raw-peer.ts'
import { rawPair, serve } from '../support/servers.ts'

// Faults that WebSocket implementations have had. Each test is named for the fault that it keeps out.

const client = new FrameMaker('client')
const server = new FrameMaker('server')

/** What a server's receiver tells of a stream. */
function readAsServer(stream: Uint8Array, options: { maxPayload?: number; maxFragments?: number } = {}): string[] {
  const events: string[] = []
  const sink: ReceiverSink = {
    onText: (text) => events.push(`text ${text.length}`),
    onBinary: (payload) => events.push(`binary ${payload.length}`),
    onPiece: () => {},
    onPing: (payload) => events.push(`ping ${payload.length}`),
    onPong: () => {},
    onClose: (code, reason) => events.push(`close ${code} ${reason}`),
    onViolation: ({ code, message }) => events.push(`${code} ${/\d+ bytes/.exec(message)?.[0] ?? ''}`),
  }
  new Receiver(
    { side: 'server', platform: nodePlatform, maxPayload: 1_000_000, maxFragments: 100, text: 'string', ...options },
    sink,
  ).receive(stream)
  return events
}

/** A client of a server that is nothing but a TCP socket. */
async function rawServer(onMessage: (message: string | Uint8Array) => void): Promise<RawPeer> {
  const listener = createTcpServer({ allowHalfOpen: true, noDelay: true })
  onTestFinished(() => void listener.close())
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const address = listener.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const accepted: Promise<TcpSocket[]> = once(listener, 'connection')
  const opened = connect(`ws://127.0.0.1:${port}`, { proxy: false, message: (_, message) => onMessage(message) })
  const [stream] = await accepted
  const peer = new RawPeer(stream!)
  const key = /^sec-websocket-key: (.*)\r$/im.exec(await peer.head())?.[1] ?? ''
  peer.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key, portablePlatform)}\r\n\r\n`,
  )
  const socket = await opened
  onTestFinished(() => socket.terminate())
  return peer
}

describe('a 64-bit length read as 16 bits', () => {
  // The low 16 bits of each length are those of another length that would be plausible.
  test.each([65_536, 65_536 + 5, 65_536 * 2 + 126, 65_536 * 5])('%d bytes', (length) => {
    expect(readAsServer(join(client.binary(new Uint8Array(length)), client.text('next')))).toEqual([
      `binary ${length}`,
      'text 4',
    ])
    expect(decodeFrame(server.binary(new Uint8Array(length)))?.payload.length).toBe(length)
  })

  test('the high half is read, too', () => {
    const header = client.header(0x82, 127, '00000001 00000005')
    expect(decodeFrameHeader(header)?.payloadLength).toBe(2 ** 32 + 5)
    expect(readAsServer(header)).toEqual([`MESSAGE_TOO_LARGE ${2 ** 32 + 5} bytes`])
  })

  test('and written', () => {
    const wire = new FakeWire()
    const sender = new Sender(freshShared(), wire, false)
    sender.message(Opcode.Binary, new Uint8Array(65_541))
    sender.flush()
    expect(Buffer.from(wire.bytes.subarray(0, 10)).toString('hex')).toBe('827f0000000000010005')
  })
})

describe('a message that must fit the read buffer', () => {
  const message = Uint8Array.from({ length: 1_000_000 }, (_, i) => i % 253)

  test('a server takes one of 1 MB, in one frame', async () => {
    const got = new Mailbox<string | Uint8Array>()
    const { peer } = await rawPair({ message: (_, received) => got.put(received) })
    peer.write(join(client.binary(message), client.text('next')))
    expect(Buffer.compare(Buffer.from(await got.next()), message)).toBe(0)
    expect(await got.next()).toBe('next')
  })

  test('a client takes one of 1 MB, in one frame', async () => {
    const got = new Mailbox<string | Uint8Array>()
    const peer = await rawServer(got.put)
    peer.write(join(server.binary(message), server.text('next')))
    expect(Buffer.compare(Buffer.from(await got.next()), message)).toBe(0)
    expect(await got.next()).toBe('next')
  })
})

describe('a pong that is queued and never flushed', () => {
  test('a server that sends nothing else answers', async () => {
    const { peer } = await rawPair()
    for (const payload of ['one', 'two']) {
      peer.write(client.ping(payload))
      expect(await peer.text()).toEqual([Opcode.Pong, payload])
    }
  })

  test('a client that sends nothing else answers', async () => {
    const peer = await rawServer(() => {})
    peer.write(server.ping('only'))
    const frame = await peer.until(() => decodeFrame(peer.bytes, 0, 'client'))
    expect(frame).toMatchObject({ opcode: Opcode.Pong, masked: true })
    expect(Buffer.from(frame.payload).toString()).toBe('only')
  })

  test('a ping that came with the handshake is answered', async () => {
    const { port } = await serve({ message() {} })
    const peer = await RawPeer.open(port, {}, undefined, client.ping('early'))
    expect(await peer.text()).toEqual([Opcode.Pong, 'early'])
  })

  test('a ping in the middle of a message is answered before it ends', async () => {
    const { peer } = await rawPair()
    peer.write(join(client.text('begun', false), client.ping('between')))
    expect(await peer.text()).toEqual([Opcode.Pong, 'between'])
  })
})

describe('fragments counted together with pings', () => {
  test('neither counts for the other', () => {
    const pings = new Array<Uint8Array>(1_000).fill(client.ping(new Uint8Array(125)))
    const stream = join(client.text('aaaa', false), ...pings, client.more('bbbb', false), ...pings, client.more('cc'))
    const events = readAsServer(stream, { maxFragments: 3, maxPayload: 10 })
    expect(events.length).toBe(2_001)
    expect(events.at(-1)).toBe('text 10')
  })

  test('a ping does not end a message, or begin one', () => {
    expect(readAsServer(join(client.text('a', false), client.ping('p'), client.more('b'), client.text('c')))).toEqual([
      'ping 1',
      'text 2',
      'text 1',
    ])
  })
})

describe('a returned buffer that aliases the next read', () => {
  test.each([1, 40, 200, 5_000])('messages of %d bytes stay what they were', async (length) => {
    const kept: Uint8Array[] = []
    const got = new Mailbox<Uint8Array>()
    const { peer } = await rawPair({
      text: 'bytes',
      message: (_, message) => {
        if (typeof message === 'string') return
        kept.push(message)
        got.put(message)
      },
    })
    for (let i = 0; i < 20; i++) {
      // In reads of their own, and several at once; whole and in fragments.
      const payload = new Uint8Array(length).fill(i)
      peer.write(
        join(client.binary(payload), client.text(new Uint8Array(length).fill(i)), client.binary(payload, false)),
      )
      peer.write(client.more(payload))
      await got.take(3)
    }
    kept.forEach((message, index) => {
      expect(message.length).toBe(index % 3 === 2 ? length * 2 : length)
      expect(message.every((byte) => byte === Math.floor(index / 3))).toBe(true)
    })
    // What the application does to its bytes is seen nowhere else.
    for (const message of kept) message.fill(0xff)
    peer.write(client.binary(new Uint8Array(length).fill(1)))
    expect((await got.next()).every((byte) => byte === 1)).toBe(true)
  })

  test('payloads of pings and pongs, and what observers see, stay what they were', async () => {
    const kept: Uint8Array[] = []
    const pongs = new Mailbox<undefined>()
    const { peer } = await rawPair({
      ping: (_, payload) => void kept.push(payload),
      pong: (_, payload) => {
        kept.push(payload)
        pongs.put(undefined)
      },
      observeFrames: (_, { header, payload }) => void kept.push(header, payload),
    })
    for (let i = 0; i < 10; i++) {
      peer.write(join(client.ping(`ping ${i}`), client.pong(`pong ${i}`)))
      await pongs.next()
      await peer.frame()
    }
    const texts = kept.map((payload) => Buffer.from(payload).toString('latin1')).filter((text) => /^p[io]ng/.test(text))
    // The ping is seen by its handler and twice by the observer: as it comes, and as its answer goes.
    for (let i = 0; i < 10; i++) {
      expect(texts.filter((text) => text === `ping ${i}`).length).toBe(3)
      expect(texts.filter((text) => text === `pong ${i}`).length).toBe(2)
    }
  })
})

describe('a close reason taken from an uninitialised buffer', () => {
  /** New memory has this in it, and random bytes have none of it. */
  const POISON = 0xee
  const poisoned: Platform = { ...portablePlatform, allocate: (length) => new Uint8Array(length).fill(POISON) }

  test.each([
    [1000, '', '03e8'],
    [1000, 'a', '03e861'],
    [4999, 'ä€😀', '1387c3a4e282acf09f9880'],
    [1000, '\ud800', '03e8efbfbd'],
    [1005, '', ''],
  ])('a Close frame with %d and %j has those bytes alone', (code, reason, digits) => {
    expect(Buffer.from(encodeClosePayload(poisoned, code, reason)).toString('hex')).toBe(digits)
  })

  test('the reason received is the one sent, and empty where there was none', () => {
    expect(readAsServer(client.close(1000))).toEqual(['close 1000 '])
    expect(readAsServer(client.close())).toEqual(['close 1005 '])
    expect(readAsServer(client.close(1000, 'ä'))).toEqual(['close 1000 ä'])
  })

  test('no frame of any kind has a byte of memory that was never written', () => {
    const wire = new FakeWire()
    const sender = new Sender(freshShared(poisoned), wire, false)
    for (const length of [0, 1, 42, 125, 126, 127, 6_000, 20_000]) {
      sender.message(Opcode.Text, 'a'.repeat(length))
      sender.message(Opcode.Text, '€'.repeat(length))
      sender.message(Opcode.Binary, new Uint8Array(length))
    }
    sender.ping(new Uint8Array(0))
    sender.close(encodeClosePayload(poisoned, 1000, ''))
    sender.flush()
    for (const { payload } of framesOf(wire.bytes, 'server')) expect(payload.includes(POISON)).toBe(false)
  })

  test('over a real socket', async () => {
    const { peer, socket } = await rawPair()
    socket.close(1000)
    const frame = await peer.frame()
    expect([...frame.payload]).toEqual([3, 232])
  })
})

describe('names of Object.prototype in Sec-WebSocket-Extensions', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype']

  test.each(names)('%s is a name as any other', (name) => {
    const before = Object.getOwnPropertyNames(Object.prototype)
    expect(parseExtensions(`${name}; ${name}=1; ${name}, ${name}`)).toEqual([
      {
        name,
        parameters: [
          [name, '1'],
          [name, true],
        ],
      },
      { name, parameters: [] },
    ])
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before)
  })

  test('a server ignores such extensions, and such headers', async () => {
    const { port } = await serve({ message: (socket, message) => void socket.send(message) })
    const peer = await RawPeer.open(port, {
      'Sec-WebSocket-Extensions': names.map((name) => `${name}; ${name}=1`).join(', '),
      ...Object.fromEntries(names.filter((name) => name !== '__proto__').map((name) => [name, 'value'])),
    })
    peer.write(client.text('still here'))
    expect(await peer.text()).toEqual([Opcode.Text, 'still here'])
    const other = await RawPeer.dial(port)
    other.write(handshake().replace('\r\n\r\n', '\r\n__proto__: value\r\n\r\n'))
    expect(await other.head()).toMatch(/^HTTP\/1\.1 101 /)
  })

  test('as a header, such a name is found where it is and nowhere else', () => {
    const headers = HeaderFields.fromLines(names.map((name) => [name, `value of ${name}`]))
    for (const name of names) expect(headers.get(name)).toBe(`value of ${name}`)
    expect(new HeaderFields().get('constructor')).toBeUndefined()
    expect(Object.keys(headers.record())).toEqual(names.map((name) => name.toLowerCase()))
  })
})

describe('a Sec-WebSocket-Protocol that makes a pattern backtrack', () => {
  const SIZE = 16 * 1024

  function request(protocol: string): RequestHead {
    const headers = HeaderFields.fromLines([
      ['Host', 'server.example'],
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ['Sec-WebSocket-Protocol', protocol],
    ])
    return { method: 'GET', httpVersion: '1.1', headers }
  }

  // A parser that goes over 16 KiB once takes some microseconds; what matters is what it makes of them.
  test.each<[string, string, string[]]>([
    ['spaces', `a${' '.repeat(SIZE)},b`, ['a', 'b']],
    ['tabs and spaces before a name', `${'\t '.repeat(SIZE / 2)}a`, ['a']],
    ['commas', `a${','.repeat(SIZE)}b`, ['a', 'b']],
    ['commas and spaces', `a${', '.repeat(SIZE / 2)}b`, ['a', 'b']],
    ['one long name', 'a'.repeat(SIZE), ['a'.repeat(SIZE)]],
    [
      'many names',
      Array.from({ length: 3_000 }, (_, i) => `p${i}`).join(','),
      Array.from({ length: 3_000 }, (_, i) => `p${i}`),
    ],
    ['nothing but spaces', ' '.repeat(SIZE), []],
  ])('%s are read', (_, protocol, expected) => {
    expect(checkUpgradeRequest(request(protocol)).protocols).toEqual(expected)
  })

  test.each([
    ['spaces within a name', `a${' '.repeat(SIZE)}b`],
    ['a name that never ends well', `${'a'.repeat(SIZE)}\u0000`],
    ['names without a comma', 'a '.repeat(SIZE / 2)],
    ['a quote that is never closed', `"${'a,'.repeat(SIZE / 2)}`],
    ['backslashes', `"${'\\'.repeat(SIZE)}`],
    ['the same name again', 'a,'.repeat(SIZE / 2)],
  ])('%s are refused', (_, protocol) => {
    const refused = () => checkUpgradeRequest(request(protocol))
    expect(refused).toThrow(HandshakeError)
    expect(refused).toThrow(
      /The (subprotocol|client offers the subprotocol) ".{0,200} \(RFC 6455 section 4\.2\.1\)\.$/s,
    )
  })
})

describe('a message cap that turns negative above 2 GiB', () => {
  const CAP = 2 ** 31 + 2 ** 20

  test.each([2 ** 31 - 1, 2 ** 31, CAP, 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY])(
    '%d takes messages',
    (maxPayload) => {
      expect(
        readAsServer(join(client.text('abc'), client.binary('a', false), client.more('b')), { maxPayload }),
      ).toEqual(['text 3', 'binary 2'])
    },
  )

  test('it is neither more nor less than what was asked for', () => {
    const header = (length: number) =>
      client.header(
        0x82,
        127,
        length
          .toString(16)
          .padStart(16, '0')
          .replace(/(.{8})/, '$1 '),
      )
    expect(readAsServer(header(CAP), { maxPayload: CAP })).toEqual([])
    expect(readAsServer(header(CAP + 1), { maxPayload: CAP })).toEqual([`MESSAGE_TOO_LARGE ${CAP + 1} bytes`])
    expect(readAsServer(header(2 ** 32 + 1), { maxPayload: 2 ** 32 })).toEqual([
      `MESSAGE_TOO_LARGE ${2 ** 32 + 1} bytes`,
    ])
  })

  test('fragments add up above it', () => {
    const stream = join(client.binary('a', false), client.header(0x80, 127, '00000000 80000000'))
    expect(readAsServer(stream, { maxPayload: 2 ** 31 })).toEqual([`MESSAGE_TOO_LARGE ${2 ** 31 + 1} bytes`])
    expect(readAsServer(stream, { maxPayload: 2 ** 31 + 1 })).toEqual([])
  })

  test('a socket keeps it', async () => {
    const { peer, socket } = await rawPair({ maxPayload: CAP, message: (one, message) => void one.send(message) })
    expect(socket.maxPayload).toBe(CAP)
    peer.write(client.text('taken'))
    expect(await peer.text()).toEqual([Opcode.Text, 'taken'])
    socket.maxPayload = 2 ** 33
    expect(socket.maxPayload).toBe(2 ** 33)
    peer.write(join(hex('82 ff 00 00 00 02 00 00 00 01'), hex('01 02 03 04')))
    expect(await peer.closeFrame()).toEqual([1009, 'message too large'])
  })
})
