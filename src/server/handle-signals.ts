import { constants } from 'node:os'
import { ArgumentError } from '../protocol/error.ts'
import { shown } from '../protocol/quote.ts'
import { checkFunctions } from '../socket/check.ts'
import { checkNames } from '../socket/option-names.ts'
import { reportError } from '../socket/report-error.ts'
import { CLOSE_OPTIONS, type CloseOptions, type CloseReport, resolveCloseOptions } from './closing.ts'

/** `Report` is a CloseReport, or an array of them where there is an array of servers. */
export interface SignalOptions<Report = CloseReport> extends CloseOptions {
  /** Default SIGTERM and SIGINT. */
  signals?: readonly NodeJS.Signals[]
  /** Called when all connections have ended, and awaited before the process ends: for what else there is to be closed. */
  closed?(report: Report): unknown
}

/** What can be closed: a Server. */
interface Closable {
  close(options?: CloseOptions): Promise<CloseReport>
}

const NAMES = [
  ...CLOSE_OPTIONS,
  ...Object.keys({ signals: 0, closed: 0 } satisfies Record<Exclude<keyof SignalOptions, keyof CloseOptions>, 0>),
]

/** What is being closed for a signal, by whatever call: the process ends when all of it is. */
const atWork = new Set<Promise<void>>()

/**
 * Closes a server, or several at the same time, at the first signal, and then lets the process end of it, so that its exit
 * status is the signal's. A second signal ends the process at once. What `closed` throws is printed.
 *
 * Where the application listens for the signal as well, it is told again when all is closed, and decides on the end of the
 * process. Process 1, whom no signal ends, as in a container, exits with 128 and the number of the signal.
 * @returns what undoes it: the signals have their former effect, and the process does not end of one that has come
 * @throws ArgumentError for what is no server, and for an option, a signal, a code, a reason or a time that cannot be
 */
export function handleSignals(server: Closable, options?: SignalOptions<CloseReport>): () => void
export function handleSignals(servers: readonly Closable[], options?: SignalOptions<CloseReport[]>): () => void
export function handleSignals(
  server: Closable | readonly Closable[],
  options: SignalOptions<CloseReport> | SignalOptions<CloseReport[]> = {},
): () => void {
  checkServers(server)
  // The overloads are what says which report goes with what.
  return 'close' in server
    ? listen((how) => server.close(how), options as SignalOptions<CloseReport>)
    : listen((how) => Promise.all(server.map((each) => each.close(how))), options as SignalOptions<CloseReport[]>)
}

function checkServers(given: Closable | readonly Closable[]): void {
  const what = Array.isArray(given) ? whyNone(given) : isClosable(given) ? undefined : shown(given)
  if (what === undefined) return
  throw new ArgumentError(`handleSignals takes a server or an array of servers, not ${what}.`)
}

function whyNone(servers: readonly unknown[]): string | undefined {
  if (servers.length === 0) return 'an empty array'
  const index = servers.findIndex((server) => !isClosable(server))
  return index < 0 ? undefined : `an array with ${shown(servers[index])}`
}

function isClosable(server: unknown): boolean {
  return typeof server === 'object' && server !== null && 'close' in server && typeof server.close === 'function'
}

function listen<Report>(close: (options: CloseOptions) => Promise<Report>, options: SignalOptions<Report>): () => void {
  checkNames(options, NAMES, 'handleSignals')
  const { signals = ['SIGTERM', 'SIGINT'] } = options
  const how = resolveCloseOptions(options)
  checkFunctions(options, ['closed'])
  if (!Array.isArray(signals)) {
    throw new ArgumentError(`The option signals is a list of names, not ${shown(signals)}.`)
  }
  if (signals.length === 0) throw new ArgumentError('The option signals names one signal or more, not none.')
  const listened = new Set(signals.map(checkSignal))
  let state: 'waiting' | 'closing' | 'undone' = 'waiting'

  const undo = () => {
    state = 'undone'
    for (const signal of listened) process.off(signal, onSignal)
  }
  const end = (signal: NodeJS.Signals) => {
    undo()
    raise(signal)
  }
  const closeAll = async () => {
    try {
      const report = await close(how)
      await options.closed?.(report)
    } catch (error) {
      reportError(undefined, error, undefined)
    }
  }
  const closeAndEnd = async (signal: NodeJS.Signals) => {
    const work = closeAll()
    atWork.add(work)
    await work
    atWork.delete(work)
    await Promise.all(atWork)
    if (state === 'closing') end(signal)
  }
  const onSignal = (signal: NodeJS.Signals) => {
    if (state === 'closing') return end(signal)
    state = 'closing'
    void closeAndEnd(signal)
  }

  for (const signal of listened) process.on(signal, onSignal)
  return undo
}

function raise(signal: NodeJS.Signals): void {
  process.kill(process.pid, signal)
  // The kernel keeps from process 1 every signal that it does not handle (kill(2)).
  if (process.pid === 1 && process.listenerCount(signal) === 0) process.exit(128 + constants.signals[signal])
}

function checkSignal(signal: NodeJS.Signals): NodeJS.Signals {
  if (Object.hasOwn(constants.signals, signal) && signal !== 'SIGKILL' && signal !== 'SIGSTOP') return signal
  throw new ArgumentError(`The option signals has names of signals that a process can handle, not ${String(signal)}.`)
}
