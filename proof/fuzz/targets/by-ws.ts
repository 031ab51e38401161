import * as ws from 'ws'
import type { Side } from '../../../src/protocol/error.ts'
import { must, mustEqual } from '../target.ts'
import type { Limits } from './by-frames.ts'
import { digest } from './events.ts'

/** What the `ws` package makes of a stream: what it tells, and the name of the error that it stops with. */
interface Read {
  events: string[]
  error: string | undefined
}

/** The part of the `ws` package's receiver that is used here; its types do not have it. */
interface WsReceiver {
  _write(chunk: Buffer, encoding: string, callback: (error?: Error & { code?: string }) => void): void
  on(event: string, listener: (payload: Buffer | number, more: boolean | Buffer) => void): void
}
const { Receiver } = ws as unknown as {
  Receiver: new (options: { isServer: boolean; maxPayload: number; maxFragments: number }) => WsReceiver
}

/**
 * That the `ws` package takes a stream as heartwire does. Known differences, where only what comes before is compared:
 *
 * - a length that is not minimal: `ws` takes it;
 * - a text that cannot become UTF-8 any more: `ws` says so when the message is whole, and takes control frames until then;
 * - too many fragments: `ws` says so when the fragment is whole;
 * - a message that is too large, and a Close frame of 1 byte: `ws` needs less of the frame to say so.
 */
export function compareWithWs(stream: Uint8Array, side: Side, limits: Limits, events: readonly string[]): void {
  const theirs = readByWs(stream, side, limits)
  const last = events.at(-1)
  const violation = last?.startsWith('violation') ? last.split(' ')[1]! : undefined
  const ours = violation === undefined ? events : events.slice(0, -1)
  const goesOn = violation === 'LENGTH_NOT_MINIMAL' || violation === 'INVALID_UTF8'
  mustEqual('ws', goesOn ? theirs.events.slice(0, ours.length) : theirs.events, ours)
  if (goesOn || violation === 'TOO_MANY_FRAGMENTS') return
  if (violation === undefined) {
    const early = theirs.error === undefined || EARLY.has(theirs.error)
    must(early, () => `ws refuses with ${theirs.error} what is taken here`)
  } else {
    must(theirs.error !== undefined, () => `ws takes what is refused here with ${violation}`)
  }
}

const EARLY = new Set(['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'])

function readByWs(stream: Uint8Array, side: Side, limits: Limits): Read {
  const read: Read = { events: [], error: undefined }
  const receiver = new Receiver({ isServer: side === 'server', ...limits })
  receiver.on('message', (payload, binary) => read.events.push(`${binary ? 'binary' : 'text'} ${shown(payload)}`))
  receiver.on('ping', (payload) => read.events.push(`ping ${shown(payload)}`))
  receiver.on('pong', (payload) => read.events.push(`pong ${shown(payload)}`))
  receiver.on('conclude', (code, reason) => read.events.push(`close ${code} ${shown(reason)}`))
  // Called as its stream would call it, but at once: an error is told in the callback.
  receiver._write(Buffer.from(stream), 'buffer', (error) => {
    if (error) read.error = error.code ?? 'an error'
  })
  return read
}

function shown(payload: unknown): string {
  return payload instanceof Uint8Array ? digest(payload) : ''
}
