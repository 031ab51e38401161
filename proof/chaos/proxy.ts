/** A TCP proxy that does to each connection what its plan says. */
import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net'
import { monotonic } from '../support/loop-watch.ts'
import type { Random } from '../support/random.ts'
import { Lane } from './lane.ts'
import type { Direction, End, Strike, Trouble } from './plan.ts'

/** A strike that was done. */
export interface Struck {
  how: Strike['how']
  /** When, and until when where it ends, on the clock of `monotonic`. */
  at: number
  until: number | undefined
  /** When each end was given something last before that. */
  lastWrite: Record<End, number>
}

/** What the proxy has done to a connection, of which nothing is left. */
export interface ProxyReport {
  connection: number
  struck: Struck[]
  /** When something of an end's own vanished last that was more than a ping. */
  lastSwallow: Record<End, number>
}

export interface Passage {
  connection: number
  trouble: Trouble
  random: Random
}

export interface ProxyOptions {
  /** The port to pass connections on to, on this machine. */
  target: number
  /** Which connection it is, and what is to be done to it, by its first bytes. */
  plan(first: Buffer): Passage
  ended(report: ProxyReport): void
}

export class FaultProxy {
  private readonly server: Server
  private readonly sockets = new Set<Socket>()

  constructor({ target, plan, ended }: ProxyOptions) {
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      this.keep(near)
      near.once('data', (first) => {
        near.pause()
        const far = dial({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
        this.keep(far)
        new ProxiedConnection(near, far, first, plan(first), ended)
      })
    })
  }

  /** Listens on a free port of this machine, which it returns. */
  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    return (this.server.address() as AddressInfo).port
  }

  /** Cuts what is left. */
  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
    await once(this.server, 'close')
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.sockets.delete(socket))
  }
}

/** `near` is the client's socket, `far` the one to the server. */
class ProxiedConnection {
  private readonly near: Socket
  private readonly far: Socket
  private readonly up: Lane
  private readonly down: Lane
  private readonly report: ProxyReport
  private readonly ended: (report: ProxyReport) => void
  /** The sides have nothing to do with each other any more. */
  private apart = false
  /** The sides that have nothing more to say. */
  private readonly gone = new Set<Socket>()
  private closed = 0

  constructor(
    near: Socket,
    far: Socket,
    first: Buffer,
    { connection, trouble, random }: Passage,
    ended: (report: ProxyReport) => void,
  ) {
    this.near = near
    this.far = far
    this.ended = ended
    this.report = { connection, struck: [], lastSwallow: { client: 0, server: 0 } }
    const lane = (source: Socket, target: Socket, direction: Direction) =>
      new Lane(
        source,
        target,
        trouble,
        trouble.strikes.filter(({ place }) => place.direction === direction),
        random.fork(),
        (strike) => this.strike(strike),
      )
    this.up = lane(near, far, 'up')
    this.down = lane(far, near, 'down')
    this.watch(near, far, this.up)
    this.watch(far, near, this.down)
    this.up.push(first)
    near.resume()
  }

  private watch(socket: Socket, other: Socket, lane: Lane): void {
    socket.on('data', (bytes) => lane.push(bytes))
    socket.on('end', () => {
      lane.end()
      this.sideGone(socket)
    })
    socket.on('close', (failed) => {
      // A reset is passed on at once; an end in good order has gone through the lane.
      if (failed && !this.apart) {
        this.apart = true
        other.resetAndDestroy()
      }
      this.sideGone(socket)
      if (++this.closed === 2) this.finish()
    })
  }

  private strike({ how, milliseconds }: Strike): void {
    const { near, far, up, down } = this
    const lastWrite = { client: down.lastWrite, server: up.lastWrite }
    const struck: Struck = { how, at: monotonic(), until: undefined, lastWrite }
    this.report.struck.push(struck)
    if (how === 'stall') {
      up.hold()
      down.hold()
      setTimeout(() => {
        struck.until = monotonic()
        up.release()
        down.release()
      }, milliseconds)
      return
    }
    this.apart = true
    up.swallow()
    down.swallow()
    if (how === 'cut') {
      near.end()
      far.end()
    } else if (how === 'reset') {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
  }

  /** Sides that are apart do not end each other. */
  private sideGone(socket: Socket): void {
    this.gone.add(socket)
    if (!this.apart || this.gone.size < 2) return
    this.near.destroy()
    this.far.destroy()
  }

  private finish(): void {
    this.report.lastSwallow = { client: this.up.lastSwallow, server: this.down.lastSwallow }
    this.ended(this.report)
  }
}
