/** Makes a copy of the compiled programs and the library whose code counts how often each part of it runs. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInstrumenter } from 'istanbul-lib-instrument'
import { PROJECT } from '../../bench/places.ts'

/** The name of the global object that the counters are in. */
export const COUNTERS = '__fuzz_counters__'

/** What is compiled of src/, and what of the fuzzer and the modules that it imports. */
const LIBRARY = 'src'
const PROGRAMS = ['proof/fuzz', 'proof/support', 'bench']

/** @returns the folder of the copy, which is laid out as build/ is, and there until the process ends */
export function instrument(): string {
  const built = join(PROJECT, 'build')
  const copy = join(built, 'fuzz', `code-${process.pid}`)
  process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
  for (const folder of PROGRAMS) cpSync(join(built, folder), join(copy, folder), { recursive: true })
  const instrumenter = createInstrumenter({ esModules: true, compact: true, coverageVariable: COUNTERS })
  for (const name of readdirSync(join(built, LIBRARY), { recursive: true }).map(String)) {
    if (!name.endsWith('.js')) continue
    const path = join(copy, LIBRARY, name)
    mkdirSync(dirname(path), { recursive: true })
    const code = readFileSync(join(built, LIBRARY, name), 'utf8')
    writeFileSync(path, instrumenter.instrumentSync(code, join(LIBRARY, name)))
  }
  return copy
}
