import type { AddressInfo } from 'node:net'
import { connect, createServer, type Handlers, type Socket } from 'heartwire'
import { WebSocket, WebSocketServer } from 'ws'

/** What one end of a connection does, in either library's words. */
export type Action =
  | { do: 'send'; data: string | Uint8Array }
  | { do: 'fragments'; parts: string[] | Uint8Array[] }
  | { do: 'ping' | 'pong'; payload: Uint8Array }

/** How it ends: `code` undefined sends a Close frame without one. */
export type End = { how: 'close'; code: number | undefined; reason: string } | { how: 'terminate' }

/** What one end has seen of the other. */
export interface Seen {
  /** `text:` or `binary:` and the payload in base64. */
  messages: string[]
  /** In base64, as are `pongs`. */
  pings: string[]
  pongs: string[]
  closed: { code: number; reason: string } | undefined
}

/** One end of an open connection. */
export abstract class Endpoint {
  readonly seen: Seen = { messages: [], pings: [], pongs: [], closed: undefined }
  private wake: (() => void)[] = []

  abstract act(action: Action): Promise<unknown> | undefined
  abstract end(end: End): void

  async until(done: (seen: Seen) => boolean): Promise<void> {
    while (!done(this.seen)) await new Promise<void>((resolve) => this.wake.push(resolve))
  }

  protected got(list: 'messages' | 'pings' | 'pongs', what: string | Uint8Array): void {
    this.seen[list].push(typeof what === 'string' ? what : Buffer.from(what).toString('base64'))
    this.changed()
  }

  protected gotMessage(type: 'text' | 'binary', data: string | Uint8Array): void {
    this.got('messages', `${type}:${Buffer.from(data).toString('base64')}`)
  }

  protected gotClose(code: number, reason: string): void {
    if (this.seen.closed !== undefined) throw new Error('closed twice')
    this.seen.closed = { code, reason }
    this.changed()
  }

  private changed(): void {
    for (const wake of this.wake.splice(0)) wake()
  }
}

class WsEndpoint extends Endpoint {
  private readonly socket: WebSocket

  constructor(socket: WebSocket) {
    super()
    this.socket = socket
    socket.on('message', (data: Buffer, isBinary) => this.gotMessage(isBinary ? 'binary' : 'text', data))
    socket.on('ping', (payload) => this.got('pings', payload))
    socket.on('pong', (payload) => this.got('pongs', payload))
    socket.on('close', (code, reason) => this.gotClose(code, reason.toString()))
    socket.on('error', () => {})
  }

  act(action: Action): undefined {
    if (action.do === 'send') {
      this.socket.send(action.data)
    } else if (action.do === 'fragments') {
      const binary = typeof action.parts[0] !== 'string'
      for (const part of action.parts) this.socket.send(part, { fin: false, binary })
      this.socket.send('', { fin: true, binary })
    } else {
      this.socket[action.do](action.payload)
    }
  }

  end(end: End): void {
    if (end.how === 'terminate') this.socket.terminate()
    else if (end.code === undefined) this.socket.close()
    else this.socket.close(end.code, end.reason)
  }
}

class HeartwireEndpoint extends Endpoint {
  socket: Socket<undefined> | undefined
  readonly handlers: Handlers<Socket<undefined>> = {
    open: (socket) => {
      this.socket = socket
    },
    message: (_socket, message, type) => this.gotMessage(type, message),
    ping: (_socket, payload) => this.got('pings', payload),
    pong: (_socket, payload) => this.got('pongs', payload),
    close: (_socket, info) => this.gotClose(info.code, info.reason),
  }

  act(action: Action): Promise<unknown> | undefined {
    if (action.do === 'send') this.socket?.send(action.data)
    else if (action.do === 'fragments') return this.socket?.sendFragments(action.parts)
    else if (action.do === 'ping') void this.socket?.ping(action.payload)
    else this.socket?.pong(action.payload)
    return undefined
  }

  end(end: End): void {
    if (end.how === 'terminate') this.socket?.terminate()
    else this.socket?.close(end.code ?? 1005, end.reason)
  }
}

export type Library = 'ws' | 'heartwire'

/** A server of one of the libraries: how to take the server's end of the next connection, and how to stop. */
export interface Accepting {
  url: string
  next(): Promise<Endpoint>
  stop(): Promise<void>
}

export async function accept(library: Library): Promise<Accepting> {
  const waiting: Endpoint[] = []
  let wake = () => {}
  const put = (endpoint: Endpoint) => {
    waiting.push(endpoint)
    wake()
  }
  const next = async () => {
    for (;;) {
      const endpoint = waiting.shift()
      if (endpoint !== undefined) return endpoint
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  if (library === 'ws') {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
    await new Promise<void>((resolve) => server.on('listening', resolve))
    server.on('connection', (socket) => put(new WsEndpoint(socket)))
    const { port } = server.address() as AddressInfo
    const stop = () => {
      for (const client of server.clients) client.terminate()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    }
    return { url: `ws://127.0.0.1:${port}`, next, stop }
  }
  const endpoints = new WeakMap<object, HeartwireEndpoint>()
  const of = (socket: object) => endpoints.get(socket)?.handlers
  const server = createServer({
    heartbeat: false,
    open(socket) {
      const endpoint = new HeartwireEndpoint()
      endpoints.set(socket, endpoint)
      endpoint.socket = socket
      put(endpoint)
    },
    message: (socket, ...rest) => of(socket)?.message?.(socket, ...rest),
    ping: (socket, payload) => of(socket)?.ping?.(socket, payload),
    pong: (socket, payload) => of(socket)?.pong?.(socket, payload),
    close: (socket, info) => of(socket)?.close?.(socket, info),
  })
  const { url } = await server.listen({ host: '127.0.0.1' })
  return { url, next, stop: async () => void (await server.close({ deadline: 1 })) }
}

export async function dial(library: Library, url: string): Promise<Endpoint> {
  if (library === 'ws') {
    const socket = new WebSocket(url, { perMessageDeflate: false })
    const endpoint = new WsEndpoint(socket)
    await new Promise<void>((resolve) => socket.on('open', () => resolve()))
    return endpoint
  }
  const endpoint = new HeartwireEndpoint()
  await connect(url, { heartbeat: false, ...endpoint.handlers })
  return endpoint
}
