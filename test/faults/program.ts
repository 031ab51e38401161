import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { CloseInfo } from 'heartwire'
import { onTestFinished } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'

/** What a program tells of itself. */
export type Told =
  | { event: 'listening'; url: string; port: number }
  | { event: 'open' }
  | { event: 'message'; message: string }
  | { event: 'close'; info: Pick<CloseInfo, 'code' | 'cause' | 'wasClean' | 'sent'> }
  | { event: 'error'; code: string | undefined; message: string; ofSocket: boolean }
  | { event: 'failed'; name: string; code: string; message: string; cause: string | undefined }
  | { event: 'done' }
  | { event: 'reserve lost' }
  | { event: 'memory'; peak: number }
  | { event: 'busy' }
  | { event: 'holding' }
  | { event: 'inside' }
  | { event: 'sockets'; ofNode: number }
  | { event: 'thread'; port: number }
  | { event: 'thread ended'; code: number }
  | { event: 'ended'; how: string }

type Event = Told['event']

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A program of `test/faults/programs` in a process of its own, which ends with the test. It uses the built package. */
export class Program {
  readonly told = new Mailbox<Told>()
  /** What it has written to standard error. */
  errors = ''
  private readonly child: ChildProcess

  /** @param descriptors how many file descriptors the process may have */
  constructor(name: string, options: object = {}, descriptors?: number) {
    const file = fileURLToPath(new URL(`programs/${name}.mjs`, import.meta.url))
    const limited = descriptors === undefined ? '' : `ulimit -n ${descriptors}; `
    const args = ['-c', `${limited}exec "$0" "$@"`, process.execPath, file, JSON.stringify(options)]
    const child = spawn('sh', args, { stdio: ['pipe', 'inherit', 'pipe', 'ipc'] })
    this.child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text
      process.stderr.write(text)
    })
    running.add(child)
    child.on('message', (message) => this.told.put(message as Told))
    child.on('exit', () => running.delete(child))
    // When all that it had to say has been read.
    child.on('close', (code, signal) => {
      this.told.put({ event: 'ended', how: signal ?? `exit code ${code}` })
    })
    // A program that is killed cannot be told anything more.
    child.on('error', () => {})
    child.stdin?.on('error', () => {})
    onTestFinished(async () => {
      if (running.has(child)) await this.signal('SIGKILL')
    })
  }

  tell(order: string, argument?: unknown): void {
    this.child.send({ order, argument })
  }

  /** Tells the program to do something, and waits until it has. */
  async order(order: string, argument?: unknown): Promise<void> {
    this.tell(order, argument)
    await this.hear('done')
  }

  /** The next event of this kind; what comes before it is passed over. */
  async hear<E extends Event>(event: E): Promise<Extract<Told, { event: E }>> {
    for (;;) {
      const told = await this.told.next()
      if (told.event === event) return told as Extract<Told, { event: E }>
      if (told.event === 'ended') throw new Error(`The program ended with ${told.how}.`)
    }
  }

  /**
   * Has the program do nothing at all, and does this meanwhile: all that comes of it is there in one turn when it goes on.
   * @param order what has it hold
   */
  async holding(meanwhile: () => Promise<void>, order = 'hold'): Promise<void> {
    this.tell(order)
    await this.hear('holding')
    await meanwhile()
    this.child.stdin?.write('.')
  }

  /** All events of this kind so far. */
  all<E extends Event>(event: E): Extract<Told, { event: E }>[] {
    return this.told.all.filter((told): told is Extract<Told, { event: E }> => told.event === event)
  }

  /** Sends a signal to this process alone. Resolves, for SIGKILL, when it has ended. */
  async signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): Promise<void> {
    const ended = signal === 'SIGKILL' ? once(this.child, 'exit') : undefined
    this.child.kill(signal)
    await ended
  }

  /** Seconds of CPU that it has used, all threads. */
  get cpuSeconds(): number {
    // After the name, which is in parentheses, utime and stime are the 12th and the 13th field (proc_pid_stat(5)).
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  }
}
