import type { Duplex } from 'node:stream'
import { ArgumentError } from '../protocol/error.ts'
import { findAddon } from './addon.ts'
import { NativeTransport } from './native.ts'
import { NodeTransport } from './node.ts'
import type { Transport } from './transport.ts'

/** Which transport to use for plain sockets: `'auto'` is the native one where it can be had, and Node's otherwise. */
export type TransportOption = 'auto' | 'native' | 'node'

export const TRANSPORT_OPTIONS: readonly TransportOption[] = ['auto', 'native', 'node']

export interface TransportChoice {
  readonly transport: 'native' | 'node'
  /** Why it is that one. */
  readonly reason: string
  /** Whether it must be that one. */
  readonly must: boolean
  /** Whether it would be the native one if there were one. */
  readonly isFallback: boolean
}

/** @throws ArgumentError when it is to be the native one, and cannot be */
export function chooseTransport(option: TransportOption): TransportChoice {
  const choice = { must: option !== 'auto', isFallback: false }
  if (option === 'node') return { ...choice, transport: 'node', reason: "the option transport is 'node'" }
  const { addon, reason, meant } = findAddon()
  if (addon !== undefined) return { ...choice, transport: 'native', reason: 'the native addon is there' }
  if (option === 'native') throw cannotBeNative(reason)
  return { ...choice, transport: 'node', reason, isFallback: !meant }
}

/** @throws ArgumentError when TLS is to be native: it is read and written by Node */
export function checkTls({ transport, must }: TransportChoice): void {
  if (must && transport === 'native') throw cannotBeNative('TLS is left to Node')
}

function cannotBeNative(reason: string): ArgumentError {
  return new ArgumentError(`The option transport cannot be 'native': ${reason}.`)
}

let told = false

/** Says that Node's sockets are used though nobody has asked for them, once in a thread. */
export function tellFallback({ isFallback, reason }: TransportChoice, log: (line: string) => void): void {
  if (!isFallback || told) return
  told = true
  log(`heartwire uses Node's sockets, not its native transport: ${reason}. If that is meant, set HEARTWIRE_NATIVE=0.`)
}

/**
 * The transport for a stream. One that is not a plain socket has Node's, whatever was chosen.
 * @param early what was read from it already
 * @param remoteAddress where it is known better than by the stream
 */
export function transportFor(
  { transport }: TransportChoice,
  stream: Duplex,
  early: readonly Uint8Array[] = [],
  remoteAddress?: string,
): Transport {
  const native = transport === 'native' ? NativeTransport.takeOver(stream, early, remoteAddress) : undefined
  if (native !== undefined) return native
  if (early.length > 0) stream.unshift(early.length === 1 ? early[0] : Buffer.concat(early))
  return new NodeTransport(stream, remoteAddress)
}
