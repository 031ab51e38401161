/** The load generator: does what the lines of its standard input say, until it ends. See commands.ts. */
import { createInterface } from 'node:readline'
import type { Answer, Command } from './commands.ts'
import type { Agreement } from './load/agreement.ts'
import { runEcho } from './load/echo.ts'
import { hold } from './load/hold.ts'
import type { Peer } from './load/peer.ts'
import { take } from './load/prepared.ts'

/** What is open. */
let peers: Peer[] = []
/** Checks the answers that were kept of it, and says how many. */
let check = (): number => 0

const say = (answer: Answer): void => void process.stdout.write(`${JSON.stringify(answer)}\n`)

async function obey(command: Command): Promise<void> {
  if (command.do === 'echo') {
    const run = await runEcho(command, () => say({ say: 'begin' }))
    peers = run.peers
    check = () => checkAll(command.bytes, command.seed, run.agreement)
    say({ say: 'measured', measured: run.measured })
  } else if (command.do === 'hold') {
    const held = await hold(command, peers.length)
    peers.push(...held.peers)
    say({ say: 'held', connections: peers.length, agreed: held.agreed })
  } else {
    for (const peer of peers) peer.release()
    const checked = check()
    peers = []
    check = () => 0
    say({ say: 'released', checked })
  }
}

function checkAll(bytes: number, seed: number, agreement: Agreement | undefined): number {
  let checked = 0
  for (const { answers, answered, number } of peers) {
    checked += answers?.check(take(bytes, seed, number, answered), answered, agreement) ?? 0
  }
  return checked
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    await obey(JSON.parse(line) as Command)
  } catch (error) {
    say({ say: 'failed', why: error instanceof Error ? error.message : String(error) })
  }
}
process.exit(0)
