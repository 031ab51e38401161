/** The attackers: a process of their own. Arguments: the scenario's name, the plan as JSON, and the port. */
import { answer } from '../support/child.ts'
import { UsageMeter } from '../support/usage.ts'
import { Attack } from './attack.ts'
import type { Plan } from './scenario.ts'
import { findScenario } from './scenarios.ts'

export interface AttackReport {
  /** How many attackers were answered what; see `RawClient`. */
  outcomes: Record<string, number>
  /** What was done, and how often. */
  done: Record<string, number>
  seconds: number
  /** CPU that the attackers used: 1 is one core, all the time. */
  cpu: number
}

const scenario = findScenario(process.argv[2])
const plan = JSON.parse(process.argv[3] ?? '') as Plan
const port = Number(process.argv[4])

let enough = () => {}
const serverDid = new Promise<void>((resolve) => {
  enough = resolve
})

answer({
  enough: () => enough(),
  async attack(): Promise<AttackReport> {
    const meter = new UsageMeter()
    const attack = new Attack(port, plan, serverDid)
    await scenario.attack(attack)
    const { seconds, cpu } = meter.mark()
    await attack.finish()
    return { outcomes: attack.outcomes, done: attack.done, seconds, cpu }
  },
})
