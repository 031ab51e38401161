import { CloseCode } from '../protocol/close-code.ts'
import { ArgumentError } from '../protocol/error.ts'
import { Opcode } from '../protocol/opcode.ts'
import { bytesOf, type MessageData } from '../protocol/prepared.ts'
import { asError } from './awaitable.ts'
import type { Link } from './link.ts'

/**
 * Sends one message as a frame for each part, as the parts come. Text or binary is decided by the first part.
 * A source that fails leaves a message that cannot be finished, so the connection is closed with 1011.
 */
export async function sendFragments(
  link: Link,
  parts: Iterable<MessageData> | AsyncIterable<MessageData>,
): Promise<'ok' | 'closed'> {
  const source = iteratorOf(parts)
  if (!(await turn(link))) {
    dismiss(source)
    return 'closed'
  }
  const { connection } = link
  const { sender } = connection
  let exhausted = false
  let opcode: number | undefined
  let text: TextParts | undefined
  try {
    for (;;) {
      const next = await untilClosed(link, source.next())
      exhausted = next?.done === true
      // A message that was begun before the connection is closed from here is finished first.
      if (next === undefined || !sender.takesFrames) return 'closed'
      if (next.done) break
      const part = next.value
      const isText = typeof part === 'string'
      if (opcode === undefined) text = isText ? new TextParts() : undefined
      else if (isText !== (text !== undefined))
        throw new ArgumentError('The parts of one message are all strings or all bytes.')
      const data = typeof part === 'string' ? text!.whole(part) : bytesOf(part)
      sender.fragment(opcode ?? (isText ? Opcode.Text : Opcode.Binary), data, false)
      opcode = Opcode.Continuation
      link.onOutput()
      if (sender.load > link.outbound.highWaterMark) await link.outbound.writable()
    }
  } catch (error) {
    if (!sender.takesFrames) return 'closed'
    connection.fail(CloseCode.InternalError, 'message not finished', 'handler-error', asError(error))
    throw error
  } finally {
    if (!exhausted) dismiss(source)
  }
  sender.fragment(opcode ?? Opcode.Binary, text?.rest() ?? new Uint8Array(0), true)
  link.onOutput()
  return 'ok'
}

type Source = Iterator<MessageData> | AsyncIterator<MessageData>

function iteratorOf(parts: Iterable<MessageData> | AsyncIterable<MessageData>): Source {
  const { [Symbol.asyncIterator]: asynchronous, [Symbol.iterator]: synchronous } = Object(parts) as Partial<
    Iterable<MessageData> & AsyncIterable<MessageData>
  >
  if (asynchronous !== undefined) return asynchronous.call(parts)
  if (synchronous !== undefined) return synchronous.call(parts)
  throw new ArgumentError(`The parts of a message are iterable, which ${typeof parts} is not.`)
}

/** Tells a source that it is not asked any more. It is not waited for: its last answer may never come. */
function dismiss(source: Source): void {
  try {
    Promise.resolve(source.return?.()).catch(() => {})
  } catch {
    // Nobody is interested in it any more.
  }
}

/** Waits until the message may begin; false when the connection ended first. */
function turn(link: Link): Promise<boolean> {
  if (link.connection.state !== 'open') return Promise.resolve(false)
  return new Promise((resolve) => {
    const onClosed = () => resolve(false)
    link.whenClosed.add(onClosed)
    link.connection.sender.beginFragments(() => {
      link.whenClosed.delete(onClosed)
      resolve(true)
    })
  })
}

/** What a source answers, or undefined when the connection ends first. */
function untilClosed<T>(link: Link, answer: T | PromiseLike<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const onClosed = () => resolve(undefined)
    const settled = (settle: () => void) => {
      link.whenClosed.delete(onClosed)
      settle()
    }
    link.whenClosed.add(onClosed)
    Promise.resolve(answer).then(
      (value) => settled(() => resolve(value)),
      (error: unknown) => settled(() => reject(error)),
    )
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
