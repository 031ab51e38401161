import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Load } from './load.ts'
import type { Plan } from './plan.ts'
import { mergeOutcomes, mergeProgress, type Outcome, type Progress } from './tally.ts'

/** A load, wherever it is made. */
export interface Runner {
  open(): Promise<void>
  run(): Promise<void>
  close(): Promise<Outcome>
  stop(): void
  progress(): Promise<Progress>
  /** Lets go of its processes, however it went. */
  end(): void
}

/** What a process is told to do. */
export type Order = 'open' | 'run' | 'close' | 'stop' | 'progress'

export type Instruction =
  | { readonly plan: Plan; readonly index: number; readonly of: number }
  | { readonly order: Order }

/** What it says when that is done. */
export interface Answer {
  readonly order: Order
  readonly result: unknown
}

/** The load in this process, or in several. */
export function startLoad(plan: Plan, processes: number): Runner {
  if (processes === 1) {
    const load = new Load(plan, { index: 0, of: 1 })
    return {
      open: () => load.open(),
      run: () => load.run(),
      close: () => load.close(),
      stop: () => load.stop(),
      progress: async () => load.progress(),
      end: () => {},
    }
  }
  const workers = Array.from({ length: processes }, (_, index) => new Worker(plan, index, processes))
  const all = (order: Order) => Promise.all(workers.map((worker) => worker.order(order)))
  return {
    open: async () => void (await all('open')),
    run: async () => void (await all('run')),
    close: async () => mergeOutcomes((await all('close')) as Outcome[]),
    stop: () => {
      for (const worker of workers) worker.tell('stop')
    },
    progress: async () => mergeProgress((await all('progress')) as Progress[]),
    end: () => {
      for (const worker of workers) worker.end()
    },
  }
}

/** A process with a part of the load. */
class Worker {
  private readonly child: ChildProcess
  private readonly waiting = new Map<Order, (result: unknown) => void>()
  private readonly gone: Promise<never>

  constructor(plan: Plan, index: number, of: number) {
    const child = fork(new URL('worker.js', import.meta.url), { serialization: 'advanced' })
    this.child = child
    child.on('message', ({ order, result }: Answer) => this.waiting.get(order)?.(result))
    this.gone = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`a load process ended unexpectedly (${signal ?? `exit code ${code}`})`)
    })
    this.gone.catch(() => {})
    child.send({ plan, index, of } satisfies Instruction)
  }

  tell(order: Order): void {
    if (this.child.connected) this.child.send({ order } satisfies Instruction)
  }

  /** Resolves with the answer; rejects when the process has ended without one. */
  order(order: Order): Promise<unknown> {
    const answered = new Promise((resolve) => this.waiting.set(order, resolve))
    this.tell(order)
    return Promise.race([answered, this.gone])
  }

  /** Lets it end. */
  end(): void {
    if (this.child.connected) this.child.disconnect()
  }
}
