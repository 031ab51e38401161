import { CloseCode } from '../protocol/close-code.ts'
import type { CloseInfo } from '../protocol/close-info.ts'
import { ArgumentError } from '../protocol/error.ts'
import { Opcode } from '../protocol/opcode.ts'
import { bytesOf, type MessageData } from '../protocol/prepared.ts'
import type { Link } from './link.ts'

/**
 * Sends one message as a frame for each part, as the parts come. Text or binary is decided by the first part.
 * A source that fails leaves a message that cannot be finished, so the connection is closed with 1011.
 */
export async function sendFragments(
  link: Link,
  parts: Iterable<MessageData> | AsyncIterable<MessageData>,
): Promise<'ok' | 'closed'> {
  if (!(await turn(link))) return 'closed'
  const { connection } = link
  let opcode: number | undefined
  let text: TextParts | undefined
  try {
    for await (const part of parts) {
      if (connection.state !== 'open') return 'closed'
      const isText = typeof part === 'string'
      if (opcode === undefined) text = isText ? new TextParts() : undefined
      else if (isText !== (text !== undefined))
        throw new ArgumentError('The parts of one message are all strings or all bytes.')
      const data = typeof part === 'string' ? text!.whole(part) : bytesOf(part)
      connection.sender.fragment(opcode ?? (isText ? Opcode.Text : Opcode.Binary), data, false)
      opcode = Opcode.Continuation
      link.onOutput()
      if (connection.sender.bufferedAmount > link.highWaterMark) await link.drained(undefined)
    }
  } catch (error) {
    if (connection.state !== 'open') return 'closed'
    const cause = error instanceof Error ? error : new Error(String(error))
    connection.fail(CloseCode.InternalError, 'message not finished', 'handler-error', cause)
    throw error
  }
  if (connection.state !== 'open') return 'closed'
  connection.sender.fragment(opcode ?? Opcode.Binary, text?.rest() ?? new Uint8Array(0), true)
  link.onOutput()
  return 'ok'
}

/** Waits until the message may begin; false when the connection ended first. */
function turn(link: Link): Promise<boolean> {
  if (link.connection.state !== 'open') return Promise.resolve(false)
  return new Promise((resolve) => {
    const onClosed = (_info: CloseInfo) => resolve(false)
    link.whenClosed.add(onClosed)
    link.connection.sender.beginFragments(() => {
      link.whenClosed.delete(onClosed)
      resolve(true)
    })
  })
}

/** Keeps a surrogate pair that is split between two parts together. */
class TextParts {
  private high = ''

  whole(part: string): string {
    const text = this.high + part
    const last = text.charCodeAt(text.length - 1)
    this.high = last >= 0xd800 && last < 0xdc00 ? text.slice(-1) : ''
    return this.high === '' ? text : text.slice(0, -1)
  }

  rest(): string {
    return this.high
  }
}
