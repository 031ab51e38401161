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
