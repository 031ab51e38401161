import { randomBytes } from 'node:crypto'
import type { ObservedFrame, Socket } from 'heartwire'
import type { FaultyNetwork } from './network.ts'
import { type Fault, type Heartbeat, type LabNotice, type LoggedFrame, PAYLOAD_SHOWN } from './wire.ts'

/** How many frames are kept for a page whose second connection comes later than its first. */
const FRAMES_KEPT = 60

/** A viewer that takes its frames too slowly misses some: that many bytes may wait. */
const VIEWER_BUFFER = 256 * 1024

/** What the laboratory asks of a socket. */
type Watched = Pick<Socket<unknown>, 'bufferedAmount' | 'aliveFor'>

/**
 * One chat connection seen from outside: what went over its wire, what is wrong with its network, and how long it
 * has left. A page attaches to the laboratory of its own connection with the token that it was given there.
 */
export class Lab {
  /** Unguessable: whoever knows it may break this connection. */
  readonly token: string = randomBytes(18).toString('base64url')
  readonly #network: FaultyNetwork
  readonly #heartbeat: Heartbeat
  #watched: Watched | undefined
  #viewer: Socket<unknown> | undefined
  #frames: LoggedFrame[] = []
  /** The frames that the viewer has not been told of yet. */
  #untold: LoggedFrame[] = []
  #count = 0
  #lastArrival: number = performance.now()
  #brokenSince: number | undefined

  constructor(network: FaultyNetwork, heartbeat: Heartbeat) {
    this.#network = network
    this.#heartbeat = heartbeat
  }

  /** The socket that the network is under. */
  watch(socket: Watched): void {
    this.#watched = socket
    this.#lastArrival = performance.now()
  }

  /** Milliseconds since the last frame arrived. */
  get quiet(): number {
    return performance.now() - this.#lastArrival
  }

  /** Notes a frame of the chat connection. */
  observe(frame: ObservedFrame): void {
    const logged: LoggedFrame = {
      n: ++this.#count,
      at: Date.now(),
      direction: frame.direction,
      opcode: frame.opcode,
      fin: frame.fin,
      length: frame.payloadLength,
      bytes: Buffer.from(wireBytes(frame)).toString('hex'),
    }
    this.#frames = [...this.#frames, logged].slice(-FRAMES_KEPT)
    // All frames of one turn go into one message.
    if (this.#untold.push(logged) === 1) setImmediate(() => this.#tellFrames())
    if (frame.direction === 'in') {
      this.#lastArrival = performance.now()
      if (this.#network.fault) this.tellFault()
    }
  }

  /** Lets a page watch; an earlier viewer is sent away. */
  attach(viewer: Socket<unknown>): void {
    this.#viewer?.close(1000, 'watched from elsewhere')
    this.#viewer = viewer
    this.#untold = this.#frames
    this.#tellFrames()
    this.tellFault()
  }

  detach(viewer: Socket<unknown>): void {
    if (this.#viewer === viewer) this.#viewer = undefined
  }

  /** Breaks the network under the chat connection, or mends it. */
  set(fault: Fault | null): void {
    if (fault) {
      this.#network.break(fault)
      this.#brokenSince ??= performance.now()
    } else {
      this.#network.mend()
      this.#brokenSince = undefined
    }
    this.tellFault()
  }

  get fault(): Fault | undefined {
    return this.#network.fault
  }

  /** Tells the page what is wrong, and when the others will see it. */
  tellFault(): void {
    const fault = this.#network.fault ?? null
    this.#tell({
      type: 'fault',
      fault,
      deadIn: fault && Math.round(this.#watched?.aliveFor ?? 0),
      patience: this.#heartbeat.interval + this.#heartbeat.timeout,
      waiting: this.#watched?.bufferedAmount ?? 0,
    })
  }

  /** The connection is gone. */
  died(text: string): void {
    const after = this.#brokenSince === undefined ? null : Math.round(performance.now() - this.#brokenSince)
    this.#tellFrames()
    this.#tell({ type: 'dead', text, after })
    this.#viewer?.close(1000, 'the connection under watch is gone')
  }

  #tellFrames(): void {
    const frames = this.#untold
    this.#untold = []
    if (frames.length > 0) this.#tell({ type: 'frames', frames })
  }

  #tell(notice: LabNotice): void {
    if (!this.#viewer || this.#viewer.bufferedAmount > VIEWER_BUFFER) return
    this.#viewer.send(JSON.stringify(notice))
  }
}

/** The frame's first bytes as they were on the wire: an observed payload is unmasked, so it is masked again. */
function wireBytes({ header, masked, payload }: ObservedFrame): Uint8Array {
  const shown = payload.subarray(0, PAYLOAD_SHOWN)
  const bytes = new Uint8Array(header.length + shown.length)
  bytes.set(header)
  bytes.set(shown, header.length)
  if (!masked || header.length < 4) return bytes
  const key = header.subarray(-4)
  for (let i = 0; i < shown.length; i++) bytes[header.length + i]! ^= key[i & 3]!
  return bytes
}
