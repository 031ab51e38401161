import type { Handlers, ServerOptions, ServerSocket, ServerStats, SocketOptions } from 'heartwire'
import type { Attack } from './attack.ts'

/** How large and how long a run is. */
export interface Plan {
  /** What the number of attackers, and of what they do, is multiplied by. */
  scale: number
  /** How long the attack lasts. */
  seconds: number
}

/** Options of a server that are no handlers. */
export type Limits = Omit<ServerOptions<undefined>, keyof Handlers<ServerSocket> | 'upgrade' | 'http' | 'log'>

/** One attack: what the server is given, what the attackers do, and what has to come of it. */
export interface Scenario {
  /** As it is asked for on the command line. */
  name: string
  /** What the attackers do, in the words of the table. */
  title(plan: Plan): string
  /** What the server has beside its defaults: what the documentation advises, or what makes a short run possible. */
  limits?(plan: Plan): Limits
  /** The same, for the paths that are for strangers, where the attackers are. */
  forStrangers?(plan: Plan): SocketOptions
  /** Milliseconds that the `upgrade` hook takes for the attackers' connections; it is not there by default. */
  upgradeTakes?(plan: Plan): number
  /** What is published to all well-behaved clients. Default: 20 messages a second of 64 bytes. */
  news?(plan: Plan): { perSecond: number; size: number }
  /** Bytes that the documented limits allow the attackers to make the server hold. */
  mayHold(plan: Plan): number
  /** What the attackers are answered: an HTTP status, a close code, or another word of `Outcome`. */
  expects: { always: readonly string[]; perhaps?: readonly string[] }
  attack(attack: Attack): Promise<void>
  /** Whether the server has done what the attack waits for, which `Attack.enough` tells the attackers. */
  isEnough?(stats: ServerStats): boolean
}

/** The run whose figures are published. */
export const FULL: Plan = { scale: 1, seconds: 10 }

/** At least `least`, whatever the scale. */
export function scaled(plan: Plan, count: number, least = 1): number {
  return Math.max(least, Math.round(count * plan.scale))
}

/** A number as people write it: `15,000`. */
export function written(count: number): string {
  return count.toLocaleString('en')
}

/**
 * What a client gets from the kernel that connects while 511 connections wait to be accepted, which is Node's default, and
 * the most when a server is not scheduled for a while.
 */
export const NOT_ACCEPTED = ['reset', 'unanswered']

export const KIB = 1024
export const MIB = 1024 * 1024
