import { closeSync } from 'node:fs'
import { connect } from 'node:net'
import { devNull } from 'node:os'
import { descriptorShortage, takeDescriptor } from '../platform/descriptors.ts'

/** Milliseconds between two looks. */
const INTERVAL = 1_000
/** Milliseconds between two reports. */
const REPORT_INTERVAL = 10_000

/**
 * Looks every second whether the process has a file descriptor left for one more connection. Calls `report`, at most once
 * in 10 s, when it has not. Returns what ends it.
 *
 * Node says nothing of that. It keeps one in reserve, by which it accepts whoever comes and cuts them at once. If
 * another thread snatches the reserve, it accepts nobody, and does nothing but try, with all of a core, while its peers
 * hang. So there is one more in reserve here, from which Node gets its own back; before it, `restoreOther` may take what the
 * native addon has in reserve.
 */
export function watchDescriptors(report: (error: Error) => void, restoreOther: () => void): () => void {
  let spare = takeDescriptor()
  let reportedAt = Number.NEGATIVE_INFINITY

  const look = () => {
    spare ??= takeDescriptor()
    const shortage = descriptorShortage()
    if (shortage === undefined) return
    if (spare !== undefined) {
      closeSync(spare)
      restoreOther()
      restoreReserve()
      spare = takeDescriptor()
    }
    if (performance.now() - reportedAt < REPORT_INTERVAL) return
    reportedAt = performance.now()
    report(reported(shortage))
  }

  const timer = setInterval(look, INTERVAL)
  timer.unref()
  return () => {
    clearInterval(timer)
    if (spare !== undefined) closeSync(spare)
  }
}

/** Where Node has lost its reserve it takes one with every stream that it makes, so here is one to nowhere. */
function restoreReserve(): void {
  connect(devNull)
    .on('error', () => {})
    .destroy()
}

function reported(cause: NodeJS.ErrnoException): Error {
  const whose = cause.code === 'EMFILE' ? 'This process' : 'This system'
  const message = `${whose} has no file descriptor left (${cause.code}): new connections are cut as soon as they come.`
  return Object.assign(new Error(message, { cause }), { code: cause.code })
}
