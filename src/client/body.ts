import type { Readable } from 'node:stream'
import type { HeaderFields } from '../protocol/handshake.ts'
import { type Attempt, listen } from './attempt.ts'

/** Most bytes of a refusal's body that are kept for its error. */
const LIMIT = 4096
/** Milliseconds to wait for them: the status is known by then, and there will be no WebSocket. */
const PATIENCE = 1_000

/**
 * The first bytes of an answer's body, as far as they come in time.
 * @param framing the headers, where the stream is the connection itself, on which the body's end has to be found
 */
export async function readBody(attempt: Attempt, stream: Readable, framing?: HeaderFields): Promise<Uint8Array> {
  const chunked = framing?.get('transfer-encoding') !== undefined
  const length = framing === undefined || chunked ? LIMIT : Number(framing.get('content-length') ?? LIMIT)
  let bytes: Uint8Array = new Uint8Array(0)
  const isWhole = () => bytes.length >= Math.min(length, LIMIT) || (chunked && unchunked(bytes).whole)
  // One that has closed already tells nothing more, not even that.
  if (!isWhole() && !stream.closed) {
    await attempt
      .wait<void>('reading the answer', (resolve) => {
        const timer = setTimeout(resolve, PATIENCE)
        const stopListening = listen(stream, {
          data: (chunk: Uint8Array) => {
            bytes = Buffer.concat([bytes, chunk])
            if (isWhole()) resolve()
          },
          end: resolve,
          close: resolve,
        })
        return () => {
          clearTimeout(timer)
          stopListening()
        }
      })
      // That it was refused says more than that the time is over now.
      .catch((error: unknown) => {
        if (!attempt.timedOut) throw error
      })
  }
  return (chunked ? unchunked(bytes).content : bytes).subarray(0, Math.min(length, LIMIT))
}

/** What a body in chunks holds, as far as it is there (RFC 9112 section 7.1). */
export function unchunked(bytes: Uint8Array): { content: Uint8Array; whole: boolean } {
  const body = Buffer.from(bytes)
  const parts: Uint8Array[] = []
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf('\r\n', at)
    const size = lineEnd === -1 ? Number.NaN : Number.parseInt(body.toString('latin1', at, lineEnd), 16)
    if (!(size > 0)) return { content: Buffer.concat(parts), whole: lineEnd !== -1 }
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
}
