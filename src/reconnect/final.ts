/** How an attempt or a connection ended. */
export interface ConnectionEnd {
  /** Of the close event: the code that the server sent, or 1006 if there was no Close frame. */
  code: number
  reason: string
  wasClean: boolean
  /**
   * `close`: the WebSocket closed, or could not be opened. `connect-timeout` and `heartbeat`: it was given up. `target`: there
   * was nothing to connect to, since the function failed or WebSocket refused what it said; `error` has why.
   */
  cause: 'close' | 'connect-timeout' | 'heartbeat' | 'target'
  error?: unknown
  /** Ends in a row, this one included, without a healthy connection. 1 for the end of a healthy one. */
  failures: number
}

/** Received, these say that the same would come of trying again: the server is done, or does not want what this end sends. */
const FINAL = [1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003]

/** Of 4400 to 4499, which stand for HTTP's 400 to 499: timeout, too early, too many requests. These do pass. */
const PASSING = [4408, 4425, 4429]

/**
 * Whether a close code says that trying again is of no use: 1000 (done), 1002, 1003, 1007, 1008, 1009 and 1010 (what this end
 * sends or offers is refused; RFC 6455 section 7.4.1), 3000 (unauthorized) and 3003 (forbidden) of IANA's registry, and 4400 to
 * 4499 but for 4408, 4425 and 4429.
 */
export function isFinalCode(code: number): boolean {
  return FINAL.includes(code) || (code >= 4400 && code < 4500 && !PASSING.includes(code))
}
