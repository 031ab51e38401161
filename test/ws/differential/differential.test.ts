/** The same scripts on `ws` and on heartwire/ws: each end has to write down the same, whatever the other end is. */
import * as ours from 'heartwire/ws'
import { describe, expect, it } from 'vitest'
import * as ws from 'ws'
import { run, type Script } from './script.ts'
import { type Library, type Logs, Stage } from './stage.ts'
import { TABLES } from './tables.ts'

const theirs = ws as unknown as Library
const PAIRS: [name: string, server: Library, client: Library][] = [
  ['our server', ours, theirs],
  ['our client', theirs, ours],
  ['both', ours, ours],
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

describe.each(TABLES)('%s', (_name, scripts) => {
  it.each(scripts)('$name', async (script) => {
    const expected = await logsOf(script, theirs, theirs)
    for (const [name, server, client] of PAIRS) {
      expect({ name, ...(await logsOf(script, server, client)) }).toEqual({ name, ...expected })
    }
  })
})
