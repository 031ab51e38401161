import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import { HandshakeError } from 'heartwire'
import { acceptKey, portablePlatform } from 'heartwire/protocol'
import { onTestFinished } from 'vitest'

export function fixture(name: string): Buffer {
  return readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url))
}

/** A server's certificate by the authority in `ca.crt`. */
export const serverTls = { cert: fixture('server.crt'), key: fixture('server.key') }
export const ca = fixture('ca.crt')

export interface RawServer {
  port: number
  /** As `127.0.0.1:8080`, which is how it is named in errors. */
  name: string
  /** Every connection that was made to it. */
  sockets: Socket[]
  /** Resolves when the nth connection, from 0, is gone. */
  gone(index: number): Promise<void>
}

/** A server that does with a connection what the test wants; it ends with the test. */
export async function rawServer(
  onConnection: (socket: Socket, index: number) => void,
  options: { tls?: object; path?: string; host?: string } = {},
): Promise<RawServer> {
  const sockets: Socket[] = []
  const closings: Promise<void>[] = []
  const server: Server = options.tls === undefined ? createServer() : createTlsServer(options.tls)
  server.on('connection', (socket: Socket) => {
    sockets.push(socket)
    closings.push(new Promise((resolve) => socket.on('error', () => {}).on('close', () => resolve())))
  })
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    socket.on('error', () => {})
    onConnection(socket, sockets.length - 1)
  })
  const where = options.path === undefined ? { port: 0, host: options.host ?? '127.0.0.1' } : { path: options.path }
  await new Promise<void>((resolve) => server.listen(where, resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  return { port, name: `127.0.0.1:${port}`, sockets, gone: async (index) => closings[index] }
}

/** Reads the head of a request; what comes after it is put back. */
export function readHead(socket: Duplex): Promise<string> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0)
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const end = bytes.indexOf('\r\n\r\n')
      if (end === -1) return
      socket.off('data', onData).pause()
      if (bytes.length > end + 4) socket.unshift(bytes.subarray(end + 4))
      resolve(bytes.toString('latin1', 0, end))
    }
    socket.on('data', onData)
  })
}

/** The lines of a head that have this name. */
export function header(head: string, name: string): string[] {
  return head
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((line) => line.slice(name.length + 1).trim())
}

/** A server that answers every handshake with this text, and keeps the requests that it got. */
export async function answeringServer(
  answer: string | ((head: string, index: number) => string | Uint8Array),
  options: Parameters<typeof rawServer>[1] & { end?: boolean } = {},
): Promise<RawServer & { heads: string[] }> {
  const heads: string[] = []
  const server = await rawServer(async (socket) => {
    const head = await readHead(socket)
    heads.push(head)
    socket.write(typeof answer === 'string' ? answer : answer(head, heads.length - 1))
    socket.resume()
    if (options.end) socket.end()
  }, options)
  return { ...server, heads }
}

/** A good answer to a handshake, with further lines. */
export function switching(head: string, ...lines: string[]): string {
  const accept = acceptKey(header(head, 'Sec-WebSocket-Key')[0] ?? '', portablePlatform)
  const all = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`, ...lines]
  return `HTTP/1.1 101 Switching Protocols\r\n${all.join('\r\n')}\r\n\r\n`
}

/** An answer with a body. */
export function plainAnswer(status: string, body: string, ...lines: string[]): string {
  const all = [`Content-Length: ${Buffer.byteLength(body)}`, ...lines]
  return `HTTP/1.1 ${status}\r\n${all.join('\r\n')}\r\n\r\n${body}`
}

/** What a promise rejects with, as far as it can be compared. */
export async function refusalOf(promise: Promise<unknown>): Promise<{
  code: string
  message: string
  status?: number
  headers?: Record<string, unknown>
  body?: string
  cause?: unknown
}> {
  const error = await failureOf(promise)
  if (!(error instanceof HandshakeError)) throw error
  const { code, message, status, headers, body, cause } = error
  return {
    code,
    message,
    ...(status !== undefined && { status, headers: { ...headers }, body: Buffer.from(body).toString() }),
    ...(cause !== undefined && { cause: cause instanceof Error ? (cause as NodeJS.ErrnoException).code : cause }),
  }
}

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => Promise.reject(new Error(`It did not reject: ${String(value)}`)),
    (error: unknown) => error,
  )
}
