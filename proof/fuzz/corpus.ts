import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECT } from '../../bench/places.ts'

/** The inputs that are part of the project, a folder for each target. */
export const CORPUS = join(PROJECT, 'proof/fuzz/corpus')
/** Where what runs on this machine find goes, unless told otherwise. */
export const OUT = join(PROJECT, 'build/fuzz')

/** The inputs of a folder, short ones first. */
export function load(folder: string): Uint8Array[] {
  if (!existsSync(folder)) return []
  const inputs = readdirSync(folder).map((name) => new Uint8Array(readFileSync(join(folder, name))))
  return inputs.sort((a, b) => a.length - b.length || Buffer.compare(a, b))
}

/** Saves an input under a name that its contents make; returns the path. */
export function save(folder: string, input: Uint8Array, prefix = ''): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, prefix + createHash('sha1').update(input).digest('hex').slice(0, 16))
  writeFileSync(path, input)
  return path
}
