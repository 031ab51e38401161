import fc from 'fast-check'
import { nodePlatform } from '../../../src/platform/node.ts'
import type { CloseInfo } from '../../../src/protocol/close-info.ts'
import { Connection, type ConnectionState } from '../../../src/protocol/connection.ts'
import { ArgumentError } from '../../../src/protocol/error.ts'
import { decodeFrame } from '../../../src/protocol/frame.ts'
import { MaskKeySource } from '../../../src/protocol/mask-key-source.ts'
import { Opcode } from '../../../src/protocol/opcode.ts'
import { prepareMessage } from '../../../src/protocol/prepared.ts'
import { Receiver } from '../../../src/protocol/receiver.ts'
import type { Sendable } from '../../../src/protocol/send-queue.ts'
import { SlabPool } from '../../../src/protocol/slab.ts'
import { must, type Target, words } from '../target.ts'
import { digest, Events } from './events.ts'
import { HoldingWire } from './holding-wire.ts'
import { Input } from './input.ts'
import { MemoryWatch, mustHoldNothing } from './memory.ts'
import { frameStream } from './structures.ts'

const STATES: readonly ConnectionState[] = ['connecting', 'open', 'closing', 'closed']
/** Steps that the transport or the clock takes, neither of which happens within an event. */
const FROM_OUTSIDE = new Set([0, 1, 2, 4, 11, 12, 21])
const CODES = [1000, 1001, 1002, 1005, 1006, 1009, 1011, 1013, 3000, 4999]
const MAX_PAYLOAD = 4_096
const MAX_FRAGMENTS = 8

/** Shared by all connections of a process, so by all that there are here. */
const slabs = new SlabPool(nodePlatform)
const keys = new MaskKeySource(nodePlatform)

/**
 * One connection, driven by a program: a byte for the side, then steps of one byte and what it takes. What the
 * application does from within an event is a step of the program as well, where it says so.
 */
export const connection: Target = {
  name: 'connection',
  about: 'the states, closing, failing, held wires, pauses and pieces of a connection',
  dictionary: words(
    '\x00\x06\x88\x80\x00\x00\x00\x00',
    '\x00\x02\x88\x00',
    '\x08\x00',
    '\x0b\x0c',
    '\x0d\x00\x02\x89\x00',
  ),
  maxLength: 400,
  structures: fc.tuple(fc.nat(1), fc.nat(5)).chain(([flags, steps]) => {
    const step = fc.oneof(
      frameStream((flags & 1) === 0).map((stream) => {
        const part = stream.subarray(0, 200)
        return [0, part.length, ...part]
      }),
      fc.tuple(fc.nat(31), fc.uint8Array({ maxLength: 6 })).map(([op, rest]) => [op, ...rest]),
    )
    return fc
      .array(step, { minLength: steps, maxLength: 12 })
      .map((program) => Uint8Array.from([flags, ...program.flat()]))
  }),

  run(bytes) {
    const driver = new Driver(new Input(bytes))
    driver.play()
    driver.finish()
    return driver.outcomes
  },
}

class Driver extends Events {
  readonly outcomes: string[] = []
  private readonly connection: Connection
  private readonly wire = new HoldingWire()
  private readonly watch = new MemoryWatch(nodePlatform, MAX_PAYLOAD)
  private readonly input: Input
  /** What has to arrive, in order, if it arrives; the empty string for what cannot. */
  private readonly sent: string[] = []
  /** The place among them of what was sent with a key last. */
  private readonly keyed = new Map<string, number>()
  private time = 1_000
  private state = 0
  private infos: CloseInfo[] = []
  /** The message that is sent in fragments: its place among those sent, and its fragments, once it may begin. */
  private fragments: { place: number; parts: Uint8Array[] | undefined } | undefined
  /** Steps that the program has left for the application to do from within an event. */
  private reactions = 0
  private inEvent = false

  constructor(input: Input) {
    super()
    this.input = input
    const flags = input.byte()
    const shared = {
      platform: nodePlatform,
      slabs,
      keys,
      now: () => this.time,
    }
    this.connection = new Connection(
      {
        side: (flags & 1) === 0 ? 'server' : 'client',
        platform: nodePlatform,
        shared,
        now: () => this.time,
        maxPayload: MAX_PAYLOAD,
        maxFragments: MAX_FRAGMENTS,
        text: (flags & 2) === 0 ? 'string' : 'bytes',
        closeTimeout: 10_000,
      },
      this,
      this.wire,
    )
    if ((flags & 4) === 0) this.connection.open()
    this.after = () => this.react()
  }

  play(): void {
    while (!this.input.ended) {
      this.step(this.input.byte() & 31)
      this.look()
    }
  }

  /** Whatever was done: the transport goes away in the end, and all has been told by then. */
  finish(): void {
    this.reactions = 0
    if (this.wire.release()) this.connection.wireWritten()
    this.connection.transportClosed(false, undefined)
    this.connection.transportClosed(true, new Error('again'))
    this.look()
    must(this.infos.length === 1, `${this.infos.length} reports of the end`)
    must(this.connection.sender.bufferedAmount === 0, 'something is buffered behind the end')
    must(this.connection.deadline === Number.POSITIVE_INFINITY, 'a deadline behind the end')
    must(slabs.withRoom(0).users === 0, 'a connection that has ended keeps its place in the slab')
    mustHoldNothing(this.connection.receiver)
    this.checkReport(this.infos[0]!)
    this.checkSent()
  }

  onOutput(): void {}
  onPingTaken(): void {}

  onDrained(): void {
    this.happened('drained')
  }

  onClosing(): void {
    this.happened('closing')
  }

  onDeadline(): void {
    must(this.connection.deadline < Number.POSITIVE_INFINITY, 'a deadline that is none')
  }

  onClosed(info: CloseInfo): void {
    this.infos.push(info)
    this.outcomes.push(`${info.cause} ${info.sent === undefined} ${info.received === undefined} ${info.initiator}`)
    this.happened('closed')
  }

  override onPing(payload: Uint8Array): void {
    this.connection.sender.answerPing(payload)
    super.onPing(payload)
  }

  private step(op: number): void {
    const { connection, input, wire } = this
    const { sender, receiver } = connection
    if (this.inEvent && FROM_OUTSIDE.has(op)) return
    switch (op) {
      case 0:
        return this.receive(input.take(input.byte()))
      case 1:
        return connection.receiveEnd()
      case 2:
        return connection.transportClosed(input.byte() > 127, undefined)
      case 3:
        wire.holding = true
        return
      case 4:
        if (wire.release()) connection.wireWritten()
        return
      case 5:
        return connection.flush()
      case 6:
        return receiver.pause()
      case 7:
        return receiver.resume()
      case 8:
        return this.close(CODES[input.byte() % CODES.length]!, 'x'.repeat(input.byte() % 130))
      case 9:
        return connection.fail(1011, 'failed', 'handler-error', new Error('failed'))
      case 10:
        return connection.terminate('terminated')
      case 11:
        this.time += input.byte() * 200
        return connection.tick()
      case 12:
        this.time = Math.max(this.time, Math.min(connection.deadline, this.time + 100_000))
        return connection.tick()
      case 13:
        this.reactions = 1 + (input.byte() & 3)
        return
      case 14:
        receiver.inPieces = !receiver.inPieces
        return
      case 15:
        receiver.frameListener = receiver.frameListener === undefined ? () => this.happened('frame') : undefined
        return
      case 16:
        return sender.ping(input.take(input.byte() % 126))
      case 17:
        return sender.pong(input.take(input.byte() % 126))
      case 18:
        return this.begin()
      case 19:
        return this.fragment(input.byte())
      case 20:
        sender.frameListener = sender.frameListener === undefined ? () => this.happened('sent') : undefined
        return
      case 21:
        sender.limitAge(input.byte() * 100, () => this.happened('stale'))
        return sender.dropStale()
      default:
        return this.send(op, input.byte())
    }
  }

  private receive(bytes: Uint8Array): void {
    // A transport that was destroyed has nothing more to give.
    if (this.wire.destroyed) return
    this.watch.arrived += bytes.length
    this.connection.receive(Uint8Array.from(bytes))
    this.watch.check(this.connection.receiver)
  }

  private close(code: number, reason: string): void {
    try {
      this.connection.close(code, reason)
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error
    }
  }

  private send(op: number, size: number): void {
    if (this.connection.state !== 'open') return
    const length = op === 31 ? size * 80 : size
    if (op < 26) {
      const message = 'é'.repeat(length)
      const key = op < 24 ? `key ${op}` : undefined
      const data = op < 25 ? message : prepareMessage(nodePlatform, message)
      this.message(Opcode.Text, data, `text ${digest(Buffer.from(message))}`, key)
    } else {
      const message = new Uint8Array(length).fill(op)
      const data = op < 30 ? message : prepareMessage(nodePlatform, message)
      this.message(Opcode.Binary, data, `binary ${digest(message)}`, undefined)
    }
  }

  /** Sends, and notes it where it has to arrive: in the place of the one before with the same key, if that still waits. */
  private message(opcode: number, data: Sendable, line: string, key: string | undefined): void {
    const { sender } = this.connection
    const before = sender.coalesced
    // Noted first: a listener may send more from within.
    const place = this.sent.push(line) - 1
    const earlier = key === undefined ? undefined : this.keyed.get(key)
    if (key !== undefined) this.keyed.set(key, place)
    sender.message(opcode, data, key)
    if (sender.coalesced === before || key === undefined) return
    must(earlier !== undefined, 'a message in the place of none')
    this.sent[place] = ''
    this.sent[earlier] = line
    this.keyed.set(key, earlier)
  }

  private begin(): void {
    if (this.fragments !== undefined || this.connection.state !== 'open') return
    const fragments: Driver['fragments'] = { place: this.sent.push('') - 1, parts: undefined }
    this.fragments = fragments
    this.connection.sender.beginFragments(() => {
      fragments.parts = []
    })
  }

  private fragment(size: number): void {
    const { fragments, sent } = this
    const { sender } = this.connection
    if (fragments?.parts === undefined || !sender.takesFrames) return
    const fin = size > 127
    const part = new Uint8Array(size).fill(size)
    const opcode = fragments.parts.length === 0 ? Opcode.Binary : Opcode.Continuation
    fragments.parts.push(part)
    if (fin) {
      sent[fragments.place] = `binary ${digest(Buffer.concat(fragments.parts))}`
      this.fragments = undefined
    }
    sender.fragment(opcode, part, fin)
  }

  /** What the application does from within an event. */
  private react(): void {
    if (this.reactions === 0) return
    this.reactions--
    const before = this.inEvent
    this.inEvent = true
    this.step(this.input.byte() & 31)
    this.inEvent = before
  }

  private happened(what: string): void {
    this.outcomes.push(`${what} when ${this.connection.state}`)
    this.react()
  }

  /** States only go forward, and there is a deadline while it is closing. */
  private look(): void {
    const state = STATES.indexOf(this.connection.state)
    must(state >= this.state, () => `${this.connection.state} after ${STATES[this.state]}`)
    this.state = state
    const isDue = this.connection.deadline < Number.POSITIVE_INFINITY
    must(!isDue || this.connection.state === 'closing', () => `a deadline when ${this.connection.state}`)
    must(isDue || this.connection.state !== 'closing' || this.wire.destroyed, 'closing without a deadline')
    must((this.infos.length === 1) === (this.connection.state === 'closed'), 'a report of the end, and closed')
  }

  private checkReport(info: CloseInfo): void {
    must(info.code === (info.received ?? 1006), 'the code is the one received')
    must(info.wasClean === (info.sent !== undefined && info.received !== undefined), 'clean is when both were closed')
  }

  /** What went out is what a peer may be sent: messages in their order, and nothing behind a Close frame. */
  private checkSent(): void {
    const events = new Events()
    const side = this.connection.side === 'server' ? 'client' : 'server'
    const limits = { maxPayload: Number.POSITIVE_INFINITY, maxFragments: Number.POSITIVE_INFINITY }
    const peer = new Receiver({ side, platform: nodePlatform, ...limits, text: 'string' }, events)
    peer.receive(this.wire.bytes)
    const last = events.lines.at(-1) ?? ''
    must(!last.startsWith('violation'), () => `what was sent breaks a rule: ${last}`)
    let at = 0
    for (const line of events.lines) {
      if (!line.startsWith('text') && !line.startsWith('binary')) continue
      // Of what was sent something may be missing; the message in fragments is not noted.
      const next = this.sent.indexOf(line, at)
      if (next >= 0) at = next + 1
      else
        must(
          line.startsWith('binary 00') || line === 'binary ' || line.length > 140,
          () => `not sent, or not then: ${line}`,
        )
    }
    must(this.infos[0]!.sent === undefined || last.startsWith('close'), 'a Close frame that is reported was sent')
    this.checkFrames()
  }

  /** Frames are whole, and nothing stands behind a Close frame, where a receiver would not look. */
  private checkFrames(): void {
    const { bytes } = this.wire
    let closed = false
    for (let at = 0; at < bytes.length; ) {
      const frame = decodeFrame(bytes, at)
      must(frame !== undefined && !closed, 'a frame that is cut, or behind a Close frame')
      closed = frame.opcode === Opcode.Close
      at += frame.length
    }
  }
}
