import type { Output } from '../terminal.ts'
import { LiveLine } from '../terminal.ts'
import { Histogram } from './histogram.ts'
import type { Plan } from './plan.ts'
import type { Runner } from './processes.ts'
import type { Progress } from './tally.ts'
import { count, time } from './units.ts'

export type Phase = 'opening' | 'warming up' | 'running' | 'closing'

/** Kinds of errors that there is room for in a line. */
const SHOWN_KINDS = 3
const BAR = 10
/** Columns from which on there is room for it. */
const WIDE = 120

/** The line that tells once a second how a run is doing. */
export class LiveView {
  private readonly plan: Plan
  private readonly runner: Runner
  private readonly output: Output
  private readonly line: LiveLine
  private readonly started = performance.now()
  private looked = performance.now()
  private received = 0
  /** A look is under way. */
  private busy = false
  private ended = false
  private readonly timer: ReturnType<typeof setInterval>
  private running: number | undefined

  constructor(plan: Plan, runner: Runner, output: Output) {
    this.plan = plan
    this.runner = runner
    this.output = output
    this.line = new LiveLine(output)
    this.timer = setInterval(() => void this.look(), 1_000)
  }

  /** All connections have been tried; messages are sent. */
  beginRunning(): void {
    this.running = performance.now()
  }

  end(): void {
    if (this.ended) return
    this.ended = true
    clearInterval(this.timer)
    this.line.clear()
  }

  private async look(): Promise<void> {
    // A process that is busy may take longer than a second to answer.
    if (this.busy) return
    this.busy = true
    // That a process has ended is found by whoever waits for its run.
    const progress = await this.runner.progress().catch(() => undefined)
    if (progress === undefined || this.ended) return
    const now = performance.now()
    const perSecond = ((progress.received - this.received) / (now - this.looked)) * 1_000
    this.looked = now
    this.received = progress.received
    this.busy = false
    const done = this.done(progress, now)
    const hasRoom = this.output.isTTY === true && (this.output.columns ?? 80) >= WIDE
    const bar = hasRoom && done.share !== undefined ? `${barOf(done.share)} ` : ''
    const seconds = Math.round((now - this.started) / 1_000)
    this.line.show(`${String(seconds).padStart(3)} s  ${bar}${done.text}  ${figures(this.plan, progress, perSecond)}`)
  }

  /** How far it has come. */
  private done({ connections, received }: Progress, now: number): { text: string; share: number | undefined } {
    const { plan, running } = this
    if (running === undefined) {
      const text = `opening ${count(connections.tried)}/${count(plan.connections)}`
      return { text, share: connections.tried / plan.connections }
    }
    const elapsed = now - running
    if (elapsed < plan.warmUp) return { text: 'warming up', share: elapsed / plan.warmUp }
    if (plan.duration !== undefined) {
      const share = Math.min(1, (elapsed - plan.warmUp) / plan.duration)
      return { text: `running ${Math.round(share * 100)} %`, share }
    }
    const wanted = (plan.messages ?? 0) * connections.opened
    const share = Math.min(1, received / wanted)
    return { text: `running ${Math.round(share * 100)} %`, share }
  }
}

function figures(plan: Plan, { connections, errors, latency }: Progress, perSecond: number): string {
  const recent = Histogram.from(latency)
  const total = errors.reduce((sum, { count }) => sum + count, 0)
  const kinds = errors.slice(0, SHOWN_KINDS).map(({ kind, count: number }) => `${kind} ${count(number)}`)
  const more = errors.length > SHOWN_KINDS ? [...kinds, '...'] : kinds
  return [
    `alive ${count(connections.alive)}/${count(plan.connections)}`,
    // Before the rest, which a narrow terminal has no room for.
    `errors ${count(total)}${more.length === 0 ? '' : ` (${more.join(', ')})`}`,
    `qps ${count(perSecond)}`,
    `qpm ${count(perSecond * 60)}`,
    ...(recent.count === 0 ? [] : [`p50 ${time(recent.percentile(50))}`, `p99 ${time(recent.percentile(99))}`]),
  ].join('  ')
}

function barOf(share: number): string {
  return `[${'#'.repeat(Math.round(share * BAR)).padEnd(BAR, '.')}]`
}
