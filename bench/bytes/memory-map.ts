/** What a process has in memory, by what it is for, as far as the system tells (Linux). */
import { readFileSync } from 'node:fs'

/** Resident bytes of the C library's heap of the main thread, where the addon and what of Node is C++ allocate. */
export function residentHeap(pid: number): number | undefined {
  try {
    return parseResidentHeap(readFileSync(`/proc/${pid}/smaps`, 'latin1'))
  } catch {
    return undefined
  }
}

export function parseResidentHeap(smaps: string): number | undefined {
  const [, kilobytes] = /^[0-9a-f]+-[0-9a-f]+ .*\[heap\]\n(?:.*\n)*?Rss:\s+(\d+) kB$/m.exec(smaps) ?? []
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}
