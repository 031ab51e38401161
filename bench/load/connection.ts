/** A raw TCP connection that has an opening handshake behind it: no WebSocket library takes part in the load. */
import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { platform } from 'node:process'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const ACCEPT = createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

export interface Target {
  host: string
  port: number
}

export interface OpenOptions {
  /** Take local addresses in turn, so that thousands of connections a second do not run out of ports. */
  rotate?: boolean
  /** The extensions to offer, as the header has them. Without it an answer with extensions is none. */
  offer?: string
  /** Called with the extensions of the answer, before the promise fulfils; `undefined` when there are none. */
  onExtensions?(agreed: string | undefined): void
  /** Everything that comes after the handshake; the bytes are only good during the call. */
  onData(bytes: Buffer): void
  onClose(): void
}

// Every socket reads into the same memory: a chunk is dealt with before the next read begins.
const readBuffer = Buffer.allocUnsafe(256 * 1024)
let turn = 0

/** @throws {Error} (the promise rejects) when the connection fails or the answer is no handshake. */
export function open(target: Target, options: OpenOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let answer: string | undefined = ''
    const receive = (bytes: Buffer): void => {
      if (answer === undefined) {
        options.onData(bytes)
        return
      }
      const before = answer.length
      answer += bytes.toString('latin1')
      const end = answer.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = answer
      answer = undefined
      const agreed = extensions(head.slice(0, end + 2))
      if (!isHandshake(head.slice(0, end + 2)) || (agreed !== undefined && options.offer === undefined)) {
        socket.destroy(new Error(`the server did not answer the handshake with 101: ${head.split('\r\n')[0]}`))
        return
      }
      options.onExtensions?.(agreed)
      resolve(socket)
      const rest = bytes.subarray(end + 4 - before)
      if (rest.length > 0) options.onData(rest)
    }
    const socket = connect({
      ...target,
      noDelay: true,
      // Linux answers on all of 127.0.0.0/8; elsewhere there is one loopback address.
      ...(options.rotate && platform === 'linux' && { localAddress: `127.0.0.${2 + (turn++ % 200)}` }),
      onread: {
        buffer: readBuffer,
        callback: (length: number) => {
          receive(readBuffer.subarray(0, length))
          return true
        },
      },
    })
    socket.on('connect', () => socket.write(request(target, options.offer)))
    socket.on('error', reject)
    socket.on('close', () => {
      reject(new Error('the server ended the connection during the handshake'))
      options.onClose()
    })
  })
}

function request({ host, port }: Target, offer: string | undefined): string {
  return [
    'GET / HTTP/1.1',
    `Host: ${host}:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${KEY}`,
    ...(offer === undefined ? [] : [`Sec-WebSocket-Extensions: ${offer}`]),
    '\r\n',
  ].join('\r\n')
}

function isHandshake(head: string): boolean {
  return head.startsWith('HTTP/1.1 101') && head.includes(ACCEPT)
}

function extensions(head: string): string | undefined {
  return /^sec-websocket-extensions:[ \t]*(.*?)[ \t]*\r$/im.exec(head)?.[1]
}
