import { CloseCode } from '../protocol/close-code.ts'
import type { CloseInfo } from '../protocol/close-info.ts'
import { encodeClosePayload } from '../protocol/close-payload.ts'
import { ArgumentError, TimeoutError } from '../protocol/error.ts'
import { checkTime } from '../socket/check.ts'
import { shared } from '../socket/runtime.ts'
import type { ServerSocket } from '../socket/server-socket.ts'

export interface CloseOptions {
  /** Default 1001. */
  code?: number
  /** At most 123 bytes. Default none. */
  reason?: string
  /** Milliseconds after which connections that are still there are cut. Default 25,000. */
  deadline?: number
  /**
   * Milliseconds over which the Close frames are spread, evenly, so that not all clients connect again at once. Until its
   * turn has come a connection stays open. Less than `deadline`. Default 0: all at once.
   */
  spreadOver?: number
}

/** How the connections ended that were there when a server was told to close. */
export interface CloseReport {
  /** All of them. */
  readonly connections: number
  /** Those of which both Close frames were delivered. */
  readonly clean: number
  /** Those that had not answered in time: by the deadline, or within `closeTimeout`. */
  readonly cut: number
  /** Those that ended otherwise, as by a reset. */
  readonly lost: number
}

export const CLOSE_OPTIONS: readonly string[] = Object.keys({
  code: 0,
  reason: 0,
  deadline: 0,
  spreadOver: 0,
} satisfies Record<keyof CloseOptions, 0>)

/** @throws ArgumentError for a code, a reason or a time that cannot be */
export function resolveCloseOptions(options: CloseOptions): Required<CloseOptions> {
  const { code = CloseCode.GoingAway, reason = '', deadline = 25_000, spreadOver = 0 } = options
  encodeClosePayload(shared.platform, code, reason)
  checkTime('deadline', deadline)
  if (typeof spreadOver !== 'number' || !(spreadOver >= 0 && spreadOver < deadline)) {
    throw new ArgumentError(
      `The option spreadOver is a number of milliseconds from 0 to less than deadline, ${deadline}, not ${String(spreadOver)}.`,
    )
  }
  return { code, reason, deadline, spreadOver }
}

/** Shortest time between two groups of Close frames, in milliseconds. */
const STEP = 20

/** Closes the sockets of a server, and counts how they end. */
export class Closing {
  /** Settles when all have ended. */
  readonly report: Promise<CloseReport>
  private readonly sockets: readonly ServerSocket[]
  private readonly wasCut = new Set<ServerSocket>()
  private timer: ReturnType<typeof setInterval> | undefined

  constructor(sockets: readonly ServerSocket[], { code, reason, spreadOver }: Required<CloseOptions>) {
    this.sockets = sockets
    this.report = this.count()
    const began = performance.now()
    let next = 0
    const closeDue = () => {
      const passed = spreadOver === 0 ? 1 : (performance.now() - began) / spreadOver
      const due = Math.min(Math.floor(passed * sockets.length) + 1, sockets.length)
      while (next < due) sockets[next++]?.shutDown(code, reason)
      if (next === sockets.length) clearInterval(this.timer)
    }
    closeDue()
    if (next < sockets.length) {
      this.timer = setInterval(closeDue, Math.max(Math.ceil(spreadOver / sockets.length), STEP))
    }
  }

  /** Ends at once what has not ended. */
  cut(): void {
    clearInterval(this.timer)
    for (const socket of this.sockets) {
      if (socket.state === 'closed') continue
      this.wasCut.add(socket)
      socket.terminate()
    }
  }

  private async count(): Promise<CloseReport> {
    const report = { connections: this.sockets.length, clean: 0, cut: 0, lost: 0 }
    await Promise.all(
      this.sockets.map(async (socket) => {
        report[this.howEnded(socket, await socket.closed)]++
      }),
    )
    clearInterval(this.timer)
    return report
  }

  private howEnded(socket: ServerSocket, { wasClean, error }: CloseInfo): 'clean' | 'cut' | 'lost' {
    if (wasClean) return 'clean'
    const timedOut = error instanceof TimeoutError && error.code === 'CLOSE_TIMEOUT'
    return timedOut || this.wasCut.has(socket) ? 'cut' : 'lost'
  }
}
