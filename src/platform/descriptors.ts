import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'

/** Opens something that is always there, for the sake of its file descriptor; undefined when that cannot be done. */
export function takeDescriptor(): number | undefined {
  const taken = tryToOpen()
  return typeof taken === 'number' ? taken : undefined
}

/** The system's error when the process, or the whole system, has no file descriptor left; undefined when it has. */
export function descriptorShortage(): NodeJS.ErrnoException | undefined {
  const taken = tryToOpen()
  if (typeof taken !== 'number') return taken.code === 'EMFILE' || taken.code === 'ENFILE' ? taken : undefined
  closeSync(taken)
  return undefined
}

function tryToOpen(): number | NodeJS.ErrnoException {
  try {
    return openSync(devNull, 'r')
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}
