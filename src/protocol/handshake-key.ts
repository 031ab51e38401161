import { encodeBase64 } from './base64.ts'
import type { Platform } from './platform.ts'

/** Appended to every key (RFC 6455 section 1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** A new Sec-WebSocket-Key: 16 random bytes as base64 (RFC 6455 section 4.1, item 7). */
export function createKey(platform: Platform): string {
  const bytes = new Uint8Array(16)
  platform.randomFill(bytes)
  return encodeBase64(bytes)
}

/** The Sec-WebSocket-Accept that answers a key (RFC 6455 section 4.2.2, item 5.4). */
export function acceptKey(key: string, platform: Platform): string {
  const text = key + GUID
  const bytes = platform.allocate(platform.utf8Length(text))
  platform.utf8Write(bytes, 0, text)
  return encodeBase64(platform.sha1(bytes))
}
