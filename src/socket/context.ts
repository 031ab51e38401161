import { AsyncLocalStorage } from 'node:async_hooks'

/** Runs something in the AsyncLocalStorage context that was current when this was made. */
export type Context = <Arguments extends unknown[], Result>(
  work: (...args: Arguments) => Result,
  ...args: Arguments
) => Result

/** The AsyncLocalStorage context of whoever calls this. */
export function currentContext(): Context {
  return AsyncLocalStorage.snapshot()
}
