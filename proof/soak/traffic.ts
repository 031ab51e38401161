/** Clients that come and go all the time. */
import { setMaxListeners } from 'node:events'
import type { Random } from '../support/random.ts'
import { type Crowd, pause } from './client.ts'
import { echo, slow, stuck, topic } from './lives.ts'
import { refused } from './refusals.ts'

const LIVES = { echo, topic, slow, stuck, refused }
/** How often each is lived; an echo takes about four seconds, a refusal next to none. */
const WEIGHTS: Record<keyof typeof LIVES, number> = { echo: 55, topic: 25, slow: 6, stuck: 2, refused: 12 }
/** Milliseconds between two lives of a client, at most. */
const BETWEEN = 500

/** Keeps so many clients alive until it is time to stop; resolves when all have ended. */
export async function traffic(crowd: Crowd, clients: number, random: Random): Promise<void> {
  // All of them wait for the one signal.
  setMaxListeners(0, crowd.stop)
  await Promise.all(Array.from({ length: clients }, () => client(crowd, random.fork())))
}

async function client(crowd: Crowd, random: Random): Promise<void> {
  for (;;) {
    await pause(BETWEEN, random, crowd)
    if (crowd.stop.aborted) return
    const life = random.pick(WEIGHTS)
    try {
      await LIVES[life](crowd, random)
    } catch (error) {
      crowd.tally.wrong(`${life}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
