import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { Child } from '../support/child.ts'
import type { AttackReport } from './attackers.ts'
import type { ClientsMark, ClientsReport } from './clients.ts'
import { type Plan, type Scenario, scaled } from './scenario.ts'
import type { ServerMark } from './server.ts'
import { judge } from './verdict.ts'

/** A part of a run, as the server and the well-behaved clients saw it. */
export interface Phase {
  server: ServerMark
  clients: ClientsMark
}

export interface Result {
  name: string
  title: string
  /** What the server had beside its defaults. */
  limits: string
  before: Phase
  during: Phase
  after: Phase
  attack: AttackReport
  clients: ClientsReport
  /** What the server still had when the attackers were gone. */
  left: ServerMark['connections']
  /** Bytes that the attackers could make the server hold by its documented limits. */
  mayHold: number
  /** What did not hold; nothing, when everything did. */
  failures: string[]
}

/** Well-behaved clients at full scale, and the fewest. */
const CLIENTS = 50
const FEWEST_CLIENTS = 5
/** The longest that the server may take to do what attackers wait for, and to let go of them, in milliseconds. */
const PATIENCE = 15_000

const here = dirname(fileURLToPath(import.meta.url))
const program = (name: string) => join(here, `${name}.js`)

/** Runs one scenario: half the attack's time before it, and the same after it. */
export async function measure(scenario: Scenario, plan: Plan): Promise<Result> {
  const children: Child[] = []
  const start = (name: string, ...args: string[]) => {
    const child = new Child(program(name), args)
    children.push(child)
    return child
  }
  try {
    const server = start('server', scenario.name, JSON.stringify(plan))
    const port = String(await server.ask<number>('port'))
    const clients = start('clients', port)
    const attackers = start('attackers', scenario.name, JSON.stringify(plan), port)
    const mark = async (): Promise<Phase> => ({ server: await server.ask('mark'), clients: await clients.ask('mark') })

    const wellBehaved = scaled(plan, CLIENTS, FEWEST_CLIENTS)
    await clients.ask('open', wellBehaved)
    await server.ask('startNews')
    // What the first messages cost is not a matter of the attack.
    await sleep(plan.seconds * 100)
    await mark()
    await sleep(plan.seconds * 500)
    const before = await mark()
    const [attack] = await Promise.all([attackers.ask<AttackReport>('attack'), enough(server, attackers, plan)])
    const during = await mark()
    await sleep(plan.seconds * 500)
    const after = await mark()

    await clients.ask('stop')
    const lastNews = await server.ask<number>('stopNews')
    const report = await clients.ask<ClientsReport>('report', lastNews)
    const alive = report.clients - report.died
    let left = after.server.connections
    for (const since = performance.now(); left.tcp > alive && performance.now() - since < PATIENCE; ) {
      await sleep(20)
      left = (await server.ask<ServerMark>('mark')).connections
    }
    const result = {
      name: scenario.name,
      title: scenario.title(plan),
      limits: describeLimits(scenario, plan),
      before,
      during,
      after,
      attack,
      clients: report,
      left,
      mayHold: scenario.mayHold(plan),
    }
    return { ...result, failures: judge(result, scenario) }
  } finally {
    await Promise.all(children.map((child) => child.stop()))
  }
}

/** Tells the attackers when the server has done what they wait for, or has not for too long after their time. */
async function enough(server: Child, attackers: Child, { seconds }: Plan): Promise<void> {
  const end = performance.now() + seconds * 1e3 + PATIENCE
  while (!(await server.ask<boolean>('isEnough')) && performance.now() < end) await sleep(20)
  await attackers.ask('enough')
}

function describeLimits(scenario: Scenario, plan: Plan): string {
  const limits = { ...scenario.limits?.(plan), ...scenario.forStrangers?.(plan) }
  return Object.entries(limits)
    .map(([name, value]) => `${name}: ${inspect(value)}`)
    .join(', ')
}
