import { createHash } from 'node:crypto'
import type { ProtocolError } from '../../../src/protocol/error.ts'
import { Opcode } from '../../../src/protocol/opcode.ts'
import type { ReceiverSink } from '../../../src/protocol/receiver.ts'

/** What a receiver tells, as one line for each event, the same in whatever form it is told. */
export class Events implements ReceiverSink {
  readonly lines: string[] = []
  /** Called after each event. */
  after: () => void = () => {}
  private readonly pieces: Uint8Array[] = []

  onText(text: string | Uint8Array): void {
    this.tell(`text ${digest(typeof text === 'string' ? Buffer.from(text) : text)}`)
  }

  onBinary(bytes: Uint8Array): void {
    this.tell(`binary ${digest(bytes)}`)
  }

  onPiece(opcode: number, piece: Uint8Array, last: boolean): void {
    this.pieces.push(piece)
    if (!last) return this.after()
    this.tell(`${opcode === Opcode.Text ? 'text' : 'binary'} ${digest(Buffer.concat(this.pieces.splice(0)))}`)
  }

  onPing(payload: Uint8Array): void {
    this.tell(`ping ${digest(payload)}`)
  }

  onPong(payload: Uint8Array): void {
    this.tell(`pong ${digest(payload)}`)
  }

  onClose(code: number, reason: string): void {
    this.tell(`close ${code} ${digest(Buffer.from(reason))}`)
  }

  onViolation({ code, frameNumber, offset }: ProtocolError): void {
    this.tell(`violation ${code} frame ${frameNumber} byte ${offset}`)
  }

  /** The kinds of events that followed each other. */
  get kinds(): string[] {
    const kinds = this.lines.map((line) => line.split(' ', line.startsWith('violation') ? 2 : 1).join(' '))
    return kinds.map((kind, i) => `${kinds[i - 1] ?? ''}>${kind}`)
  }

  private tell(line: string): void {
    this.lines.push(line)
    this.after()
  }
}

/** Bytes as one word: in hexadecimal, or their hash where they are many. */
export function digest(bytes: Uint8Array): string {
  if (bytes.length <= 64) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
  return `${bytes.length} ${createHash('sha1').update(bytes).digest('hex')}`
}
