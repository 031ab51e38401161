import { closeCodeName } from '../protocol/close-code.ts'
import { type CloseInfo, describeClose } from '../protocol/close-info.ts'
import { ArgumentError } from '../protocol/error.ts'
import { Opcode, opcodeName } from '../protocol/opcode.ts'
import { oneLine, quote, shown } from '../protocol/quote.ts'
import { redact } from '../protocol/redact.ts'
import { guarded } from '../socket/awaitable.ts'
import { checkBoolean, checkFunctions } from '../socket/check.ts'
import type { ObservedFrame } from '../socket/observed-frame.ts'
import { checkNames } from '../socket/option-names.ts'
import { PrintLimit } from '../socket/print-limit.ts'
import type { ServerSocket } from '../socket/server-socket.ts'

export interface TraceOptions {
  /** For how long; at most 86,400, a day. Default 10. */
  seconds?: number
  /**
   * Whether to show the beginning of each payload, with secrets replaced as far as they have a known form; of none that
   * is compressed. Default false.
   */
  payload?: boolean
  /** Where the lines go: at most 100 a second. When it throws, the trace ends. Default `console.log`. */
  write?: (line: string) => void
  /** Ends the trace. */
  signal?: AbortSignal
}

const TRACE_OPTIONS = Object.keys({ seconds: 0, payload: 0, write: 0, signal: 0 } satisfies Record<
  keyof TraceOptions,
  0
>)

/** How a trace ended. */
export interface TraceResult {
  /** The time was over, the connection closed, the signal fired, or `write` threw. */
  readonly why: 'time' | 'closed' | 'aborted' | 'failed'
  /** Frames that went by. */
  readonly frames: number
  /** Frames without a line of their own, because there were too many in a second. */
  readonly omitted: number
}

/** A day: more is forgotten, not meant. */
const MOST_SECONDS = 86_400
const LINES_PER_SECOND = 100
/** Characters of a text that are shown, and bytes that are read for it. */
const SHOWN = 80
const READ = 1024

/** Prints the frames of one connection until something ends it. */
export class Trace {
  readonly result: Promise<TraceResult>

  private readonly socket: ServerSocket
  private readonly payload: boolean
  private readonly write: (line: string) => void
  private readonly failed: (error: unknown) => void
  private readonly limit = new PrintLimit({ now: () => performance.now(), limit: LINES_PER_SECOND, window: 1_000 })
  private frames = 0
  private omitted = 0
  /** Undoes it; undefined when it is over. */
  private release: (() => void) | undefined
  private resolve!: (result: TraceResult) => void

  /**
   * @param failed is given what `write` throws
   * @throws ArgumentError that names the option and its value
   */
  constructor(socket: ServerSocket, options: TraceOptions, failed: (error: unknown) => void) {
    checkNames(options, TRACE_OPTIONS, 'trace')
    const { seconds = 10, payload = false, write = console.log, signal } = options
    if (typeof seconds !== 'number' || !(seconds > 0 && seconds <= MOST_SECONDS)) {
      throw new ArgumentError(
        `The option seconds is a number above 0 and up to ${MOST_SECONDS}, not ${shown(seconds)}.`,
      )
    }
    checkBoolean('payload', payload)
    checkFunctions(options, ['write'])
    if (signal !== undefined && typeof signal.addEventListener !== 'function') {
      throw new ArgumentError(`The option signal is an AbortSignal, not ${shown(signal)}.`)
    }
    this.socket = socket
    this.payload = payload
    this.write = write
    this.failed = failed
    this.result = new Promise((resolve) => {
      this.resolve = resolve
    })
    const stopObserving = socket.observeFrames((frame) => this.show(frame))
    const timer = setTimeout(() => this.end('time', `${seconds} s have passed`), seconds * 1_000)
    timer.unref()
    const onAbort = () => this.end('aborted', 'it was stopped')
    signal?.addEventListener('abort', onAbort)
    const stopWaiting = socket.onEnd((info) => this.end('closed', this.closing(info)))
    this.release = () => {
      stopObserving()
      stopWaiting()
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    this.print(`Tracing ${socket.id} from ${socket.remoteAddress ?? 'a local peer'} for ${seconds} s.`)
    if (signal?.aborted) onAbort()
  }

  private show(frame: ObservedFrame): void {
    this.frames++
    if (!this.limit.admits()) {
      this.omitted++
      return
    }
    this.sayOmitted()
    this.print(describeFrame(frame, this.payload))
  }

  private sayOmitted(): void {
    const omitted = this.limit.takeOmitted()
    if (omitted > 0) this.print(`${omitted === 1 ? '1 frame' : `${omitted} frames`} not shown.`)
  }

  private closing(info: CloseInfo): string {
    const shown = this.payload ? info : { ...info, reason: '' }
    return `the connection is closed: ${oneLine(describeClose(shown), 300)}`
  }

  private end(why: TraceResult['why'], words: string): void {
    if (this.release === undefined) return
    this.stop(why)
    this.sayOmitted()
    this.print(`The trace of ${this.socket.id} is over, ${words}. Frames: ${this.frames}.`)
  }

  private stop(why: TraceResult['why']): void {
    this.release?.()
    this.release = undefined
    this.resolve({ why, frames: this.frames, omitted: this.omitted })
  }

  private print(line: string): void {
    guarded(
      () => this.write(line),
      (error) => {
        this.stop('failed')
        this.failed(error)
      },
    )
  }
}

/** A frame on a line. */
function describeFrame(frame: ObservedFrame, payload: boolean): string {
  const { direction, fin, rsv1, rsv2, rsv3, opcode, masked, payloadLength } = frame
  const time = new Date(frame.time).toISOString()
  const bits = [fin && 'FIN', rsv1 && 'RSV1', rsv2 && 'RSV2', rsv3 && 'RSV3', masked && 'masked']
  const length = `${rsv1 ? 'compressed, ' : ''}${payloadLength === 1 ? '1 byte' : `${payloadLength} bytes`}`
  const parts = [time, direction.padEnd(3), opcodeName(opcode), ...bits, length, closeCode(frame)]
  if (payload) parts.push(preview(frame))
  return parts.filter((part) => typeof part === 'string').join(' ')
}

function closeCode({ opcode, payload }: ObservedFrame): string | undefined {
  if (opcode !== Opcode.Close || payload.length < 2) return undefined
  const code = payload[0]! * 256 + payload[1]!
  return `${code} (${closeCodeName(code)})`
}

/**
 * The beginning of a payload: text where it is one, else bytes. Of a fragment nobody can tell what is secret in it, and of
 * what is compressed what it says.
 */
function preview({ opcode, fin, rsv1, payload }: ObservedFrame): string | undefined {
  if (opcode === Opcode.Continuation || !fin || rsv1) return undefined
  const content = opcode === Opcode.Close ? payload.subarray(2) : payload
  if (content.length === 0) return undefined
  const text = textOf(content)
  if (text === undefined)
    return `${Buffer.from(content.subarray(0, 16)).toString('hex')}${content.length > 16 ? '…' : ''}`
  // Before it is cut: behind the cut may be what tells that it is secret.
  const whole = redact(text)
  return `${quote(whole.slice(0, SHOWN), SHOWN)}${whole.length > SHOWN || content.length > READ ? '…' : ''}`
}

/** What bytes say, undefined where they are no text; of many only the first, which may end within a character. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, READ), { stream: bytes.length > READ })
  } catch {
    return undefined
  }
}
