/** Which heartwire it is that a program uses. */
import { createRequire } from 'node:module'
import { describeCommit } from '../../bench/machine.ts'

/** The package's version, and the commit where there is one. */
export function heartwireVersion(): string {
  const { version } = createRequire(import.meta.url)('heartwire/package.json') as { version: string }
  const commit = describeCommit()
  return commit === undefined ? version : `${version} (${commit})`
}
