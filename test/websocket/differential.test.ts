/**
 * The same program with heartwire's WebSocket, with undici's and, from Node 22 on, with Node's own: what a program sees has
 * to be the same. Left out is what undici 7 does otherwise than the standard has it: a byte order mark is taken off a text
 * message; `close` before the connection is open dispatches `error` and `close` before it returns; `close(2999.4)`, which
 * is 2999, is taken for 3000; a listener's promises are handled after all messages of a chunk.
 */
import type { Socket } from 'node:net'
import { Opcode } from 'heartwire/protocol'
import { WebSocket as Heartwire, type WebSocketConstructor } from 'heartwire/websocket'
import { WebSocket as Undici } from 'undici'
import { describe, expect, it } from 'vitest'
import { closeFrame, frame, handshakeServer, next, text, thrown } from './support.ts'

const others: [string, WebSocketConstructor][] = [['undici', Undici as unknown as WebSocketConstructor]]
if ('WebSocket' in globalThis) others.push(['Node', globalThis.WebSocket as WebSocketConstructor])

/** Up to Node 22 its own tells failures otherwise than the standard has it, or not at all. */
const tellsFailures = (name: string) => name !== 'Node' || Number(process.versions.node.split('.')[0]) > 22

interface Play {
  name: string
  /** Whether it is about a connection that fails. */
  fails?: boolean
  /** What the server does once it has shaken hands. */
  server?(socket: Socket, head: string): void
  /** Further lines of its answer. */
  lines?(head: string): string[]
  /** Answers what the client's handshake asks for, in place of a good answer. */
  protocols?: string | string[]
  /** What the program does beside listening. */
  program?(socket: InstanceType<WebSocketConstructor>, log: (...line: unknown[]) => void): void
}

/** Answers the client's Close frame, or whatever it sends first, with this. */
const answer = (bytes: Uint8Array) => (socket: Socket) => void socket.once('data', () => socket.end(bytes))

const plays: Play[] = [
  { name: 'the server closes', server: (socket) => socket.end(closeFrame(3000, 'why')) },
  { name: 'the server closes without a code', server: (socket) => socket.end(frame(Opcode.Close)) },
  {
    name: 'messages, and then the end',
    server: (socket) => socket.end(Buffer.concat([text('a'), text(''), text('b'), closeFrame(1000)])),
  },
  {
    name: 'binary messages as ArrayBuffers',
    server: (socket) => socket.end(Buffer.concat([frame(Opcode.Binary, 'ab'), frame(Opcode.Binary), closeFrame(1000)])),
    program: (socket) => {
      socket.binaryType = 'arraybuffer'
    },
  },
  {
    name: 'the client closes without a code',
    server: answer(frame(Opcode.Close)),
    program: (socket) => {
      socket.onopen = () => socket.close()
    },
  },
  {
    name: 'the client closes with a code and a reason',
    server: answer(closeFrame(4000, 'theirs')),
    program: (socket, log) => {
      socket.onopen = () => {
        socket.close(4000, 'mine')
        log('closing', socket.readyState)
      }
    },
  },
  {
    name: 'send and bufferedAmount',
    server: answer(closeFrame(1000)),
    program: (socket, log) => {
      log(thrown(() => socket.send('early')))
      socket.onopen = () => {
        for (const data of ['\u20ac', new Uint8Array(3), new ArrayBuffer(2), new Blob(['four'])]) {
          socket.send(data)
          log('buffered', socket.bufferedAmount)
        }
      }
    },
  },
  {
    name: 'send when it is closed',
    server: (socket) => socket.end(closeFrame(1000)),
    program: (socket, log) => {
      socket.onclose = () => {
        log(thrown(() => socket.send('late')))
        socket.close()
      }
    },
  },
  {
    name: 'a subprotocol',
    server: (socket) => socket.end(closeFrame(1000)),
    protocols: ['a', 'b'],
    lines: () => ['Sec-WebSocket-Protocol: b'],
  },
  { name: 'a subprotocol that is not acknowledged', fails: true, protocols: 'a' },
  { name: 'a subprotocol that nobody asked for', fails: true, lines: () => ['Sec-WebSocket-Protocol: b'] },
  { name: 'an extension that nobody asked for', fails: true, lines: () => ['Sec-WebSocket-Extensions: x-other'] },
  {
    name: 'listeners and a handler in the order in which they were added',
    server: (socket) => socket.end(Buffer.concat([text('1'), text('2'), closeFrame(1000)])),
    program: (socket, log) => {
      socket.addEventListener('message', () => log('first'))
      socket.onmessage = () => log('handler')
      socket.addEventListener('message', () => log('last'))
    },
  },
  { name: 'the server breaks a rule', fails: true, server: (socket) => void socket.write(frame(3)) },
  {
    name: 'the server sends no UTF-8',
    fails: true,
    server: (socket) => void socket.write(frame(Opcode.Text, new Uint8Array([0xff]))),
  },
  { name: 'the server is gone without a Close frame', fails: true, server: (socket) => void socket.destroy() },
]

/** Everything that a program sees, as lines. */
async function seen(WebSocket: WebSocketConstructor, { server, lines, protocols, program }: Play): Promise<unknown[]> {
  const { url } = await handshakeServer((socket, head) => {
    socket.on('end', () => socket.end())
    server?.(socket, head)
  }, lines)
  const socket = new WebSocket(url, protocols)
  const log: unknown[] = []
  const note = (...line: unknown[]) => void log.push(line)
  for (const type of ['open', 'message', 'error', 'close'] as const) {
    socket.addEventListener(type, (event) => {
      const { data, code, reason, wasClean, origin } = event as Event & Partial<CloseEvent & MessageEvent>
      note(type, socket.readyState, socket.protocol, data, code, reason, wasClean, origin?.replace(url, 'the origin'))
    })
  }
  note('made', socket.readyState, socket.url.replace(url, ''), socket.bufferedAmount, socket.extensions)
  program?.(socket, note)
  await next(socket, 'close')
  note('then', socket.readyState)
  return log
}
type CloseEvent = { code: number; reason: string; wasClean: boolean }

describe.each(others)('%s and heartwire', (name, Other) => {
  it.each(plays.filter(({ fails }) => !fails || tellsFailures(name)))('$name', async (play) => {
    expect(await seen(Heartwire, play)).toEqual(await seen(Other, play))
  })

  it.each<[string, ...unknown[]]>([
    ['nothing'],
    ['a relative URL', '/x'],
    ['a fragment', 'ws://127.0.0.1:9/#x'],
    ['another scheme', 'ftp://127.0.0.1'],
    ['a symbol', Symbol('x')],
    ['a bad subprotocol', 'ws://127.0.0.1:9', 'a b'],
    ['an empty subprotocol', 'ws://127.0.0.1:9', ''],
    ['the same subprotocol twice', 'ws://127.0.0.1:9', ['a', 'a']],
  ])('new WebSocket with %s', (_what, ...given) => {
    const outcome = (type: WebSocketConstructor) => thrown(() => Reflect.construct(type, given))
    expect(outcome(Heartwire)).toBe(outcome(Other))
    expect(outcome(Heartwire)).not.toBe('nothing')
  })

  it('close with codes and reasons of all kinds', () => {
    const outcomes = (type: WebSocketConstructor) => {
      const socket = new type('ws://127.0.0.1:9')
      socket.onerror = () => {}
      const given = [
        [999],
        [1000],
        [1001],
        [2999],
        [3000],
        [4999],
        [5000],
        ['3000'],
        [2999.5],

        [null],
        [Number.NaN],
        [1000, 'x'.repeat(123)],
        [1000, 'x'.repeat(124)],
        [undefined, 'x'.repeat(124)],
        [1000, Symbol('x')],
        [Symbol('x')],
      ]
      return given.map((each) => thrown(() => Reflect.apply(socket.close, socket, each)))
    }
    expect(outcomes(Heartwire)).toEqual(outcomes(Other))
  })

  it('the members of the class', () => {
    const shape = (type: WebSocketConstructor) =>
      [type, type.prototype].map((object) =>
        Object.entries(Object.getOwnPropertyDescriptors(object))
          .filter(([key]) => !['ping', 'constructor'].includes(key))
          .map(([key, { get, set, value, ...flags }]) => {
            const length = typeof value === 'function' ? value.length : undefined
            return [key, typeof get, typeof set, typeof value, length, flags]
          })
          .toSorted(),
      )
    expect(shape(Heartwire)).toEqual(shape(Other))
  })
})
