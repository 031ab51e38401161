import { writeFileSync } from 'node:fs'
import { UsageError } from './options.ts'

/**
 * Finds out before minutes of measuring, not after them, that a file cannot be written.
 *
 * @throws {UsageError} when it cannot.
 */
export function writable(path: string, first: string): { path: string; write(text: string): void } {
  const write = (text: string): void => {
    try {
      writeFileSync(path, text)
    } catch (error) {
      throw new UsageError(`cannot write ${path}: ${error instanceof Error ? error.message : error}`)
    }
  }
  write(first)
  return { path, write }
}
