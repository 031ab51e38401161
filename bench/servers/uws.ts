/** uWebSockets.js, from the directory that the first argument names: it is not on npm. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { decline, serveControl, serverArguments } from './control.ts'

/** As much of it as is used here. */
interface UwsSocket {
  send(message: ArrayBuffer, binary: boolean): number
  subscribe(topic: string): void
}

interface UwsApp {
  ws(
    pattern: string,
    behavior: {
      compression: number
      maxPayloadLength: number
      maxBackpressure: number
      open(socket: UwsSocket): void
      message(socket: UwsSocket, message: ArrayBuffer, binary: boolean): unknown
    },
  ): UwsApp
  publish(topic: string, message: ArrayBuffer, binary: boolean): boolean
  listen(host: string, port: number, listening: (listener: unknown) => void): UwsApp
}

interface Uws {
  App(): UwsApp
  us_socket_local_port(listener: unknown): number
}

const { handler, work } = serverArguments()
const directory = resolve(process.argv[2] ?? '')
const TOPIC = 'everyone'
const LIMIT = 256 * 1024 * 1024

// The memory of a message is only good during the call.
const echo: Record<typeof handler, (socket: UwsSocket, message: ArrayBuffer, binary: boolean) => unknown> = {
  sync: (socket, message, binary) => socket.send(message, binary),
  async: async (socket, message, binary) => {
    const copy = message.slice(0)
    await Promise.resolve()
    socket.send(copy, binary)
  },
  timer: (socket, message, binary) => {
    const copy = message.slice(0)
    setTimeout(() => socket.send(copy, binary), 0)
  },
}

try {
  const require = createRequire(import.meta.url)
  const uws = require(directory) as Uws
  const app = uws.App()
  app.ws('/*', {
    compression: 0,
    maxPayloadLength: 16 * 1024 * 1024,
    // All the load keeps under way may wait in one queue.
    maxBackpressure: LIMIT,
    open(socket) {
      if (work === 'publish') socket.subscribe(TOPIC)
    },
    message: work === 'publish' ? (_, message, binary) => app.publish(TOPIC, message, binary) : echo[handler],
  })
  app.listen('127.0.0.1', 0, (listener) =>
    serveControl(uws.us_socket_local_port(listener), { 'uWebSockets.js': version() }),
  )
} catch (error) {
  decline(error)
}

function version(): string {
  try {
    return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')).version
  } catch {
    return 'unknown'
  }
}
