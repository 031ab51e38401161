/** One connection of a soak, from its handshake to an end that the server has to report for what it was. */
import { connect as connectTcp, type Socket as TcpSocket } from 'node:net'
import { connect, type Socket } from 'heartwire'
import type { Random } from '../support/random.ts'
import type { Tally } from './tally.ts'

/** What all clients share. */
export interface Crowd {
  port: number
  tally: Tally
  /** Aborted when no new connections are to be made, and those that there are have to come to their end. */
  stop: AbortSignal
}

export type End = 'close' | 'terminate' | 'reset'

/** Milliseconds that anything may take; what takes longer is lost. */
const PATIENCE = 30_000

export class Client {
  readonly id: number
  readonly socket: Socket
  private readonly crowd: Crowd
  private readonly stream: TcpSocket
  private ending = false

  /** @throws HandshakeError */
  static async open(
    crowd: Crowd,
    path: string,
    message: (socket: Socket, data: string | Uint8Array) => void,
  ): Promise<Client> {
    const { port, tally } = crowd
    const id = tally.open()
    let stream: TcpSocket | undefined
    try {
      const socket = await connect(`ws://127.0.0.1:${port}${path}${path.includes('?') ? '&' : '?'}id=${id}`, {
        message,
        createConnection() {
          stream = connectTcp(port, '127.0.0.1')
          return stream
        },
      })
      return new Client(crowd, id, socket, stream as TcpSocket)
    } catch (error) {
      tally.failed(id)
      throw error
    }
  }

  private constructor(crowd: Crowd, id: number, socket: Socket, stream: TcpSocket) {
    this.crowd = crowd
    this.id = id
    this.socket = socket
    this.stream = stream
    void socket.closed.then(({ cause, code }) => {
      if (!this.ending) crowd.tally.wrong(`connection ${id} ended of itself: ${cause}, ${code}`)
    })
  }

  /** Ends the connection in one of the ways that are the client's to choose. */
  async end(how: End): Promise<void> {
    const { id, socket, crowd } = this
    this.ending = true
    if (how === 'close') {
      crowd.tally.expect(id, 'peer-close')
      socket.close(1000)
      await this.closedWith(1000)
    } else if (how === 'terminate') {
      // With bytes that nobody has read, the kernel makes a reset of it.
      crowd.tally.expect(id, 'eof', 'reset')
      socket.terminate()
    } else {
      crowd.tally.expect(id, 'reset')
      this.stream.resetAndDestroy()
    }
    await socket.closed
  }

  /** Waits for an end that is the server's: it has to come with this code. */
  async closedBy(code: number, cause: 'local-close' | 'slow-consumer' | 'shutdown'): Promise<void> {
    this.ending = true
    this.crowd.tally.expect(this.id, cause)
    await this.closedWith(code)
  }

  private async closedWith(code: number): Promise<void> {
    const { socket, id } = this
    const info = await within(socket.closed)
    if (info === undefined) {
      this.crowd.tally.wrong(`connection ${id} did not end`)
      socket.terminate()
    } else if (info.code !== code || !info.wasClean) {
      this.crowd.tally.wrong(`connection ${id} ended with ${info.code} (${info.cause}), not ${code}`)
    }
  }
}

/** What a promise gives, or undefined when it takes too long. */
export function within<T>(promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), PATIENCE)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Waits for a random time up to `most` ms, but not when it is time to stop. */
export function pause(most: number, random: Random, { stop }: Crowd): Promise<void> {
  if (stop.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      stop.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, random.next() * most)
    stop.addEventListener('abort', done)
  })
}
