import type { Socket } from 'node:net'
import { ACCEPT, handshake } from '../../support/raw-peer.ts'
import type { Role, Stage } from './stage.ts'

/** The answer to the handshake of any client. */
export function accept(key: string, headers: readonly string[] = []): string {
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${key}`,
    ...headers,
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** What comes behind the first head, as it comes. */
function behindHead(socket: Socket, head: (text: string) => void, rest: (bytes: Buffer) => void): void {
  let before: Buffer | undefined = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    if (before === undefined) return rest(chunk)
    before = Buffer.concat([before, chunk])
    const end = before.indexOf('\r\n\r\n')
    if (end === -1) return
    const all = before
    before = undefined
    head(all.toString('latin1', 0, end + 4))
    if (all.length > end + 4) rest(all.subarray(end + 4))
  })
}

/** Writes down every byte that came behind the handshake, when the connection has ended. */
function record(role: Role, socket: Socket, stage: Stage): (bytes: Buffer) => void {
  const all: Buffer[] = []
  socket.on('end', () => {
    stage.note(role, 'received', Buffer.concat(all).toString('hex'))
    socket.end()
  })
  return (bytes) => void all.push(bytes)
}

/** A client that sends these bytes behind its handshake, in these pieces, and ends when its peer does. */
export function sends(...pieces: Uint8Array[]): (socket: Socket, stage: Stage) => void {
  return asksWith({}, ...pieces)
}

/** As `sends`, with other headers. */
export function asksWith(
  headers: Record<string, string>,
  ...pieces: Uint8Array[]
): (socket: Socket, stage: Stage) => void {
  return (socket, stage) => {
    socket.write(handshake(headers))
    behindHead(socket, () => writeAll(socket, pieces), record('client', socket, stage))
  }
}

/** A server that answers the handshake and then sends these bytes. */
export function answers(...pieces: Uint8Array[]): (socket: Socket, stage: Stage) => void {
  return answersWith([], ...pieces)
}

export function answersWith(
  headers: readonly string[],
  ...pieces: Uint8Array[]
): (socket: Socket, stage: Stage) => void {
  return (socket, stage) => {
    const start = (text: string) => {
      const key = /Sec-WebSocket-Key: (.+)\r/.exec(text)?.[1] ?? ''
      socket.write(accept(acceptOf(key), headers))
      writeAll(socket, pieces)
    }
    // Masked with a key that nobody can foresee: only its length is compared.
    let length = 0
    socket.on('end', () => {
      stage.note('server', 'received', length)
      socket.end()
    })
    behindHead(socket, start, (bytes) => {
      length += bytes.length
    })
  }
}

/** A server that answers whatever is asked with this text. */
export function says(text: string | ((asked: string, stage: Stage) => string)): (socket: Socket, stage: Stage) => void {
  return (socket, stage) => {
    behindHead(
      socket,
      (asked) => socket.end(typeof text === 'string' ? text : text(asked, stage)),
      () => {},
    )
  }
}

/** A client that says this, and writes down all that is answered. */
export function asks(text: string): (socket: Socket, stage: Stage) => void {
  return (socket, stage) => {
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('end', () => {
      stage.note('client', 'answer', answer.replace(/Date: .*\r\n/, ''))
      socket.end()
    })
    socket.write(text)
  }
}

async function writeAll(socket: Socket, pieces: readonly Uint8Array[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

import { createHash } from 'node:crypto'

export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

export { ACCEPT, handshake }
