/** A server in a process of its own. */
import type { Child } from './children.ts'
import type { Declined, Ready, Usage } from './servers/control.ts'

const READY_TIMEOUT = 15_000
const ANSWER_TIMEOUT = 15_000

export class ServerDeclined extends Error {
  override name = 'ServerDeclined'
}

export class ServerProcess {
  readonly ready: Ready
  private readonly child: Child

  private constructor(child: Child, ready: Ready) {
    this.child = child
    this.ready = ready
  }

  /** @throws {Error} when it does not come up; a `ServerDeclined` when it says that it cannot do what was asked of it. */
  static async over(name: string, child: Child): Promise<ServerProcess> {
    const line = await child.nextLine(READY_TIMEOUT)
    if (line === undefined) {
      await child.stop(0)
      throw new Error(`the ${name} server did not start: ${child.complaint}`)
    }
    const first = JSON.parse(line) as Ready | Declined
    if ('port' in first) return new ServerProcess(child, first)
    await child.stop(0)
    throw new ServerDeclined(first.declined)
  }

  /**
   * @param order `gc` has garbage collected first.
   * @throws {Error} when the server is gone or does not answer.
   */
  async usage(order: 'usage' | 'gc' = 'usage'): Promise<Usage> {
    this.child.tell(order)
    const line = await this.child.nextLine(ANSWER_TIMEOUT)
    if (line === undefined) throw new Error(`the server stopped answering: ${this.child.complaint}`)
    return JSON.parse(line) as Usage
  }

  /** @param grace milliseconds in which it may end by itself */
  stop(grace?: number): Promise<void> {
    return this.child.stop(grace)
  }
}
