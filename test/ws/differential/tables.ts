/** All scripts, by what they are about. */
import { CLOSING } from './closing.scripts.ts'
import { COMPRESSION } from './compression.scripts.ts'
import { EVENTS } from './events.scripts.ts'
import { HANDSHAKES } from './handshake.scripts.ts'
import { LIFE } from './life.scripts.ts'
import { REDIRECTS } from './redirect.scripts.ts'
import type { Script } from './script.ts'
import { SERVERS } from './servers.scripts.ts'
import { STREAMS } from './streams.scripts.ts'
import { VIOLATIONS } from './violations.scripts.ts'

export const TABLES: [name: string, scripts: Script[]][] = [
  ['life', LIFE],
  ['closing', CLOSING],
  ['violations', VIOLATIONS],
  ['handshakes', HANDSHAKES],
  ['redirects', REDIRECTS],
  ['events', EVENTS],
  ['servers', SERVERS],
  ['compression', COMPRESSION],
  ['streams', STREAMS],
]
