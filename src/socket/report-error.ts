import { inspect } from 'node:util'
import { redact } from '../protocol/redact.ts'
import { guarded } from './awaitable.ts'
import { errorChannel } from './diagnostics.ts'
import type { Handlers } from './options.ts'
import { PrintLimit } from './print-limit.ts'
import type { Socket } from './socket.ts'

const limit = new PrintLimit({ now: () => performance.now() })
/** Runs while something was left out that is still to be said. */
let timer: ReturnType<typeof setTimeout> | undefined

/** Gives an error to the application's handler for them, or prints it without secrets. Nothing that happens here ends the process. */
export function reportError<S extends Socket>(
  handler: Handlers<S>['error'],
  error: unknown,
  socket: S | undefined,
): void {
  if (errorChannel.hasSubscribers) errorChannel.publish({ error, socket })
  if (handler === undefined) print(error)
  else guarded(() => handler(error, socket), print)
}

/** Prints an error, but only so many in a time: a peer can make a handler fail as often as it likes. */
function print(error: unknown): void {
  if (limit.admits()) {
    sayOmitted()
    console.error(inWords(error))
  } else if (timer === undefined) {
    timer = setTimeout(sayOmitted, limit.remaining)
    timer.unref()
  }
}

/** What is thrown can be anything, and fail when it is looked at. */
function inWords(error: unknown): string {
  try {
    // An application's own error may carry a request that failed, credentials and all.
    return redact(typeof error === 'string' ? error : inspect(error))
  } catch {
    return 'An error that cannot be printed.'
  }
}

function sayOmitted(): void {
  clearTimeout(timer)
  timer = undefined
  const omitted = limit.takeOmitted()
  if (omitted > 0) console.error(`${omitted} more ${omitted === 1 ? 'error was' : 'errors were'} not printed.`)
}
