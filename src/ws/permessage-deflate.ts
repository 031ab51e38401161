import { deflateCodec } from '../compression/codec.ts'
import type { MessageCodec } from '../protocol/message-codec.ts'
import type { DeflateParameters } from '../protocol/permessage-deflate.ts'
import type { ExtensionParams } from './extension.ts'

/** How messages are compressed (RFC 7692). Windows are powers of two, 8 to 15. */
export interface PerMessageDeflateOptions {
  /** What a server asks of its clients' windows; a client: the largest that it keeps to. False: not to be bounded. */
  clientMaxWindowBits?: number | boolean | undefined
  clientNoContextTakeover?: boolean | undefined
  /** Without an effect: the process has one limit for all. */
  concurrencyLimit?: number | undefined
  serverMaxWindowBits?: number | boolean | undefined
  serverNoContextTakeover?: boolean | undefined
  /** Messages of fewer bytes are not compressed by an end without context takeover. Default 1024. */
  threshold?: number | undefined
  /** Of these, `level` and `windowBits` have an effect. */
  zlibDeflateOptions?: object | undefined
  /** Without an effect. */
  zlibInflateOptions?: object | undefined
}

/** What one end offers, or both have agreed on, by the names in the header. */
export interface DeflateParams {
  server_no_context_takeover?: true
  client_no_context_takeover?: true
  server_max_window_bits?: number
  client_max_window_bits?: number | true
}

const EXTENSION_NAME = 'permessage-deflate'
const WINDOWS = ['client_max_window_bits', 'server_max_window_bits']
const TAKEOVERS = ['client_no_context_takeover', 'server_no_context_takeover']
/** zlib's own default. */
const LEVEL = 6

/** permessage-deflate as `ws` negotiates it; the engine does the work. */
export class PerMessageDeflate {
  static readonly extensionName = EXTENSION_NAME
  /** What was agreed on; null before. */
  params: DeflateParams | null = null
  /** @internal */ readonly _options: PerMessageDeflateOptions
  /** @internal */ readonly _isServer: boolean

  constructor(options: PerMessageDeflateOptions & { isServer?: boolean | undefined } = {}) {
    this._options = options
    this._isServer = options.isServer === true
  }

  /** What a client offers. */
  offer(): Record<string, string | number | true> {
    const { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } = this._options
    return {
      ...(serverNoContextTakeover ? { server_no_context_takeover: true as const } : {}),
      ...(clientNoContextTakeover ? { client_no_context_takeover: true as const } : {}),
      ...(serverMaxWindowBits ? { server_max_window_bits: serverMaxWindowBits } : {}),
      ...(clientMaxWindowBits
        ? { client_max_window_bits: clientMaxWindowBits }
        : clientMaxWindowBits === undefined || clientMaxWindowBits === null
          ? { client_max_window_bits: true as const }
          : {}),
    }
  }

  /**
   * Takes the offers of a client, or the answer of a server.
   * @throws Error when there is none that can be accepted
   */
  accept(configurations: readonly ExtensionParams[]): DeflateParams {
    const given = configurations.map((params) => this._read(params))
    this.params = this._isServer ? this._acceptOffer(given) : this._acceptAnswer(given[0] ?? {})
    return this.params
  }

  /** There is nothing to let go of. */
  cleanup(): void {}

  /** @internal What does it for a connection. */
  codec(): MessageCodec {
    const { params, _options: options, _isServer: isServer } = this
    const agreed: DeflateParameters = {
      serverNoContextTakeover: params?.server_no_context_takeover === true,
      clientNoContextTakeover: params?.client_no_context_takeover === true,
      serverMaxWindowBits: params?.server_max_window_bits ?? 15,
      clientMaxWindowBits: typeof params?.client_max_window_bits === 'number' ? params.client_max_window_bits : 15,
    }
    const alone = isServer ? agreed.serverNoContextTakeover : agreed.clientNoContextTakeover
    const { level, windowBits } = (options.zlibDeflateOptions ?? {}) as { level?: number; windowBits?: number }
    const settings = {
      mode: alone ? ('shared' as const) : ('takeover' as const),
      level: level !== undefined && level >= 1 && level <= 9 ? level : LEVEL,
      threshold: alone ? (options.threshold ?? 1024) : 0,
      windowBits: windowBits !== undefined && windowBits >= 9 && windowBits <= 15 ? windowBits : 15,
      maxRatio: Number.POSITIVE_INFINITY,
    }
    return deflateCodec(settings, agreed, isServer ? 'server' : 'client')
  }

  /** @internal */ _acceptOffer(offers: readonly DeflateParams[]): DeflateParams {
    const { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } = this._options
    const accepted = offers.find((offer) => {
      const { server_max_window_bits: bits } = offer
      if (serverNoContextTakeover === false && offer.server_no_context_takeover) return false
      if (bits !== undefined && serverMaxWindowBits === false) return false
      if (bits !== undefined && typeof serverMaxWindowBits === 'number' && serverMaxWindowBits > bits) return false
      const { client_max_window_bits: clientBits } = offer
      if (typeof clientMaxWindowBits !== 'number' || clientBits === true) return true
      return clientBits !== undefined && clientMaxWindowBits <= clientBits
    })
    if (accepted === undefined) throw new Error('None of the extension offers can be accepted')
    if (serverNoContextTakeover) accepted.server_no_context_takeover = true
    if (clientNoContextTakeover) accepted.client_no_context_takeover = true
    if (typeof serverMaxWindowBits === 'number') accepted.server_max_window_bits = serverMaxWindowBits
    if (typeof clientMaxWindowBits === 'number') accepted.client_max_window_bits = clientMaxWindowBits
    else if (accepted.client_max_window_bits === true || clientMaxWindowBits === false) {
      delete accepted.client_max_window_bits
    }
    return accepted
  }

  /** @internal */ _acceptAnswer(answer: DeflateParams): DeflateParams {
    const { clientNoContextTakeover, clientMaxWindowBits } = this._options
    const { client_max_window_bits: bits } = answer
    if (clientNoContextTakeover === false && answer.client_no_context_takeover) {
      throw new Error('Unexpected parameter "client_no_context_takeover"')
    }
    if (bits === undefined) {
      if (typeof clientMaxWindowBits === 'number') answer.client_max_window_bits = clientMaxWindowBits
    } else if (
      clientMaxWindowBits === false ||
      (typeof clientMaxWindowBits === 'number' && Number(bits) > clientMaxWindowBits)
    ) {
      throw new Error('Unexpected or invalid parameter "client_max_window_bits"')
    }
    return answer
  }

  /** @internal */ _read(given: ExtensionParams): DeflateParams {
    const params: Record<string, number | true> = {}
    for (const [key, values] of Object.entries(given)) {
      const [value = true] = values
      if (values.length > 1) throw new Error(`Parameter "${key}" must have only a single value`)
      if (!WINDOWS.includes(key) && !TAKEOVERS.includes(key)) throw new Error(`Unknown parameter "${key}"`)
      const isHint = value === true && (TAKEOVERS.includes(key) || (this._isServer && key === 'client_max_window_bits'))
      if (!isHint && !(WINDOWS.includes(key) && isWindow(Number(value)) && value !== true)) {
        throw new TypeError(`Invalid value for parameter "${key}": ${value}`)
      }
      params[key] = value === true ? true : Number(value)
    }
    return params
  }
}

function isWindow(bits: number): boolean {
  return Number.isInteger(bits) && bits >= 8 && bits <= 15
}
