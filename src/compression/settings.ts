import type { Side } from '../protocol/error.ts'
import { ArgumentError } from '../protocol/error.ts'
import type { Extension } from '../protocol/extension-negotiation.ts'
import { type DeflateParameters, permessageDeflate } from '../protocol/permessage-deflate.ts'
import { shown } from '../protocol/quote.ts'

/**
 * How messages are compressed. `'off'`: not at all. `'shared'`: each by itself, with zlib streams that all connections
 * share, so that a connection costs no memory for it. `'takeover'`: each may refer to those before it, of which the last
 * `2 ** windowBits` bytes are kept in each direction.
 */
export type CompressionMode = 'off' | 'shared' | 'takeover'

/** How messages are compressed (permessage-deflate, RFC 7692), where the peer does so as well. */
export interface CompressionOptions {
  mode: CompressionMode
  /** zlib's level, 1 to 9: from least work to smallest result. Default 4. */
  level?: number
  /** Messages of fewer bytes are sent as they are. Default 512, and 64 with `'takeover'`. */
  threshold?: number
  /**
   * With `'takeover'`: how many bytes of what went before are kept for each direction, as a power of two, 9 to 15. Default
   * 12: 4 KiB. A client keeps 32 KiB of what its server sends all the same, if that much comes.
   */
  windowBits?: number
  /** How many times larger a compressed message of the peer may become, beyond 16 KiB. Default Infinity. */
  maxRatio?: number
}

/** Compression options with every default filled in. */
export type CompressionSettings = Required<CompressionOptions>

export const NO_COMPRESSION: CompressionSettings = {
  mode: 'off',
  level: 4,
  threshold: 512,
  windowBits: 12,
  maxRatio: Number.POSITIVE_INFINITY,
}

const NAMES = Object.keys(NO_COMPRESSION)
const MODES = ['off', 'shared', 'takeover']

/** @throws ArgumentError that names the option and its value */
export function resolveCompression(
  given: CompressionMode | CompressionOptions | undefined,
  base: CompressionSettings,
): CompressionSettings {
  if (given === undefined) return base
  const options = typeof given === 'string' ? { mode: given } : given
  if (typeof options !== 'object') throw unusable('', given, 'a mode or an object with a mode')
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) {
      throw new ArgumentError(`There is no option compression.${name}; there are ${NAMES.join(', ')}.`)
    }
  }
  const { mode, level = 4, threshold = mode === 'takeover' ? 64 : 512, windowBits = 12, maxRatio = Infinity } = options
  if (!MODES.includes(mode)) throw unusable('.mode', mode, `one of ${MODES.map((one) => `'${one}'`).join(', ')}`)
  if (!isWhole(level, 1, 9)) throw unusable('.level', level, 'a whole number from 1 to 9')
  if (!isWhole(threshold, 0, Number.MAX_SAFE_INTEGER)) throw unusable('.threshold', threshold, 'a number of bytes')
  if (!isWhole(windowBits, 9, 15)) throw unusable('.windowBits', windowBits, 'a whole number from 9 to 15')
  if (!(typeof maxRatio === 'number' && maxRatio >= 1)) throw unusable('.maxRatio', maxRatio, 'a number from 1 on')
  return { mode, level, threshold, windowBits, maxRatio }
}

function unusable(name: string, value: unknown, what: string): ArgumentError {
  return new ArgumentError(`The option compression${name} is ${what}, not ${shown(value)}.`)
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most
}

/** What there is to be negotiated. */
export function extensionsFor(settings: CompressionSettings, side: Side): Extension<DeflateParameters>[] {
  const { mode, windowBits } = settings
  if (mode === 'off') return []
  const alone = mode === 'shared'
  // Not the window of a client's server: those that answer what they were not asked for would then be refused.
  const bounded = side === 'server' && !alone ? { clientMaxWindowBits: windowBits } : {}
  return [permessageDeflate({ serverNoContextTakeover: alone, clientNoContextTakeover: alone, ...bounded })]
}
