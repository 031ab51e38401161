import { numberOption, readOptions, UsageError } from '../support/program.ts'
import { OUT } from './corpus.ts'
import type { Target } from './target.ts'
import { TARGETS } from './targets/index.ts'
import { PLANTED } from './targets/planted.ts'

/** The command line of the fuzzer. */
export interface Options {
  targets: readonly Target[]
  /** For the new inputs of each target, and how many of them there are at most. */
  seconds: number
  runs: number
  seed: number
  timeout: number
  /** A file to run in place of fuzzing. */
  replay: string | undefined
  /** The folder for inputs that are kept, and for findings. */
  out: string
  /** Whether what was found is to be taken into the checked-in corpus instead. */
  merge: boolean
}

const LIST = TARGETS.map(({ name, about }) => `  ${name.padEnd(18)}${about}`).join('\n')

export const HELP = `Usage: npm run fuzz -- [options]

Coverage-guided fuzzing of everything that reads what a peer sends. Exit code 1 when something that must hold does not;
the input is saved.

  --target LIST      some of the targets below, separated by commas (default all)
  --seconds S        time for the new inputs of each target, beyond that for its corpus (default 30)
  --runs N           new inputs after which a target is done, whatever its time (default no limit)
  --seed N           seed of the random numbers (default by chance; it is printed)
  --timeout S        time that one input may take (default 10)
  --out FOLDER       where findings go, and inputs that reach something new, to begin with next time
                     (default build/fuzz)
  --replay FILE      run one input, of the one target given, and print what came of it
  --merge            run no new inputs, but add those that earlier runs have kept to proof/fuzz/corpus, where they reach more than it does
  --help             print this

Targets:
${LIST}
`

/**
 * @returns undefined when the help was asked for
 * @throws {UsageError} for anything that is not understood
 */
export function parseOptions(argv: readonly string[]): Options | undefined {
  const given = readOptions(argv, ['target', 'seconds', 'runs', 'seed', 'timeout', 'out', 'replay'], ['merge', 'help'])
  if (given.help !== undefined) return undefined
  const targets = targetsOf(given.target)
  if (given.out === '') throw new UsageError('--out takes the name of a folder')
  if (given.replay !== undefined && targets.length !== 1) throw new UsageError('--replay needs the one --target')
  return {
    targets,
    seconds: numberOption('seconds', given.seconds, 30, { min: 0.1, max: 86_400 }),
    runs: numberOption('runs', given.runs, Number.MAX_SAFE_INTEGER, {
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
      whole: true,
    }),
    seed: numberOption('seed', given.seed, Math.floor(Math.random() * 2 ** 32), { min: 0, max: 2 ** 32, whole: true }),
    timeout: numberOption('timeout', given.timeout, 10, { min: 0.1, max: 3_600 }),
    out: given.out ?? OUT,
    replay: given.replay,
    merge: given.merge !== undefined,
  }
}

function targetsOf(list: string | undefined): readonly Target[] {
  if (list === undefined) return TARGETS
  return list.split(',').map((name) => {
    const target = [...TARGETS, ...PLANTED].find((one) => one.name === name.trim())
    if (target !== undefined) return target
    throw new UsageError(`there is no target "${name.trim()}"; there are ${TARGETS.map((one) => one.name).join(', ')}`)
  })
}
