/** The load generator as the benchmark sees it. */
import { join } from 'node:path'
import { Child } from '../children.ts'
import { BUILT } from '../places.ts'
import type { Answer, Command, Measured } from './commands.ts'

/** In ms. To make all messages of a run and to open all connections takes a while on a slow machine. */
const PATIENCE = 600_000

export class LoadProcess {
  private readonly child: Child

  constructor(core: number | undefined) {
    this.child = new Child(process.execPath, [join(BUILT, 'compression', 'load.js')], { core })
  }

  /**
   * @param begin called when the measured time begins; `end` when it is over, while the connections are still busy.
   * @throws {Error} when the load generator saw something that must not be.
   */
  async echo(
    command: Omit<Extract<Command, { do: 'echo' }>, 'do'>,
    { begin, end }: { begin?(): Promise<void>; end?(): Promise<void> } = {},
  ): Promise<Measured> {
    this.tell({ do: 'echo', ...command })
    await this.answer('begin')
    await begin?.()
    const { measured } = await this.answer('measured')
    await end?.()
    return measured
  }

  /** @returns the extensions that the server agreed to. */
  async hold(command: Omit<Extract<Command, { do: 'hold' }>, 'do'>): Promise<string> {
    this.tell({ do: 'hold', ...command })
    return (await this.answer('held')).agreed
  }

  /** @returns how many answers have been compared with what was sent. */
  async release(): Promise<number> {
    this.tell({ do: 'release' })
    return (await this.answer('released')).checked
  }

  stop(): Promise<void> {
    return this.child.stop()
  }

  private tell(command: Command): void {
    this.child.tell(JSON.stringify(command))
  }

  private async answer<Say extends Answer['say']>(expected: Say): Promise<Extract<Answer, { say: Say }>> {
    const line = await this.child.nextLine(PATIENCE)
    if (line === undefined) throw new Error(`the load generator ended: ${this.child.complaint}`)
    const answer = JSON.parse(line) as Answer
    if (answer.say === 'failed') throw new Error(answer.why)
    if (answer.say !== expected) throw new Error(`the load generator said "${answer.say}" for "${expected}"`)
    return answer as Extract<Answer, { say: Say }>
  }
}
