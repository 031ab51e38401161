import type { ContestantName } from './contestants.ts'
import type { ServerProcess } from './server-process.ts'

/**
 * Rounds that a process is kept for: what V8 compiles takes a second of load, which would be most of the time if each round had
 * a process of its own; but with a single one for all rounds its luck with memory and compilation would be in all of them.
 */
export const ROUNDS_EACH = 5

/** The servers of a scenario, each with a process that has been warmed up, and is replaced after some rounds. */
export class WarmServers {
  private readonly kept = new Map<ContestantName, { process: ServerProcess; generation: number }>()
  private readonly start: (name: ContestantName) => Promise<ServerProcess>
  private readonly warmUp: (name: ContestantName, process: ServerProcess) => Promise<void>

  constructor(
    start: (name: ContestantName) => Promise<ServerProcess>,
    warmUp: (name: ContestantName, process: ServerProcess) => Promise<void>,
  ) {
    this.start = start
    this.warmUp = warmUp
  }

  /** Does something with the server of a round, counted from 0; with one that fails it is over. */
  async use<T>(name: ContestantName, round: number, work: (process: ServerProcess) => Promise<T>): Promise<T> {
    const generation = Math.floor(round / ROUNDS_EACH)
    try {
      let kept = this.kept.get(name)
      if (kept?.generation !== generation) {
        await this.stop(name)
        kept = { process: await this.start(name), generation }
        this.kept.set(name, kept)
        await this.warmUp(name, kept.process)
      }
      return await work(kept.process)
    } catch (error) {
      await this.stop(name)
      throw error
    }
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.kept.keys()].map((name) => this.stop(name)))
  }

  private async stop(name: ContestantName): Promise<void> {
    const kept = this.kept.get(name)
    this.kept.delete(name)
    await kept?.process.stop()
  }
}
