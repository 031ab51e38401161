/** The same scripts on `ws` and on heartwire/ws: each end has to write down the same, whatever the other end is. */
import * as ours from 'heartwire/ws'
import { describe, expect, it } from 'vitest'
import * as ws from 'ws'
import { CLOSING } from './closing.scripts.ts'
import { COMPRESSION } from './compression.scripts.ts'
import { EVENTS } from './events.scripts.ts'
import { HANDSHAKES } from './handshake.scripts.ts'
import { LIFE } from './life.scripts.ts'
import { REDIRECTS } from './redirect.scripts.ts'
import { run, type Script } from './script.ts'
import { SERVERS } from './servers.scripts.ts'
import { type Library, type Logs, Stage } from './stage.ts'
import { STREAMS } from './streams.scripts.ts'
import { VIOLATIONS } from './violations.scripts.ts'

const theirs = ws as unknown as Library
const PAIRS: [name: string, server: Library, client: Library][] = [
  ['our server', ours, theirs],
  ['our client', theirs, ours],
  ['both', ours, ours],
]

const tables: [name: string, scripts: Script[]][] = [
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

async function logsOf(script: Script, server: Library, client: Library): Promise<Partial<Logs>> {
  const stage = new Stage(server, client)
  await run(script, stage)
  const { ignore, only } = script
  const logs: Partial<Logs> = { ...stage.logs }
  if (ignore !== undefined) delete logs[ignore]
  if (only !== undefined) {
    for (const role of Object.keys(logs) as (keyof Logs)[]) logs[role] = logs[role]!.filter((line) => only.test(line))
  }
  return logs
}

describe.each(tables)('%s', (_name, scripts) => {
  it.each(scripts)('$name', async (script) => {
    const expected = await logsOf(script, theirs, theirs)
    for (const [name, server, client] of PAIRS) {
      expect({ name, ...(await logsOf(script, server, client)) }).toEqual({ name, ...expected })
    }
  })
})
