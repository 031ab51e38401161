/** Rounds in which all contestants run in turn. */
import { ServerDeclined } from './server-process.ts'

export interface Failure<Contestant> {
  contestant: Contestant
  error: string
}

/**
 * Every contestant's check, then rounds, in each of which each runs once. Whoever fails is left out of the rest; the others go
 * on.
 *
 * @param progress called with what is being done.
 */
export async function runRounds<Contestant, Sample>(
  contestants: readonly Contestant[],
  rounds: number,
  {
    check,
    round,
    progress,
  }: {
    check?(contestant: Contestant): Promise<void>
    /** @param round counted from 0. */
    round(contestant: Contestant, round: number): Promise<Sample>
    progress(contestant: Contestant, what: string): void
  },
): Promise<{ samples: Map<Contestant, Sample[]>; failures: Failure<Contestant>[] }> {
  const samples = new Map<Contestant, Sample[]>(contestants.map((contestant) => [contestant, []]))
  const failures: Failure<Contestant>[] = []
  const attempt = async (contestant: Contestant, what: string, work: () => Promise<void>): Promise<void> => {
    progress(contestant, what)
    try {
      await work()
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      failures.push({ contestant, error: message })
      samples.delete(contestant)
      progress(contestant, `failed: ${message}`)
    }
  }
  if (check !== undefined) {
    for (const contestant of contestants) await attempt(contestant, 'check', () => check(contestant))
  }
  for (let i = 0; i < rounds; i++) {
    for (const contestant of turn([...samples.keys()], i)) {
      await attempt(contestant, `round ${i + 1}/${rounds}`, async () => {
        const sample = await round(contestant, i)
        samples.get(contestant)?.push(sample)
      })
    }
  }
  return { samples, failures }
}

/**
 * The order of a round. Whoever runs last finds a warmer (or hotter) machine, and whoever runs behind a heavy one what it has
 * left in the caches: each begins in its turn, and every other round goes backwards.
 */
export function turn<T>(all: readonly T[], round: number): T[] {
  const start = all.length === 0 ? 0 : round % all.length
  const order = [...all.slice(start), ...all.slice(0, start)]
  return round % 2 === 0 ? order : order.reverse()
}

/** Starts each once: those that can take part, and why the others cannot. */
export async function findPresent<Contestant>(
  contestants: readonly Contestant[],
  start: (contestant: Contestant) => Promise<void>,
): Promise<{
  present: Contestant[]
  missing: { contestant: Contestant; why: string }[]
  failures: Failure<Contestant>[]
}> {
  const present: Contestant[] = []
  const missing: { contestant: Contestant; why: string }[] = []
  const failures: Failure<Contestant>[] = []
  for (const contestant of contestants) {
    try {
      await start(contestant)
      present.push(contestant)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      if (error instanceof ServerDeclined) missing.push({ contestant, why })
      else failures.push({ contestant, error: why })
    }
  }
  return { present, missing, failures }
}
