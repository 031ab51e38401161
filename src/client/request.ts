import { request as httpRequest, type IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { HeaderFields, type HeaderLine, type ResponseHead } from '../protocol/handshake.ts'
import { type Attempt, listen } from './attempt.ts'
import { answerFailure, saidNothing, wentAway } from './failure.ts'

/** What is asked of a server or of a proxy. */
export interface Question {
  readonly method: 'GET' | 'CONNECT'
  readonly path: string
  readonly lines: readonly HeaderLine[]
  /** Who is asked, for a sentence. */
  readonly name: string
}

/** The head of an answer, and what came with it. */
export interface Answer extends ResponseHead {
  /** For a 101, and for any answer to CONNECT: what follows is not HTTP any more, and these are the first bytes of it. */
  readonly head: Buffer | undefined
  /** For any other answer: its body. */
  readonly message: IncomingMessage
}

/** Sends a request over a stream that nothing was sent on yet, or of which all was answered. */
export function ask(attempt: Attempt, stream: Duplex, { method, path, lines, name }: Question): Promise<Answer> {
  return attempt.wait(`waiting for the answer of ${name}`, (resolve, reject) => {
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
      error: (error: Error) => {
        const silent = method === 'GET' && isSilentEnd(stream, error)
        reject(silent ? saidNothing(name, error) : answerFailure(error, name))
      },
      close: () => reject(wentAway(name)),
    })
    request.end()
    return stopListening
  })
}

/** Whether a peer to which no TLS is spoken has ended the connection in good order without a single byte. */
function isSilentEnd(stream: Duplex, error: NodeJS.ErrnoException): boolean {
  const isPlain = stream instanceof Socket && !(stream instanceof TLSSocket)
  // Node's code for it is that of a reset, which unlike it is an error of the system's.
  return isPlain && stream.bytesRead === 0 && error.code === 'ECONNRESET' && error.syscall === undefined
}
