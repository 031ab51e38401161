import { type ConnectOptions, compileOptions, type Settings } from '../client/options.ts'
import { ArgumentError } from '../protocol/error.ts'
import { shown } from '../protocol/quote.ts'
import { checkNames } from '../socket/option-names.ts'
import { domString, isObject, sequence } from './idl.ts'

/** What heartwire's client has beside the standard. Those that are not explained here are as for `connect`. */
interface ClientOptions
  extends Pick<
    ConnectOptions,
    | 'headers'
    | 'handshakeTimeout'
    | 'tls'
    | 'proxy'
    | 'socketPath'
    | 'heartbeat'
    | 'compression'
    | 'maxPayload'
    | 'closeTimeout'
  > {
  /** Gives up before it is open. */
  signal?: AbortSignal | undefined
}

/** What may stand in place of the subprotocols when a WebSocket is made. */
export interface WebSocketOptions extends ClientOptions {
  /** The subprotocols to ask for. */
  protocols?: string | readonly string[] | undefined
  /** Most bytes that may wait for the peer; above it the connection fails. Default: no limit but that of `sendBudget`. */
  maxBuffered?: number
}

/** The options of a WebSocketStream: the draft has `protocols` and `signal`. */
export interface WebSocketStreamOptions extends ClientOptions {
  /** The subprotocols to ask for. */
  protocols?: readonly string[] | undefined
}

const NAMES: readonly string[] = Object.keys({
  protocols: 0,
  headers: 0,
  signal: 0,
  handshakeTimeout: 0,
  tls: 0,
  proxy: 0,
  socketPath: 0,
  heartbeat: 0,
  compression: 0,
  maxPayload: 0,
  maxBuffered: 0,
  closeTimeout: 0,
} satisfies Record<keyof WebSocketOptions, 0>)

/** Everything but the URL that a connection is made from. */
export interface Request {
  readonly protocols: readonly string[]
  readonly signal: AbortSignal | undefined
  readonly settings: Settings
}

/** Reads the second argument of `new WebSocket`. @throws ArgumentError that names an option and its value */
export function webSocketRequest(second: unknown): Pick<Request, 'protocols'> & { options: WebSocketOptions } {
  if (!isObject(second)) return { protocols: second === undefined ? [] : [domString(second)], options: {} }
  if (Symbol.iterator in second) return { protocols: sequence(second, domString, 'protocols'), options: {} }
  const options: WebSocketOptions = second
  const { protocols } = options
  if (protocols === undefined) return { protocols: [], options }
  return {
    protocols: typeof protocols === 'string' ? [protocols] : sequence(protocols, domString, 'The option protocols'),
    options,
  }
}

/** The options of `connect` that these stand for. @throws ArgumentError that names the option and its value */
export function settingsFor(
  options: WebSocketOptions,
  protocols: readonly string[],
  whose: string,
  more: ConnectOptions,
): Settings {
  checkNames(options, NAMES, whose)
  const { signal, ...rest } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new ArgumentError(`The option signal is an AbortSignal, not ${shown(signal)}.`)
  }
  return compileOptions({ ...more, ...rest, protocols })
}
