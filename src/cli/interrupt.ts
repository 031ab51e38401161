/** Resolves at the first Ctrl-C or SIGTERM; the second one ends the process at once, as the first would have. */
export function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve()
        process.once(signal, () => process.exit(signal === 'SIGINT' ? 130 : 143))
      })
    }
  })
}
