/** One connection of the load: sends a message when the last one has come back, until there are none left. */
import type { Socket } from 'node:net'
import { open } from '../../load/connection.ts'
import { FrameReader, type MessageSink } from '../../load/frame-reader.ts'
import { encodeMaskedFrame } from '../../load/messages.ts'
import { OFFER } from './agreement.ts'
import type { Answers } from './answers.ts'

const PONG = 10

export interface PeerEvents {
  /** An answer has come. */
  answer(answer: Answer): void
  /** There is nothing left to send. */
  done(): void
  failed(error: Error): void
}

export interface Answer {
  /** From which connection, and which of its answers, counted from 0. */
  connection: number
  index: number
  microseconds: number
  /** Bytes on the wire, of the message and of its echo. */
  toServer: number
  toClient: number
  compressed: boolean
}

export class Peer implements MessageSink {
  /** Its number, on which its messages depend. */
  readonly number: number
  /** Answers that have come. */
  answered = 0
  readonly answers: Answers | undefined
  private readonly events: PeerEvents
  private readonly reader = new FrameReader(this)
  private socket: Socket | undefined
  private frames: readonly Buffer[] = []
  private sentAt = 0
  private received = 0
  private compressed = false
  private released = false

  /** @param answers where answers are kept to be checked. */
  constructor(number: number, events: PeerEvents, answers: Answers | undefined) {
    this.number = number
    this.events = events
    this.answers = answers
  }

  /** @returns the extensions of the answer. */
  async open(port: number): Promise<string | undefined> {
    let agreed: string | undefined
    this.socket = await open(
      { host: '127.0.0.1', port },
      {
        offer: OFFER,
        onExtensions: (header) => {
          agreed = header
        },
        onData: (bytes) => this.receive(bytes),
        onClose: () => {
          if (!this.released) this.events.failed(new Error('the server ended a connection'))
        },
      },
    )
    return agreed
  }

  start(frames: readonly Buffer[]): void {
    this.frames = frames
    this.sendNext()
  }

  release(): void {
    this.released = true
    this.socket?.destroy()
  }

  private sendNext(): void {
    const frame = this.frames[this.answered]
    if (frame === undefined) {
      // What is held must not hold its messages too.
      this.frames = []
      this.events.done()
      return
    }
    this.sentAt = performance.now()
    this.socket?.write(frame)
  }

  private receive(bytes: Buffer): void {
    this.received += bytes.length
    try {
      this.reader.push(bytes)
    } catch (error) {
      this.events.failed(error instanceof Error ? error : new Error(String(error)))
    }
  }

  begin(opcode: number, compressed: boolean): void {
    if (opcode !== 1) throw new Error('the server answered a text with something else')
    this.compressed = compressed
    this.answers?.begin(compressed)
  }

  piece(bytes: Buffer): void {
    this.answers?.piece(bytes)
  }

  end(): void {
    const sent = this.frames[this.answered]
    if (sent === undefined) throw new Error('the server sent a message that nobody waits for')
    const answer: Answer = {
      connection: this.number,
      index: this.answered++,
      microseconds: (performance.now() - this.sentAt) * 1e3,
      toServer: sent.length,
      toClient: this.received,
      compressed: this.compressed,
    }
    this.received = 0
    this.events.answer(answer)
    this.sendNext()
  }

  ping(payload: Buffer): void {
    this.socket?.write(encodeMaskedFrame(PONG, payload))
  }

  close(payload: Buffer): void {
    const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005
    throw new Error(`the server closed a connection: ${code} ${payload.subarray(2).toString()}`.trim())
  }
}
