import type { Result } from './measure.ts'
import { MIB, type Scenario } from './scenario.ts'

/** Beside what attackers make a server hold: what V8 lets lie until it collects, and what the allocator keeps. */
const SLACK = 64 * MIB
/** Lines of the log: 5 about origins and 5 about the rest in 10 s, and one each for what was left out. */
const LINES_IN_10_S = 12

/** What did not hold, in sentences. */
export function judge(result: Omit<Result, 'failures'>, scenario: Scenario): string[] {
  const { clients, before, during, after, attack, mayHold, left } = result
  const failures: string[] = []
  const must = (holds: boolean, otherwise: string) => {
    if (!holds) failures.push(otherwise)
  }

  must(
    clients.died === 0,
    `${clients.died} of ${clients.clients} well-behaved clients lost their connection: ${clients.deaths[0]}`,
  )
  must(clients.echoed === clients.sent, `of ${clients.sent} messages ${clients.echoed} were echoed`)
  must(
    clients.newsReceived === clients.newsDue,
    `of ${clients.newsDue} published messages ${clients.newsReceived} arrived`,
  )
  must(clients.newsDue > 0, 'nothing was published')
  must(clients.disordered === 0, `${clients.disordered} messages came twice or out of order`)
  must(clients.answers, 'a newcomer was not answered after the attack')

  const grown = during.server.peakRss - before.server.rss
  must(
    grown <= mayHold + SLACK,
    `memory grew by ${mib(grown)}; the limits allow ${mib(mayHold)}, and ${mib(SLACK)} is slack`,
  )
  const alive = clients.clients - clients.died
  must(
    left.webSocket === alive,
    `the server has ${left.webSocket} sockets after the attack, and ${alive} clients are there`,
  )
  must(
    left.tcp === alive,
    `the server has ${left.tcp} TCP connections after the attack, and ${alive} clients are there`,
  )
  const seconds = before.server.seconds + during.server.seconds + after.server.seconds
  const lines = LINES_IN_10_S * (1 + Math.ceil(seconds / 10))
  must(after.server.logged <= lines, `${after.server.logged} lines were logged in ${Math.round(seconds)} s`)

  const { always, perhaps = [] } = scenario.expects
  for (const outcome of always) must((attack.outcomes[outcome] ?? 0) > 0, `no attacker saw "${outcome}"`)
  for (const [outcome, count] of Object.entries(attack.outcomes)) {
    must(always.includes(outcome) || perhaps.includes(outcome), `${count} attackers saw "${outcome}"`)
  }
  return failures
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`
}
