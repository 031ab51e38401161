import type { Duplex } from 'node:stream'
import { refusalResponse } from '../protocol/handshake.ts'
import type { OutgoingHeaders } from '../protocol/headers.ts'
import { shared } from '../socket/runtime.ts'
import { LINGER } from './handshake-stream.ts'

/**
 * Answers a handshake with a refusal, and ends the stream.
 * @throws ArgumentError for a header that cannot be sent
 */
export function refuseStream(stream: Duplex, status: number, reason: string, headers: OutgoingHeaders = {}): void {
  stream.on('error', () => stream.destroy())
  if (stream.destroyed) return
  const response = refusalResponse({ status, reason, headers }, shared.platform)
  try {
    stream.end(response)
  } catch {
    // Streams of the application's may throw. There is nobody to be answered then.
    stream.destroy()
    return
  }
  stream.resume()
  const timer = setTimeout(() => stream.destroy(), LINGER)
  stream.once('close', () => clearTimeout(timer))
}
