/** All that the connections of an echo run send, made before it begins and kept for the next run. */
import { messages } from '../../corpus/corpus.ts'
import type { Agreement } from './agreement.ts'
import { frames } from './deflated.ts'

/**
 * Messages of a connection for each that counts. A server that does not serve all alike leaves some behind: the others go
 * on until the number is made up, and are still busy when the measured time ends.
 */
const SPARE = 1.25

export interface Wanted {
  bytes: number
  seed: number
  connections: number
  warmup: number
  messages: number
}

export interface Stream {
  frames: Buffer[]
  /** Bytes of the messages as the application sees them. */
  lengths: Uint32Array
}

const kept = new Map<string, Stream[]>()

/** @returns the streams of all connections, the same for the same arguments. */
export async function prepared(wanted: Wanted, agreement: Agreement | undefined): Promise<Stream[]> {
  const { bytes, seed, connections } = wanted
  const count = Math.ceil((wanted.warmup + wanted.messages) * SPARE)
  const way = agreement && [agreement.clientTakeover, agreement.clientWindowBits]
  const key = JSON.stringify([bytes, seed, connections, count, way])
  let streams = kept.get(key)
  if (streams === undefined) {
    const each = Array.from({ length: connections }, async (_, connection) => {
      const texts = take(bytes, seed, connection, count)
      return {
        frames: await frames(texts, agreement),
        lengths: Uint32Array.from(texts, (text) => Buffer.byteLength(text)),
      }
    })
    streams = await Promise.all(each)
    kept.set(key, streams)
  }
  return streams
}

/** The first messages of a connection. */
export function take(bytes: number, seed: number, connection: number, count: number): string[] {
  const stream = messages(bytes, seed, connection)
  return Array.from({ length: count }, () => stream.next().value)
}
