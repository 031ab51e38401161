import { Engine } from '../../src/compression/engine.ts'
import { findZlib } from '../../src/compression/raw-zlib.ts'

/** What can do the work: zlib streams that are kept, or zlib's public functions. */
export const ENGINES: [name: string, engine: Engine][] = [
  ['streams that are kept', new Engine(findZlib())],
  ["zlib's public functions", new Engine(undefined)],
]
