/** Child processes that are asked questions: a request is a name and an argument, its answer any JSON. */
import { type ChildProcess, fork } from 'node:child_process'

interface Request {
  id: number
  name: string
  argument: unknown
}

interface Answer {
  id: number
  value?: unknown
  /** The question could not be answered: why. */
  error?: string
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A child process, from the parent's side. It ends with its parent. */
export class Child {
  private readonly process: ChildProcess
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  private readonly ended: Promise<void>
  private nextId = 0

  /**
   * @param file a compiled module, which calls `answer`
   * @param options `flags` for Node; `cores`: the CPU cores to keep it on, by Linux's `taskset`
   */
  constructor(
    file: string,
    args: readonly string[] = [],
    options: { flags?: readonly string[]; cores?: readonly number[] | undefined } = {},
  ) {
    const { flags = [], cores } = options
    const child = fork(file, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [...flags],
      ...(cores !== undefined && { execPath: 'taskset', execArgv: ['-c', cores.join(), process.execPath, ...flags] }),
    })
    this.process = child
    running.add(child)
    child.on('message', (message) => {
      const { id, value, error } = message as Answer
      const asked = this.waiting.get(id)
      this.waiting.delete(id)
      if (error === undefined) asked?.resolve(value)
      else asked?.reject(new Error(error))
    })
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        running.delete(child)
        const error = new Error(`${file} ended with ${signal ?? `exit code ${code}`}`)
        for (const { reject } of this.waiting.values()) reject(error)
        this.waiting.clear()
        resolve()
      })
    })
  }

  get pid(): number {
    return this.process.pid ?? -1
  }

  /** @throws (as a rejection) when the child has ended, or could not answer */
  ask<T>(name: string, argument?: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const id = this.nextId++
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.process.send({ id, name, argument } satisfies Request, (error) => {
        if (error !== null && this.waiting.delete(id)) reject(error)
      })
    })
  }

  /** Kills it, and waits until it has ended. */
  async stop(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.ended
  }
}

/** The child's side: answers what the parent asks, until the parent is gone. */
export function answer(answers: Record<string, (argument: never) => unknown>): void {
  process.on('message', async (message) => {
    const { id, name, argument } = message as Request
    try {
      const value = await answers[name]?.(argument as never)
      process.send?.({ id, value } satisfies Answer)
    } catch (error) {
      process.send?.({
        id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      } satisfies Answer)
    }
  })
  process.on('disconnect', () => process.exit())
}
