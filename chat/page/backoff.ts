/** Longest delay of the first attempt to reconnect, in milliseconds; it doubles with every attempt. */
export const FIRST_DELAY = 2_000

/** Longest delay of any attempt, in milliseconds. */
export const LONGEST_DELAY = 30_000

/**
 * Exponential back-off with full jitter: anything from nothing to the current limit, so that the clients of a server
 * that went away do not all come back at once.
 *
 * @param attempt 0 for the first attempt after a connection was lost.
 */
export function backoff(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt)
}
