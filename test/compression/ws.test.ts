/** Messages both ways between heartwire and `ws`, for every combination of the parameters, and both roles. */
import { type CompressionOptions, connect, createServer, type ServerSocket, type Socket } from 'heartwire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type PerMessageDeflateOptions, WebSocket, WebSocketServer } from 'ws'
import { Mailbox } from '../support/mailbox.ts'
import { mixed } from './messages.ts'

type Message = string | Uint8Array

/** One end: how it sends, and what it gets. */
interface End {
  send(message: Message): void
  messages: Mailbox<Message>
  extensions: string
  /** Bytes that went each way. */
  bytes?(): { bytesIn: number; bytesOut: number }
}

/** What one end is told, by its own options, of the four parameters. */
interface Parameters {
  serverAlone: boolean
  clientAlone: boolean
  serverBits: number | undefined
  clientBits: number | undefined
}

const sent = mixed(28, 1)
const answered = mixed(28, 2)

const BOOLEANS = [false, true]
const COMBINATIONS: Parameters[] = BOOLEANS.flatMap((serverAlone) =>
  BOOLEANS.flatMap((clientAlone) =>
    [undefined, 9].flatMap((serverBits) =>
      [undefined, 10].map((clientBits) => ({ serverAlone, clientAlone, serverBits, clientBits })),
    ),
  ),
)

function optionsOfWs({ serverAlone, clientAlone, serverBits, clientBits }: Parameters): PerMessageDeflateOptions {
  return {
    threshold: 0,
    // With false `ws` would refuse what it has not asked for.
    ...(serverAlone && { serverNoContextTakeover: true }),
    ...(clientAlone && { clientNoContextTakeover: true }),
    ...(serverBits && { serverMaxWindowBits: serverBits }),
    ...(clientBits && { clientMaxWindowBits: clientBits }),
  }
}

const OURS: CompressionOptions[] = [
  { mode: 'takeover', threshold: 0, windowBits: 15 },
  { mode: 'shared', threshold: 0 },
]

/** A server of heartwire and a client of `ws`. */
async function wsConnects(ours: CompressionOptions, theirs: Parameters): Promise<[End, End]> {
  const opened = new Mailbox<ServerSocket>()
  const messages = new Mailbox<Message>()
  const server = createServer({
    compression: ours,
    maxPayload: 16 * 1024 * 1024,
    open: opened.put,
    message: (_, message) => messages.put(message),
  })
  onTestFinished(async () => void (await server.close({ deadline: 1 })))
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
  const client = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: optionsOfWs(theirs) })
  return [ourEnd(await opened.next(), messages), await wsEnd(client)]
}

/** A client of heartwire and a server of `ws`. */
async function wsAccepts(ours: CompressionOptions, theirs: Parameters): Promise<[End, End]> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: optionsOfWs(theirs) })
  const opened = new Mailbox<WebSocket>()
  server.on('connection', opened.put)
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  const { port } = server.address() as { port: number }
  const messages = new Mailbox<Message>()
  const socket = await connect(`ws://127.0.0.1:${port}`, {
    compression: ours,
    message: (_, message) => messages.put(message),
  })
  onTestFinished(() => socket.terminate())
  return [ourEnd(socket, messages), await wsEnd(await opened.next())]
}

function ourEnd(socket: Socket<unknown>, messages: Mailbox<Message>): End {
  return {
    send: (message) => void socket.send(message),
    messages,
    extensions: socket.extensions,
    bytes: () => socket.counts,
  }
}

async function wsEnd(socket: WebSocket): Promise<End> {
  const messages = new Mailbox<Message>()
  socket.on('message', (data: Buffer, isBinary) => messages.put(isBinary ? data : data.toString()))
  onTestFinished(() => socket.terminate())
  if (socket.readyState !== WebSocket.OPEN) await new Promise((resolve) => socket.once('open', resolve))
  return { send: (message) => socket.send(message), messages, extensions: socket.extensions }
}

function sizeOf(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + Buffer.byteLength(message), 0)
}

function expectSame(got: Message, sent: Message): void {
  expect(typeof got).toBe(typeof sent)
  expect(Buffer.from(got).equals(Buffer.from(sent))).toBe(true)
}

const ROLES: [string, typeof wsConnects][] = [
  ['as a server', wsConnects],
  ['as a client', wsAccepts],
]

describe.each(ROLES)('%s', (_, open) => {
  describe.each(OURS)('$mode', (ours) => {
    test.each(COMBINATIONS)('next to ws with %j: all messages, both ways at once', async (theirs) => {
      const [one, other] = await open(ours, theirs)
      expect(one.extensions).toMatch(/^permessage-deflate/)
      expect(other.extensions).toBe('permessage-deflate')
      for (const [i, message] of sent.entries()) {
        one.send(message)
        other.send(answered[i]!)
      }
      for (const [i, message] of (await other.messages.take(sent.length)).entries()) expectSame(message, sent[i]!)
      for (const [i, message] of (await one.messages.take(sent.length)).entries()) expectSame(message, answered[i]!)
      // A third of it cannot be made smaller.
      const { bytesIn = 0, bytesOut = 0 } = one.bytes?.() ?? {}
      expect(bytesOut).toBeLessThan(sizeOf(sent) * 0.7)
      expect(bytesIn).toBeLessThan(sizeOf(answered) * 0.7)
    })
  })

  test('a hundred messages and more with takeover, some of them long', async () => {
    const theirs = { serverAlone: false, clientAlone: false, serverBits: undefined, clientBits: undefined }
    const [one, other] = await open({ mode: 'takeover', threshold: 0 }, theirs)
    const many = mixed(140, 7)
    for (const message of many) one.send(message)
    for (const message of many) {
      const got = await other.messages.next()
      expectSame(got, message)
      other.send(got)
    }
    for (const message of many) expectSame(await one.messages.next(), message)
  })
})
