/** The answers of one connection, kept to be compared with what was sent when time no longer matters. */
import { constants, inflateRawSync } from 'node:zlib'
import type { Agreement } from './agreement.ts'

const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff])

export class Answers {
  private readonly messages: { compressed: boolean; pieces: Buffer[] }[] = []

  begin(compressed: boolean): void {
    this.messages.push({ compressed, pieces: [] })
  }

  piece(bytes: Buffer): void {
    this.messages.at(-1)?.pieces.push(Buffer.from(bytes))
  }

  /**
   * Compares with what was sent; the last answer may have been cut off by the end of the run.
   *
   * @returns how many messages were compared.
   * @throws {Error} when they differ.
   */
  check(sent: readonly string[], complete: number, agreement: Agreement | undefined): number {
    const answers = this.messages
      .slice(0, complete)
      .map(({ compressed, pieces }) => ({ compressed, payload: Buffer.concat(pieces) }))
    if (agreement === undefined && answers.some(({ compressed }) => compressed)) {
      throw new Error('the server sent a compressed message without an extension')
    }
    // With takeover all compressed messages are one stream. What is left uncompressed is not in it.
    const stream = agreement?.serverTakeover
      ? inflate(answers.flatMap(({ compressed, payload }) => (compressed ? [payload, TAIL] : [])))
      : undefined
    let at = 0
    for (const [i, { compressed, payload }] of answers.entries()) {
      const expected = Buffer.from(sent[i] ?? '')
      let text: Buffer = payload
      if (compressed && stream !== undefined) {
        text = stream.subarray(at, at + expected.length)
        at += expected.length
      } else if (compressed) text = inflate([payload, TAIL])
      if (!text.equals(expected)) throw new Error(`answer ${i + 1} of a connection is not what was sent`)
    }
    if (stream !== undefined && at < stream.length) throw new Error('the server sent more than an echo')
    return answers.length
  }
}

function inflate(pieces: readonly Buffer[]): Buffer {
  try {
    return inflateRawSync(Buffer.concat(pieces), { finishFlush: constants.Z_SYNC_FLUSH })
  } catch (error) {
    throw new Error(`an answer cannot be inflated: ${error instanceof Error ? error.message : error}`)
  }
}
