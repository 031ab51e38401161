import { guarded } from './awaitable.ts'
import type { Handlers } from './options.ts'

/** Gives an error to the application's handler for them, or prints it. Nothing that happens here ends the process. */
export function reportError<S>(handler: Handlers<S>['error'], error: unknown, socket: S | undefined): void {
  if (handler === undefined) console.error(error)
  else guarded(() => handler(error, socket), console.error)
}
