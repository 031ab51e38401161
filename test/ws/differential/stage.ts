import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type * as heartwire from 'heartwire/ws'

/** A package under test: heartwire/ws, or the one that it stands in for. */
export type Library = typeof heartwire
export type Role = 'server' | 'client'

/** What one run wrote down, for each end. Between the two there is no order that could be relied upon. */
export type Logs = Record<Role, string[]>

type AnySocket = heartwire.WebSocket
type AnyServer = heartwire.WebSocketServer

const SOCKET_EVENTS = ['open', 'message', 'ping', 'pong', 'upgrade', 'error', 'close'] as const

/** One run of a script: it makes the two ends, and writes down what they emit, with the state at each event. */
export class Stage {
  readonly logs: Logs = { server: [], client: [] }
  readonly libraries: Record<Role, Library>
  private readonly ended: Promise<unknown>[] = []
  private readonly cleanups: (() => unknown)[] = []
  port = 0

  constructor(server: Library, client: Library) {
    this.libraries = { server, client }
  }

  note(role: Role, ...what: unknown[]): void {
    this.logs[role].push(what.map((one) => this.show(one)).join(' '))
  }

  /** A callback for `send` and the like. */
  told(role: Role, name: string): (error?: Error | null) => void {
    return (error) => this.note(role, `${name} called back`, ...(error ? [error] : []))
  }

  /** Writes down what a call throws. */
  tries(role: Role, name: string, call: () => unknown): void {
    try {
      const result = call()
      this.note(role, `${name} gave`, result)
    } catch (error) {
      this.note(role, `${name} threw`, error)
    }
  }

  async listen(options: heartwire.ServerOptions): Promise<AnyServer> {
    const { WebSocketServer } = this.libraries.server
    const isOwn = !('noServer' in options || 'server' in options || 'port' in options)
    const server = new WebSocketServer(isOwn ? { port: 0, host: '127.0.0.1', ...options } : options)
    for (const event of ['listening', 'close', 'error'] as const) {
      server.on(event, (...args: unknown[]) => this.note('server', `server ${event}`, ...args.slice(0, 1)))
    }
    this.cleanups.push(() => new Promise((resolve) => server.close(resolve)))
    if (isOwn) {
      await once(server, 'listening')
      this.port = (server.address() as AddressInfo).port
    }
    return server
  }

  /** Watches one end; the run lasts until it has closed. */
  watch(role: Role, ws: AnySocket): AnySocket {
    for (const event of SOCKET_EVENTS) {
      ws.on(event, (...args: unknown[]) => {
        const shown = event === 'upgrade' ? [(args[0] as IncomingMessage).statusCode] : args
        this.note(role, event, ...shown, `state=${ws.readyState}`)
      })
    }
    this.ended.push(new Promise((resolve) => ws.once('close', resolve)))
    return ws
  }

  connect(url: string, protocols: string[], options: heartwire.ClientOptions): AnySocket {
    const { WebSocket } = this.libraries.client
    return this.watch('client', new WebSocket(url, protocols, options))
  }

  /** Called when the run is over. */
  after(cleanup: () => unknown): void {
    this.cleanups.push(cleanup)
  }

  waitFor(ended: Promise<unknown>): void {
    this.ended.push(ended)
  }

  async end(): Promise<void> {
    for (let seen = 0; seen < this.ended.length; ) {
      seen = this.ended.length
      await Promise.all(this.ended)
    }
    // What is told behind the end.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    for (const cleanup of this.cleanups.reverse()) await cleanup()
    await new Promise((resolve) => setImmediate(resolve))
  }

  private show(value: unknown): string {
    if (typeof value === 'string') return value.replaceAll(String(this.port), 'PORT')
    if (value instanceof Error) {
      const { code } = value as NodeJS.ErrnoException
      return this.show(`${value.name}(${code ?? ''}: ${value.message})`)
    }
    if (Buffer.isBuffer(value)) return `Buffer(${bytes(value)})`
    if (value instanceof ArrayBuffer) return `ArrayBuffer(${bytes(Buffer.from(value))})`
    if (value instanceof Blob) return `Blob(${value.size})`
    if (Array.isArray(value)) return `[${value.map((one) => this.show(one)).join(', ')}]`
    if (value instanceof Set) return `Set${this.show([...value])}`
    if (typeof value === 'function') return 'function'
    if (typeof value === 'object' && value !== null) return this.show(JSON.stringify(value))
    return String(value)
  }
}

function bytes(buffer: Buffer): string {
  const text =
    buffer.length <= 40
      ? JSON.stringify(buffer.toString('latin1'))
      : `${JSON.stringify(buffer.toString('latin1', 0, 16))}...`
  return `${buffer.length} ${text}`
}
