import { atOnce } from './awaitable.ts'
import type { AutoResponse, MessageType } from './options.ts'

/** What is answered to a message without the application; undefined when it is the application's to answer. */
export function autoResponseTo(
  auto: AutoResponse,
  message: string | Uint8Array,
  type: MessageType,
): string | Uint8Array | undefined {
  if (typeof auto === 'function') return atOnce(auto(message), 'autoResponse')
  return isSame(auto.request, message, type) ? auto.response : undefined
}

/** Whether text is asked for by a string and binary by bytes, and the contents are the same. */
function isSame(request: string | Uint8Array, message: string | Uint8Array, type: MessageType): boolean {
  if ((typeof request === 'string') !== (type === 'text')) return false
  if (typeof message === 'string') return request === message
  return Buffer.from(request).equals(message)
}
