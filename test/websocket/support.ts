import type { Socket } from 'node:net'
import { encodeFrame, Opcode } from 'heartwire/protocol'
import { WebSocket } from 'heartwire/websocket'
import { onTestFinished } from 'vitest'
import { header, type RawServer, rawServer, readHead, switching } from '../client/servers.ts'
import { Mailbox } from '../support/mailbox.ts'
import { closePayload } from '../support/raw-peer.ts'

/** An event as a line: its type, the state at that time, and what it says. */
export type Line = [type: string, readyState: number, ...more: unknown[]]

/** All events of a WebSocket, in order. */
export function logOf(socket: WebSocket): Mailbox<Line> {
  const log = new Mailbox<Line>()
  socket.addEventListener('open', () => log.put(['open', socket.readyState]))
  socket.addEventListener('message', ({ data }) => log.put(['message', socket.readyState, data]))
  socket.addEventListener('error', () => log.put(['error', socket.readyState]))
  socket.addEventListener('close', ({ code, reason, wasClean }) =>
    log.put(['close', socket.readyState, code, reason, wasClean]),
  )
  onTestFinished(() => socket.close())
  return log
}

/** Resolves with the next event of this type. */
export function next<E extends Event>(socket: EventTarget, type: string): Promise<E> {
  return new Promise((resolve) => socket.addEventListener(type, (event) => resolve(event as E), { once: true }))
}

/** A WebSocket that is open. */
export async function open(...given: ConstructorParameters<typeof WebSocket>): Promise<WebSocket> {
  const socket = new WebSocket(...given)
  onTestFinished(() => socket.close())
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve()
    socket.onerror = (event) => reject(Object(event).error)
  })
  socket.onopen = socket.onerror = null
  return socket
}

/** A server that shakes hands, and does then what the test wants. */
export async function handshakeServer(
  then: (socket: Socket, head: string) => void,
  lines: (head: string) => string[] = () => [],
): Promise<RawServer & { url: string }> {
  const server = await rawServer(async (socket) => {
    const head = await readHead(socket)
    socket.write(switching(head, ...lines(head)))
    then(socket, head)
    socket.resume()
  })
  return { ...server, url: `ws://${server.name}` }
}

export { header }

/** A frame as a server sends it. */
export function frame(opcode: number, payload: string | Uint8Array = ''): Uint8Array {
  return encodeFrame({ opcode, payload: Buffer.from(payload) })
}

export function text(payload: string): Uint8Array {
  return frame(Opcode.Text, payload)
}

export function closeFrame(code: number, reason = ''): Uint8Array {
  return frame(Opcode.Close, closePayload(code, reason))
}

/** What `run` throws: the name of its class, and its own name where that differs. */
export function thrown(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof DOMException) return `DOMException ${error.name}`
    return Object(error).constructor.name
  }
  return 'nothing'
}
