import { copyOf } from './copy.ts'
import { ArgumentError } from './error.ts'
import type { Platform } from './platform.ts'
import { bytesOf } from './prepared.ts'

/** The most that a control frame carries (RFC 6455 section 5.5). */
export const MAX_CONTROL_PAYLOAD = 125

/**
 * The payload of a ping or a pong, in memory of its own.
 * @throws ArgumentError when it is over 125 bytes, or neither a string nor bytes
 */
export function encodeControlPayload(
  platform: Platform,
  what: 'ping' | 'pong',
  payload: string | Uint8Array,
): Uint8Array {
  const length = typeof payload === 'string' ? platform.utf8Length(payload) : bytesOf(payload).length
  if (length > MAX_CONTROL_PAYLOAD) {
    throw new ArgumentError(
      `A ${what} carries at most ${MAX_CONTROL_PAYLOAD} bytes, not ${length} (RFC 6455 section 5.5).`,
    )
  }
  if (typeof payload !== 'string') return copyOf(payload)
  const bytes = platform.allocate(length)
  platform.utf8Write(bytes, 0, payload)
  return bytes
}
