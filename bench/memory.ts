import { setTimeout } from 'node:timers/promises'
import type { ServerProcess } from './server-process.ts'

/** Connections that a server has before memory is read for the first time: it has compiled and loaded what it needs then. */
export const FIRST = 100

/** Resident memory in bytes when nothing happens any more and garbage has been collected. */
export async function restingMemory(server: ServerProcess): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 4; i++) {
    await setTimeout(250)
    least = Math.min(least, (await server.usage('gc')).rss)
  }
  return least
}
