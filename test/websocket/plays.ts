/** What a server and a program do, to compare what the program sees with one implementation and with another. */
import type { Socket } from 'node:net'
import { Opcode } from 'heartwire/protocol'
import type { WebSocketConstructor } from 'heartwire/websocket'
import { closeFrame, frame, handshakeServer, text } from './support.ts'

type Log = (...line: unknown[]) => void
/** The name of the class of what is thrown, and the name of a DOMException. */
type Thrown = (run: () => unknown) => string

export interface Play {
  name: string
  /** Whether it is about a connection that fails. */
  fails?: boolean
  /** What undici 7 does otherwise than the standard has it. */
  undici?: string
  /** What Chromium does otherwise than the standard has it. */
  chromium?: string
  /** What the server does once it has shaken hands. */
  server?(socket: Socket): void
  /** Further lines of its answer. */
  lines?(): string[]
  protocols?: string | string[]
  /** What the program does beside listening; nothing but this and its arguments is there in a browser. */
  program?: (socket: InstanceType<WebSocketConstructor>, log: Log, thrown: Thrown) => void
}

/** Answers the client's Close frame, or whatever it sends first, with this. */
const answer = (bytes: Uint8Array) => (socket: Socket) => void socket.once('data', () => socket.end(bytes))

export const plays: Play[] = [
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
    program: (socket, log, thrown) => {
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
    program: (socket, log, thrown) => {
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
  {
    name: 'the server is gone without a Close frame',
    chromium: 'dispatches no error, though RFC 6455 section 7.2.1 has the connection fail',
    fails: true,
    server: (socket) => void socket.destroy(),
  },
  {
    name: 'a byte order mark',
    undici: 'takes it off',
    server: (socket) => socket.end(Buffer.concat([text('\ufeffb'), closeFrame(1000)])),
  },
  {
    name: 'close before it is open',
    fails: true,
    undici: 'dispatches both events before `close` returns',
    program: (socket, log) => {
      socket.close(1000)
      log('closing', socket.readyState)
    },
  },
  {
    name: 'what a promise of a listener does, and the next event',
    undici: 'dispatches all messages of a chunk before',
    server: (socket) => socket.end(Buffer.concat([text('1'), text('2'), text('3'), closeFrame(1000)])),
    program: (socket, log) => {
      socket.onmessage = async ({ data }) => {
        for (let i = 0; i < 10; i++) await undefined
        log('ten awaits after', data, socket.readyState)
      }
    },
  },
  {
    name: 'bufferedAmount behind microtasks, and at the end',
    undici: 'counts what is in its queue of Blobs',
    server: answer(closeFrame(1000)),
    program: (socket, log) => {
      socket.onopen = async () => {
        socket.send('12345')
        await undefined
        log('in the same task', socket.bufferedAmount)
        socket.send('678')
        log('more', socket.bufferedAmount)
      }
      socket.onclose = () => {
        const sent = socket.bufferedAmount
        socket.send('too late')
        log('at the end', sent, socket.bufferedAmount)
      }
    },
  },
  {
    name: 'close in a message',
    server: (socket) => {
      socket.write(Buffer.concat([text('1'), text('2'), text('3')]))
      answer(closeFrame(1000))(socket)
    },
    program: (socket) => {
      socket.onmessage = () => socket.close(1000)
    },
  },
  {
    name: 'handlers that are taken off and set anew',
    undici: 'calls one that took the place of another last',
    server: (socket) => socket.end(Buffer.concat([text('1'), text('2'), closeFrame(1000)])),
    program: (socket, log) => {
      socket.onmessage = () => log('handler')
      socket.addEventListener('message', () => log('listener'))
      socket.onmessage = () => {
        log('another handler')
        queueMicrotask(() => {
          socket.onmessage = null
          socket.onmessage = () => log('behind the listener')
        })
      }
    },
  },
]

/** A server for a play. */
export async function stage({ server, lines }: Pick<Play, 'server' | 'lines'>): Promise<string> {
  const { url } = await handshakeServer((socket) => {
    socket.on('end', () => socket.end())
    server?.(socket)
  }, lines)
  return url
}

/** Everything that a program sees, as lines. This is run in a browser as well, so nothing but its arguments is there. */
export function seen(
  WebSocket: WebSocketConstructor,
  url: string,
  protocols: string | string[] | undefined,
  program: Play['program'],
): Promise<unknown[]> {
  const thrown = (run: () => unknown): string => {
    try {
      run()
    } catch (error) {
      return error instanceof DOMException ? `DOMException ${error.name}` : Object(error).constructor.name
    }
    return 'nothing'
  }
  return new Promise((resolve) => {
    const socket = new WebSocket(url, protocols)
    const log: unknown[] = []
    const note = (...line: unknown[]) => void log.push(line.map((each) => (each === undefined ? 'undefined' : each)))
    for (const type of ['open', 'message', 'error', 'close']) {
      socket.addEventListener(type, (event) => {
        const { data, code, reason, wasClean, origin } = Object(event)
        const what = data instanceof ArrayBuffer ? ['bytes', ...new Uint8Array(data)] : data
        note(type, socket.readyState, socket.protocol, what, code, reason, wasClean, origin?.replace(url, 'the origin'))
      })
    }
    note('made', socket.readyState, socket.url.replace(url, ''), socket.bufferedAmount, socket.extensions)
    socket.addEventListener('close', () => {
      // Behind all that is done for this event.
      setTimeout(() => {
        note('then', socket.readyState)
        resolve(log)
      })
    })
    program?.(socket, note, thrown)
  })
}
