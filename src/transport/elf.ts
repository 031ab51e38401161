import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** The numbers of `e_machine`. */
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 }

/**
 * What keeps a shared object of Linux from being loaded, as far as its header tells: the system's loader says of another
 * processor's that there is no such file, and ends the process over one that is cut short.
 */
export function problemOfElf(path: string): string | undefined {
  const file = openSync(path, 'r')
  try {
    const header = Buffer.alloc(64)
    if (readSync(file, header) < header.length) return 'its file is cut short'
    // What is none at all the loader says itself.
    if (header.readUInt32BE() !== 0x7f454c46) return undefined
    const machine = MACHINES[process.arch]
    if (machine !== undefined && header.readUInt16LE(18) !== machine) return 'it is for another processor'
    // Linkers put the table of sections last.
    const sections = Number(header.readBigUInt64LE(40))
    const end = sections + header.readUInt16LE(58) * header.readUInt16LE(60)
    return fstatSync(file).size < end ? 'its file is cut short' : undefined
  } finally {
    closeSync(file)
  }
}
