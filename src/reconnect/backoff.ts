interface Bounds {
  initialDelay: number
  factor: number
  maxDelay: number
  random: () => number
}

/**
 * Exponential back-off with full jitter: anything from nothing to the current longest wait, so that the clients of a server
 * that went away do not all come back at once.
 * @param failures ends in a row without a healthy connection, at least 1
 */
export function backoff({ initialDelay, factor, maxDelay, random }: Bounds, failures: number): number {
  return random() * Math.min(maxDelay, initialDelay * factor ** (failures - 1))
}
