/** What a load run does; plain data, since it goes to other processes. Times are in milliseconds. */
export interface Plan {
  /** Connection n goes to the n-th of them, beginning again after the last; `{n}` in one stands for n. */
  readonly urls: readonly string[]
  readonly connections: number
  /** Handshakes that are begun in a second; undefined: as answers come, some at a time. */
  readonly openRate: number | undefined
  /** `{n}` in a value stands for the number of the connection. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly origin: string | undefined
  readonly protocols: readonly string[]
  readonly compress: boolean
  readonly tls: { readonly ca?: string; readonly rejectUnauthorized?: boolean }
  /** Connection n is made from the n-th of them, beginning again after the last; empty: from where the system likes. */
  readonly localAddresses: readonly string[]
  /** Whether every message is answered with one, or messages come by themselves. */
  readonly mode: 'echo' | 'listen'
  readonly payload: Uint8Array
  readonly type: 'text' | 'binary'
  /** Whether what comes back is compared with what was sent. */
  readonly check: boolean
  /** Whether each message begins with its number, so that none is taken for another. */
  readonly numbered: boolean
  /** Messages in a second, all connections together, whatever becomes of answers; undefined: as answers come. */
  readonly rate: number | undefined
  /** Messages of a connection that are under way at a time, where there is no rate. */
  readonly inFlight: number
  /** Whether the time until a message is due is waited for without sleeping. */
  readonly spin: boolean
  /** Messages of each connection, to be sent or, in mode listen, to come; undefined: no end. */
  readonly messages: number | undefined
  readonly duration: number | undefined
  readonly warmUp: number
  /** For a handshake, and for the last answers. */
  readonly timeout: number
}

/** Which part of a plan a process does: every connection whose number leaves this remainder. */
export interface Share {
  readonly index: number
  readonly of: number
}

/** The numbers of the connections that are a process's own. */
export function connectionsOf(plan: Plan, { index, of }: Share): number[] {
  const numbers: number[] = []
  for (let number = index; number < plan.connections; number += of) numbers.push(number)
  return numbers
}

/** A text with the number of a connection in it. */
export function withNumber(text: string, number: number): string {
  return text.replaceAll('{n}', String(number))
}
