import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { HeaderFields, type HeaderLine, type ResponseHead } from '../protocol/handshake.ts'
import { type Attempt, listen } from './attempt.ts'
import { answerFailure, wentAway } from './failure.ts'

/** Most bytes of a refusal's body that are kept for its error. */
const BODY_LIMIT = 4096
/** Milliseconds to wait for the body, once it is known that there will be no WebSocket. */
const BODY_TIME = 1_000

/** A head of an answer, and what it came with. */
export interface Answer extends ResponseHead {
  /** For a 101: the stream is the WebSocket's from here on, and these are its first bytes. */
  readonly head: Buffer | undefined
  /** For anything else: its body. */
  readonly message: IncomingMessage
}

/** Sends a request without a body over a stream that was opened for it, and waits for the head of the answer. */
export function ask(
  attempt: Attempt,
  stream: Duplex,
  {
    method,
    path,
    lines,
    name,
    waitingFor,
  }: { method: string; path: string; lines: readonly HeaderLine[]; name: string; waitingFor: string },
): Promise<Answer> {
  return attempt.wait(waitingFor, (resolve, reject) => {
    const request = httpRequest({ method, path, headers: lines.flat(), createConnection: () => stream })
    const answered = (message: IncomingMessage, head: Buffer | undefined) => {
      // A body that is cut off is no news: who reads it sees it closed.
      message.on('error', () => {})
      resolve({ status: message.statusCode ?? 0, headers: HeaderFields.fromRaw(message.rawHeaders), message, head })
    }
    const onUpgrade = (message: IncomingMessage, _stream: Duplex, head: Buffer) => answered(message, head)
    request.on('error', () => {})
    const stopListening = listen(request, {
      upgrade: onUpgrade,
      connect: onUpgrade,
      response: (message: IncomingMessage) => answered(message, undefined),
      error: (error: Error) => reject(answerFailure(error, name)),
      close: () => reject(wentAway(name)),
    })
    request.end()
    return stopListening
  })
}

/** The first bytes of an answer's body, as far as they come within a second. */
export async function bodyOf(attempt: Attempt, message: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  await attempt
    .wait<void>('reading the answer', (resolve) => {
      const timer = setTimeout(resolve, BODY_TIME)
      const stopListening = listen(message, {
        data: (chunk: Buffer) => {
          chunks.push(chunk)
          size += chunk.length
          if (size >= BODY_LIMIT) resolve()
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
  return Buffer.concat(chunks).subarray(0, BODY_LIMIT)
}
