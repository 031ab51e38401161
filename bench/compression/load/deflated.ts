/** Messages as a client sends them with permessage-deflate (RFC 7692 section 7.2.1), ready to be written. */
import { constants, createDeflateRaw, deflateRawSync } from 'node:zlib'
import { encodeMaskedFrame } from '../../load/messages.ts'
import type { Agreement } from './agreement.ts'

const TEXT = 1

/** What Z_SYNC_FLUSH ends with, and the sender of a message leaves out. */
const TAIL = 4

/** One frame for each of `messages`, which are all of a connection, from the first on. */
export async function frames(messages: readonly string[], agreement: Agreement | undefined): Promise<Buffer[]> {
  if (agreement === undefined) return messages.map((message) => encodeMaskedFrame(TEXT, Buffer.from(message)))
  const compressed = agreement.clientTakeover
    ? await deflateInTurn(messages, agreement.clientWindowBits)
    : messages.map((message) => deflateAlone(message, agreement.clientWindowBits))
  return compressed.map((payload) => encodeMaskedFrame(TEXT, payload, true))
}

function deflateAlone(message: string, windowBits: number): Buffer {
  return deflateRawSync(message, { windowBits, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -TAIL)
}

/** With one context for all of them. */
async function deflateInTurn(messages: readonly string[], windowBits: number): Promise<Buffer[]> {
  const stream = createDeflateRaw({ windowBits })
  const payloads: Buffer[] = []
  let chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  for (const message of messages) {
    stream.write(message)
    await new Promise<void>((resolve) => stream.flush(constants.Z_SYNC_FLUSH, () => resolve()))
    payloads.push(Buffer.concat(chunks).subarray(0, -TAIL))
    chunks = []
  }
  stream.close()
  return payloads
}
