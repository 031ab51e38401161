import { ArgumentError } from '../protocol/error.ts'

/** Whether something that an application returned is to be waited for: a promise, its own or another's. */
export function isAwaitable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** Calls something of the application's, now or later, whose failure goes to `failed`. Returns what there is to wait for. */
export function guarded(call: () => unknown, failed: (error: unknown) => void): Promise<void> | undefined {
  try {
    const result = call()
    return isAwaitable(result) ? Promise.resolve(result).then(() => {}, failed) : undefined
  } catch (error) {
    failed(error)
    return undefined
  }
}

/**
 * Returns what a function of the application's has answered, where the answer is needed at once.
 * @throws ArgumentError when it is a promise
 */
export function atOnce<T>(answer: T, name: string): T {
  if (!isAwaitable(answer)) return answer
  Promise.resolve(answer).catch(() => {})
  throw new ArgumentError(`The function ${name} has to answer at once: it must not return a promise.`)
}

/** Whatever was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  try {
    return new Error(String(thrown))
  } catch {
    return new Error('What was thrown has no words.')
  }
}
