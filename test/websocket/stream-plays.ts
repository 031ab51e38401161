/** What a server and a program do with a WebSocketStream, to compare what comes of it with what a browser makes of it. */
import type { Socket } from 'node:net'
import { Opcode } from 'heartwire/protocol'
import type { WebSocketErrorConstructor, WebSocketStream, WebSocketStreamConstructor } from 'heartwire/websocket'
import { closeFrame, frame, text } from './support.ts'

type Log = (what: string, promise: unknown) => Promise<void>

export interface StreamPlay {
  name: string
  server(socket: Socket): void
  /** Nothing but this and its arguments is there in a browser. */
  program(stream: WebSocketStream, log: Log, WebSocketError: WebSocketErrorConstructor): Promise<void>
}

/** Answers the client's Close frame, or whatever it sends first, with this. */
const answer = (bytes: Uint8Array) => (socket: Socket) => void socket.once('data', () => socket.end(bytes))

export const streamPlays: StreamPlay[] = [
  {
    name: 'messages, and the end',
    server: (socket) =>
      socket.end(Buffer.concat([text('1'), frame(Opcode.Binary, 'ab'), text(''), closeFrame(3000, 'why')])),
    async program(stream, log) {
      const { readable, writable } = await stream.opened
      const reader = readable.getReader()
      for (let i = 0; i < 4; i++) await log('read', reader.read())
      await log('closed', stream.closed)
      const writer = writable.getWriter()
      await log('writer', writer.closed)
      await log('write', writer.write('x'))
    },
  },
  {
    name: 'close',
    server: answer(closeFrame(4000, 'theirs')),
    async program(stream, log) {
      const { readable, writable } = await stream.opened
      stream.close({ closeCode: 4000, reason: 'mine' })
      await log('closed', stream.closed)
      await log('read', readable.getReader().read())
      await log('writer', writable.getWriter().closed)
    },
  },
  {
    name: 'close of the writer',
    server: answer(frame(Opcode.Close)),
    async program(stream, log) {
      const { readable, writable } = await stream.opened
      await log('close', writable.getWriter().close())
      await log('closed', stream.closed)
      await log('read', readable.getReader().read())
    },
  },
  {
    name: 'abort of the writer with a WebSocketError',
    server: (socket) =>
      void socket.once('data', (bytes) => {
        const code = bytes.subarray(6, 8).map((byte, index) => byte ^ (bytes[2 + index] ?? 0))
        socket.end(frame(Opcode.Close, code))
      }),
    async program(stream, log, WebSocketError) {
      const { writable } = await stream.opened
      await log('abort', writable.abort(new WebSocketError('x', { closeCode: 3456, reason: 'r' })))
      await log('closed', stream.closed)
    },
  },
  {
    name: 'cancel of the reader',
    server: answer(frame(Opcode.Close)),
    async program(stream, log) {
      const { readable } = await stream.opened
      await log('cancel', readable.cancel())
      await log('closed', stream.closed)
    },
  },
  {
    name: 'a connection that is lost',
    server: (socket) => void socket.once('data', () => socket.destroy()),
    async program(stream, log) {
      const { readable, writable } = await stream.opened
      const writer = writable.getWriter()
      await log('write', writer.write('x'))
      await log('closed', stream.closed)
      await log('read', readable.getReader().read())
      await log('writer', writer.closed)
    },
  },
  {
    name: 'close before it is open',
    server: () => {},
    async program(stream, log) {
      stream.close()
      await log('opened', stream.opened)
      await log('closed', stream.closed)
    },
  },
  {
    name: 'what close refuses',
    server: answer(frame(Opcode.Close)),
    async program(stream, log) {
      await stream.opened
      for (const info of [{ closeCode: 1001 }, { closeCode: 1000, reason: 'x'.repeat(124) }, 7]) {
        await log('close', (async () => stream.close(info as object))())
      }
      stream.close()
      await log('closed', stream.closed)
    },
  },
]

/** Everything that a program sees, as lines. This is run in a browser as well, so nothing but its arguments is there. */
export async function streamSeen(
  WebSocketStream: WebSocketStreamConstructor,
  WebSocketError: WebSocketErrorConstructor,
  url: string,
  program: StreamPlay['program'],
): Promise<unknown[]> {
  const lines: unknown[] = []
  const shown = (value: unknown): unknown => {
    // In Chromium it is an ArrayBuffer, which the draft had at first.
    if (value instanceof Uint8Array || value instanceof ArrayBuffer) return ['bytes', ...new Uint8Array(value)]
    if (typeof value !== 'object' || value === null) return value === undefined ? 'undefined' : value
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shown(each)]))
  }
  const log: Log = async (what, promise) => {
    try {
      lines.push([what, shown(await promise)])
    } catch (error) {
      const { name, closeCode, reason } = Object(error)
      lines.push([what, 'rejected', name, closeCode ?? 'none', reason ?? 'none'])
    }
  }
  const stream = new WebSocketStream(url)
  await program(stream, log, WebSocketError)
  return lines
}
