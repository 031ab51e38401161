import { AsyncResource } from 'node:async_hooks'

/** The AsyncLocalStorage context that was current when this was made: `runInAsyncScope` enters it. */
export type Context = AsyncResource

/** The AsyncLocalStorage context of whoever calls this. */
export function currentContext(): Context {
  // In Node 20 a tenth of what AsyncLocalStorage.snapshot() takes to enter: 40 ns.
  return new AsyncResource('heartwire')
}

/** The same again: up to Node 22, what is entered by AsyncLocalStorage.enterWith stays in the context that was current. */
export function branch(context: Context): Context {
  return context.runInAsyncScope(currentContext)
}
