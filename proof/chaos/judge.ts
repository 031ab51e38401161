/** What must hold of a connection, whatever was done to it. */
import { type Stall, stalledWithin, UNNOTICED } from '../support/loop-watch.ts'
import type { Ending, EndReport } from './party.ts'
import type { End, Plan } from './plan.ts'
import type { ProxyReport, Struck } from './proxy.ts'
import { PRECISION, STALL } from './settings.ts'

/**
 * What a heartbeat does one after the other to find a dead peer, each of which waits for the event loop: it reads what came last,
 * its timer comes and reads once more before it pings, and its timer comes and reads once more before it judges.
 */
const STEPS = 5

/** What the three processes have to say of one connection. A report that is not there never came. */
export interface Evidence {
  client: EndReport | undefined
  server: EndReport | undefined
  proxy: ProxyReport | undefined
  /** When the proxy did nothing. */
  proxyStalls: readonly Stall[]
}

/** A peer that was found dead by the heartbeat. */
export interface Detection {
  /** Milliseconds from when the bytes began to vanish, on the machine's clock. */
  after: number
  /** From the last sign of life, without what the stalls of the process that was to find it can have taken of that. */
  own: number
}

export interface Verdict {
  /** What did not hold, a sentence each. */
  wrong: string[]
  detections: Detection[]
  /** A healthy peer was given up, because a process between or at the other end did nothing for too long. */
  excused: boolean
}

/** What has to become of a connection; `open`: a stall that may be survived or not. */
type Fate = 'survives' | 'cut' | 'reset' | 'dead' | 'open'

interface Heartbeat {
  interval: number
  timeout: number
}

export function judge(plan: Plan, heartbeat: Heartbeat, evidence: Evidence): Verdict {
  const verdict: Verdict = { wrong: [], detections: [], excused: false }
  const { wrong } = verdict
  const { client, server, proxy } = evidence
  for (const [end, report] of [
    ['client', client],
    ['server', server],
  ] as const) {
    if (report === undefined) wrong.push(`${end}: no report of the end`)
    else for (const what of report.wrong) wrong.push(`${end}: ${what}`)
  }
  if (proxy === undefined) wrong.push('the proxy has not seen the end of it')
  if (client?.ending === undefined || server?.ending === undefined || proxy === undefined) return verdict

  // What was done when an end had given up already is nothing that it has to report.
  const struck = proxy.struck.filter(({ at }) => at < Math.min(client.closedAt, server.closedAt))
  const stalled = (from: number, to: number) =>
    Math.max(stalledWithin(client.stalls, from, to), stalledWithin(server.stalls, from, to))
  const fate = fateOf(struck, heartbeat, stalled)
  for (const [end, own, peer] of [
    ['client', client, server],
    ['server', server, client],
  ] as const) {
    const { ending } = own
    if (ending === undefined) continue
    const silenced = struck.at(-1)
    if (ending.cause === 'heartbeat' && silenced !== undefined && (fate === 'dead' || fate === 'open')) {
      detected(verdict, end, own, silenced, proxy.lastSwallow[end], heartbeat)
      const idle = (from: number, to: number) =>
        stalledWithin(evidence.proxyStalls, from, to) + stalledWithin(peer.stalls, from, to)
      givenUp(verdict, end, own.closedAt, silenced.lastWrite[end], idle, heartbeat)
    }
    const unexpected = misfit(plan, end, ending, fate)
    if (unexpected === undefined) continue
    if (isExcused(plan, own, peer, evidence, struck, heartbeat)) verdict.excused = true
    else wrong.push(`${end}: ${unexpected}`)
  }
  if (verdict.excused) return verdict
  const missed = plan.strikes.length - struck.length
  if (missed > 0 && fate !== 'dead' && fate !== 'open') wrong.push(`${missed} of the planned faults did not happen`)
  if (fate === 'survives') wrong.push(...undelivered(plan, client, server))
  return verdict
}

/** @param stalled milliseconds for which one of the ends did nothing */
function fateOf(
  struck: readonly Struck[],
  { interval, timeout }: Heartbeat,
  stalled: (from: number, to: number) => number,
): Fate {
  const last = struck.at(-1)
  if (last === undefined) return 'survives'
  if (last.how === 'cut' || last.how === 'reset') return last.how
  if (last.how === 'half-open') return 'dead'
  const until = last.until ?? Number.POSITIVE_INFINITY
  const lasted = until - last.at
  if (lasted < timeout - 2 * PRECISION) return 'survives'
  return lasted - stalled(last.at, until) > interval + timeout + 2 * PRECISION ? 'dead' : 'open'
}

/** What is wrong with how an end reports that a connection of this fate has ended. */
function misfit(plan: Plan, end: End, ending: Ending, fate: Fate): string | undefined {
  const closes = plan.closes === end
  const survived: Ending = {
    cause: closes ? 'local-close' : 'peer-close',
    initiator: closes ? 'local' : 'peer',
    sent: plan.code,
    received: plan.code,
    reason: closes ? '' : plan.reason,
    wasClean: true,
    error: undefined,
  }
  const dead = lost('heartbeat', 'local')
  const right: Record<Fate, Ending[]> = {
    survives: [survived],
    cut: [lost('eof', 'peer')],
    reset: [lost('reset', 'peer')],
    dead: [dead],
    open: [survived, dead, lost('eof', 'peer'), lost('reset', 'peer')],
  }
  if (right[fate].some((one) => isLike(ending, one))) return undefined
  return `ended with ${JSON.stringify(ending)}; right would be ${right[fate].map((one) => one.cause).join(' or ')}`
}

/** The end of a connection without Close frames. */
function lost(cause: Ending['cause'], initiator: 'local' | 'peer'): Ending {
  const error = cause === 'heartbeat' ? 'HeartbeatError' : undefined
  return { cause, initiator, sent: undefined, received: undefined, reason: '', wasClean: false, error }
}

function isLike(ending: Ending, right: Ending): boolean {
  // A reset comes with the system's error.
  const { error, ...rest } = right
  const same = Object.entries(rest).every(([key, value]) => ending[key as keyof Ending] === value)
  return same && (right.cause === 'reset' || ending.error === error)
}

/** A dead peer has to be found within interval and timeout, and the precision of both. */
function detected(
  { wrong, detections }: Verdict,
  end: End,
  { closedAt, lastMessageAt, stalls }: EndReport,
  { at }: Struck,
  lastSwallow: number,
  { interval, timeout }: Heartbeat,
): void {
  // What had arrived before counts when it is read, and what the kernel takes after it was full is a sign of life.
  const from = Math.max(at, lastMessageAt, lastSwallow)
  const own = closedAt - from - heldUp(stalls, from, closedAt)
  detections.push({ after: closedAt - at, own })
  const latest = interval + timeout + 2 * PRECISION + STEPS * UNNOTICED
  if (own > latest) wrong.push(`${end}: found the dead peer after ${Math.round(own)} ms, later than ${latest} ms`)
}

/**
 * The most that an end's stalls can have added to the time in which it finds a dead peer: those in which the library's clock
 * stands still, and of the others the longest, one for each step. A loop that is busy all the time excuses no more than that.
 */
function heldUp(stalls: readonly Stall[], from: number, to: number): number {
  const lengths = stalls.map((stall) => stalledWithin([stall], from, to)).toSorted((a, b) => b - a)
  const long = lengths.filter((length) => length > STALL).length
  return lengths.slice(0, long + STEPS).reduce((sum, length) => sum + length, 0)
}

/**
 * A peer must not be given up before interval and timeout, the first of which is shorter by up to half, by chance. What it was given
 * last may have come too late to be read, where the processes that were to give it something before did nothing.
 */
function givenUp(
  verdict: Verdict,
  end: End,
  closedAt: number,
  lastWrite: number,
  idle: (from: number, to: number) => number,
  { interval, timeout }: Heartbeat,
): void {
  const earliest = interval / 2 + timeout
  const silent = closedAt - lastWrite
  if (silent >= earliest - 1) return
  if (idle(closedAt - earliest, closedAt) > timeout / 2) verdict.excused = true
  else verdict.wrong.push(`${end}: gave its peer up after ${Math.round(silent)} ms of silence, before ${earliest} ms`)
}

/**
 * Whether a heartbeat that nothing was planned for had its reason all the same: for more than half of its timeout the proxy
 * or the other end's process did nothing, or the plan was late. A process's own stalls are no excuse: the library has to
 * see to them.
 */
function isExcused(
  plan: Plan,
  own: EndReport,
  peer: EndReport,
  { proxyStalls }: Evidence,
  struck: readonly Struck[],
  { timeout }: Heartbeat,
): boolean {
  const gaveUp = [own, peer].find(({ ending }) => ending?.cause === 'heartbeat')
  if (gaveUp === undefined) return false
  const [from, to] = [gaveUp.closedAt - timeout, gaveUp.closedAt]
  const held = struck.map(({ at, until }) => ({ from: at, to: until ?? to }))
  const silences = [held, proxyStalls, (gaveUp === own ? peer : own).stalls]
  const silent = silences.reduce((sum, stalls) => sum + stalledWithin(stalls, from, to), 0)
  return silent + 2 * (plan.delay + plan.jitter) > timeout / 2
}

/** A connection that is closed in good order has lost nothing. */
function undelivered(plan: Plan, client: EndReport, server: EndReport): string[] {
  const wrong: string[] = []
  const check = (receiver: End, received: number, due: number) => {
    if (received < due) wrong.push(`${receiver}: ${received} of ${due} messages were delivered`)
  }
  // Whoever closes early does not wait for what the other end still sends.
  if (plan.closes === 'server' || !plan.early) check('client', client.received, plan.down.length)
  if (plan.closes === 'client' || !plan.early) check('server', server.received, plan.up.length)
  return wrong
}
