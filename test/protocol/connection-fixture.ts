import { nodePlatform } from '../../src/platform/node.ts'
import type { CloseInfo } from '../../src/protocol/close-info.ts'
import { Connection, type ConnectionOptions, type ConnectionSink } from '../../src/protocol/connection.ts'
import type { Side } from '../../src/protocol/error.ts'
import { FakeWire, freshShared } from './fake-wire.ts'
import { FrameMaker, inWords } from './frames.ts'

/** An open connection on a fake wire with a fake clock, and everything it tells, in order. */
export class Fixture implements ConnectionSink {
  readonly connection: Connection
  readonly wire = new FakeWire()
  /** Makes the peer's frames. */
  readonly peer: FrameMaker
  /** Milliseconds. It does not begin at 0, so that a time that was forgotten shows. */
  time = 5_000
  readonly events: string[] = []
  readonly infos: CloseInfo[] = []
  /** Called for everything that is told, by its name. */
  on: (event: string) => void = () => {}

  constructor(side: Side, options: Partial<ConnectionOptions> = {}, opened = true) {
    this.peer = new FrameMaker(side === 'server' ? 'client' : 'server')
    this.connection = new Connection(
      {
        side,
        platform: nodePlatform,
        shared: freshShared(),
        now: () => this.time,
        maxPayload: 1024 * 1024,
        maxFragments: 100,
        text: 'string',
        closeTimeout: 10_000,
        ...options,
      },
      this,
      this.wire,
    )
    if (opened) this.connection.open()
  }

  /** What has gone out since this was asked last, in words. */
  sent(): string[] {
    return inWords(this.wire.news(), this.connection.side)
  }

  /** What was told since this was asked last. */
  told(): string[] {
    return this.events.splice(0)
  }

  get info(): CloseInfo | undefined {
    return this.infos[0]
  }

  /** The wire lets go of what it holds, and holds nothing more. */
  release(): void {
    this.wire.holding = false
    this.wire.release()
    this.connection.wireWritten()
  }

  /** Milliseconds until the deadline. */
  get dueIn(): number {
    return this.connection.deadline - this.time
  }

  onText(text: string | Uint8Array): void {
    this.tell(`text ${JSON.stringify(text)}`)
  }

  onBinary(bytes: Uint8Array): void {
    this.tell(`binary ${Buffer.from(bytes).toString('hex')}`)
  }

  onPiece(opcode: number, piece: Uint8Array, last: boolean): void {
    this.tell(`piece ${opcode} ${Buffer.from(piece).toString('hex')}${last ? ' last' : ''}`)
  }

  onPing(payload: Uint8Array): void {
    this.tell(`ping ${Buffer.from(payload).toString()}`)
  }

  onPong(payload: Uint8Array): void {
    this.tell(`pong ${Buffer.from(payload).toString()}`)
  }

  onOutput(): void {
    this.tell('output')
  }

  onDecoded(): void {
    this.tell('decoded')
  }

  onPingTaken(): void {
    this.tell('ping taken')
  }

  onDrained(): void {
    this.tell('drained')
  }

  onClosing(): void {
    this.tell('closing')
  }

  onDeadline(): void {
    this.tell(`deadline ${this.dueIn}`)
  }

  onClosed(info: CloseInfo): void {
    this.infos.push(info)
    this.tell('closed')
  }

  private tell(event: string): void {
    this.events.push(event)
    this.on(event)
  }
}
