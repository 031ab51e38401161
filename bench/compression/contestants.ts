/** What is compared: servers, the modes of permessage-deflate they have, and sizes of messages. */

import type { Compression } from '../servers/control.ts'

export type ServerName = 'ws' | 'faye-websocket' | 'bun' | 'heartwire'

export const MODES: readonly Compression[] = ['takeover', 'shared', 'off']

export interface Contestant {
  /** `ws/takeover` */
  name: string
  server: ServerName
  mode: Compression
}

export const CONTESTANTS: readonly Contestant[] = MODES.flatMap((mode) =>
  (['ws', 'faye-websocket', 'bun', 'heartwire'] as const).map((server) => ({
    name: `${server}/${mode}`,
    server,
    mode,
  })),
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
