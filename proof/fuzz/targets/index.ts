import type { Target } from '../target.ts'
import { clientHandshake } from './client-handshake.ts'
import { close } from './close.ts'
import { connection } from './connection.ts'
import { deflate } from './deflate.ts'
import { frame } from './frame.ts'
import { headers } from './headers.ts'
import { receiver } from './receiver.ts'
import { serverHandshake } from './server-handshake.ts'

/** Everything that is fuzzed. */
export const TARGETS: readonly Target[] = [
  receiver,
  frame,
  connection,
  deflate,
  close,
  headers,
  serverHandshake,
  clientHandshake,
]
