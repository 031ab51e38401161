import type { Mode } from '../contestants.ts'

/** The mode, from the command line. */
export function modeArgument(argv: readonly string[] = process.argv.slice(2)): Mode {
  const [mode] = argv
  if (mode === 'takeover' || mode === 'shared' || mode === 'off') return mode
  throw new Error(`a mode is needed, not "${mode}"`)
}
