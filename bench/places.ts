/** Where things are, for the compiled benchmark: its own directory, and the project around it. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The directory of the compiled benchmark. */
export const BUILT = dirname(fileURLToPath(import.meta.url))

/** The directory with the project's `package.json`. */
export const PROJECT = findProject(BUILT)

/** The C sources, which are not compiled along with the TypeScript. */
export const NATIVE = join(PROJECT, 'bench', 'native')

function findProject(from: string): string {
  for (let at = from; ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json')) || at === dirname(at)) return at
  }
}
