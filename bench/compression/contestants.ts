/** What is compared: servers, the modes of permessage-deflate they have, and sizes of messages. */

export type ServerName = 'ws' | 'bun' | 'heartwire'

/**
 * - `takeover`: what went before is the context of a message, in both directions (RFC 7692 section 7.1.1);
 * - `shared`: no takeover in either direction, so that connections can share what compresses;
 * - `off`: nothing is compressed.
 */
export type Mode = 'takeover' | 'shared' | 'off'

export const MODES: readonly Mode[] = ['takeover', 'shared', 'off']

export interface Contestant {
  /** `ws/takeover` */
  name: string
  server: ServerName
  mode: Mode
}

export const CONTESTANTS: readonly Contestant[] = MODES.flatMap((mode) =>
  (['ws', 'bun', 'heartwire'] as const).map((server) => ({ name: `${server}/${mode}`, server, mode })),
)

export interface Size {
  label: string
  bytes: number
  /** Messages of each connection before the measured ones, and the measured ones. */
  warmup: number
  messages: number
}

export const SIZES: readonly Size[] = [
  { label: '200B', bytes: 200, warmup: 150, messages: 400 },
  { label: '2KiB', bytes: 2048, warmup: 80, messages: 200 },
  { label: '64KiB', bytes: 65_536, warmup: 8, messages: 20 },
]

/** What the connections exchange whose memory is measured: more than a window of 32 KiB holds. */
export const HELD = { bytes: 2048, messages: 18 } as const
