import { createServer, type Server, type ServerOptions, type ServerSocket } from 'heartwire'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { Mailbox } from './mailbox.ts'
import { RawPeer } from './raw-peer.ts'

export interface Running<Data> {
  server: Server<Data>
  port: number
  url: string
}

/** A server on a free port, which ends with the test. */
export async function serve<Data = undefined>(options: ServerOptions<Data> = {}): Promise<Running<Data>> {
  const server = createServer({ log: () => {}, ...options })
  onTestFinished(async () => void (await server.close({ deadline: 1 })))
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
  return { server, port, url: `ws://127.0.0.1:${port}` }
}

/** A server's end of a connection whose other end is a raw TCP socket. */
export async function rawPair<Data = undefined>(
  options: ServerOptions<Data> = {},
): Promise<{ server: Server<Data>; socket: ServerSocket<Data>; peer: RawPeer }> {
  const opened = new Mailbox<ServerSocket<Data>>()
  const { server, port } = await serve<Data>({
    ...options,
    open(socket) {
      opened.put(socket)
      return options.open?.(socket)
    },
  })
  const peer = await RawPeer.open(port)
  return { server, socket: await opened.next(), peer }
}

/** A server's end of a connection whose other end is a client of the `ws` package. */
export async function wsPair<Data = undefined>(
  options: ServerOptions<Data> = {},
): Promise<{
  server: Server<Data>
  socket: ServerSocket<Data>
  client: WebSocket
  messages: Mailbox<string | Buffer>
}> {
  const opened = new Mailbox<ServerSocket<Data>>()
  const { server, url } = await serve<Data>({
    ...options,
    open(socket) {
      opened.put(socket)
      return options.open?.(socket)
    },
  })
  const { client, messages } = await wsClient(url)
  return { server, socket: await opened.next(), client, messages }
}

/** A client of the `ws` package, with the messages that it gets: text as string, binary as Buffer. */
export async function wsClient(
  url: string,
  options: { protocols?: string[]; headers?: Record<string, string> } = {},
): Promise<{ client: WebSocket; messages: Mailbox<string | Buffer> }> {
  const client = new WebSocket(url, options.protocols ?? [], {
    perMessageDeflate: false,
    headers: options.headers ?? {},
  })
  const messages = new Mailbox<string | Buffer>()
  client.on('message', (data: Buffer, isBinary) => messages.put(isBinary ? data : data.toString()))
  onTestFinished(() => client.terminate())
  await new Promise<void>((resolve, reject) => client.once('open', () => resolve()).once('error', reject))
  return { client, messages }
}

/** How a `ws` client's connection ends. */
export function wsClosed(client: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => client.once('close', (code, reason) => resolve({ code, reason: reason.toString() })))
}
