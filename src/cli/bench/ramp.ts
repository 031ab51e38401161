import { setTimeout as sleep } from 'node:timers/promises'

/** Handshakes that are under way at a time, where no rate is given. */
const AT_A_TIME = 100

/**
 * Begins things at a rate, each when it is due, however long the others take.
 * @param perSecond undefined: at most 100 at a time, as fast as that goes
 * @param signal ends it: nothing more is begun
 */
export async function ramp<T>(
  things: readonly T[],
  perSecond: number | undefined,
  signal: AbortSignal,
  begin: (thing: T) => Promise<void>,
): Promise<void> {
  if (perSecond === undefined) {
    let next = 0
    const oneAfterTheOther = async () => {
      while (next < things.length && !signal.aborted) await begin(things[next++] as T)
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, oneAfterTheOther))
    return
  }
  const start = performance.now()
  const begun: Promise<void>[] = []
  for (const [index, thing] of things.entries()) {
    const wait = start + (index * 1_000) / perSecond - performance.now()
    if (wait >= 1) await sleep(wait, undefined, { signal }).catch(() => {})
    if (signal.aborted) break
    begun.push(begin(thing))
  }
  await Promise.all(begun)
}
