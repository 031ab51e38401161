/** One client of the push run: a handshake, and then as little as possible for every message. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import { encodeMaskedFrame } from '../../bench/load/messages.ts'
import { HEAD } from './protocol.ts'

/** What all clients of a process report to. */
export interface Inbox {
  /** A message came; `due` is when it was due. */
  message(due: number): void
  /** A message came that was not the next of its topic, or was for another. */
  wrong(): void
  /** The connection has ended, and nobody had asked for it. */
  dead(): void
}

export interface Where {
  port: number
  tls: boolean
  topic: number
  /** Never reads anything. */
  stuck: boolean
  /** The client's address: all of 127.0.0.0/8 is this machine, and each has ports of its own. */
  localAddress: string | undefined
}

const HEADERS = [
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

// One for all: each would take as much memory as hundreds of clients.
let trusting: SecureContext | undefined

/** @throws {Error} when it cannot connect, or is refused */
export function subscribe(where: Where, inbox: Inbox): Promise<void> {
  const { port, tls, localAddress, topic, stuck } = where
  const to = { port, host: '127.0.0.1', ...(localAddress !== undefined && { localAddress }) }
  trusting ??= createSecureContext()
  const stream: Socket = tls
    ? connectTls({ ...to, secureContext: trusting, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    : connectTcp(to)
  stream.setNoDelay(true)
  stream.write(`GET /${topic}${stuck ? '/stuck' : ''} HTTP/1.1\r\n${HEADERS.join('\r\n')}\r\n\r\n`)
  const reader = new Reader(topic, inbox, (pong) => stream.write(pong))
  return new Promise((resolve, reject) => {
    let head: string | undefined = ''
    stream.on('data', (chunk) => {
      if (head === undefined) return reader.read(chunk)
      const before = head.length
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      if (!head.startsWith('HTTP/1.1 101 ')) {
        stream.destroy(new Error(`the server answered ${head.slice(0, head.indexOf('\r\n'))}`))
        return
      }
      head = undefined
      if (stuck) stream.pause()
      else reader.read(chunk.subarray(end + 4 - before))
      resolve()
    })
    stream.on('error', reject)
    stream.on('close', () => {
      reject(new Error('the server ended a connection during its handshake'))
      // One that does not read may be cut off.
      if (!stuck) inbox.dead()
    })
  })
}

/** Reads the frames of a server that publishes one topic, and checks that none of its messages is missing. */
export class Reader {
  private readonly topic: number
  private readonly inbox: Inbox
  private readonly answer: (pong: Buffer) => void
  /** A frame that has not come whole. */
  private rest: Buffer | undefined
  /** The number of the message that came last. */
  private last = 0

  constructor(topic: number, inbox: Inbox, answer: (pong: Buffer) => void) {
    this.topic = topic
    this.inbox = inbox
    this.answer = answer
  }

  read(chunk: Buffer): void {
    const bytes = this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk])
    this.rest = undefined
    let at = 0
    while (at < bytes.length) {
      const length7 = bytes[at + 1] ?? 0
      const start = at + (length7 < 126 ? 2 : length7 === 126 ? 4 : 10)
      if (start > bytes.length) break
      const length =
        length7 < 126 ? length7 : length7 === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
      if (start + length > bytes.length) break
      this.frame(bytes, at, start, length)
      at = start + length
    }
    if (at < bytes.length) this.rest = bytes.subarray(at)
  }

  private frame(bytes: Buffer, at: number, start: number, length: number): void {
    const first = bytes[at]
    if (first === 0x82 && length >= HEAD) {
      const number = bytes.readUInt32LE(start + 4)
      if (bytes.readUInt32LE(start) !== this.topic || number !== this.last + 1) this.inbox.wrong()
      this.last = number
      this.inbox.message(bytes.readDoubleLE(start + 8))
    } else if (first === 0x89) {
      this.answer(encodeMaskedFrame(10, bytes.subarray(start, start + length)))
    } else {
      this.inbox.wrong()
    }
  }
}
