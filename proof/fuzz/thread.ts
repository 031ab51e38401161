import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Finding } from './loop.ts'

/** What a thread is started with. */
export interface ToThread {
  target: string
  seed: number
  /** Inputs, and seconds, beyond the given ones and their time after which it ends by itself. */
  runs: number
  seconds: number
  inputs: readonly Uint8Array[]
  /** Whether an input is kept also for what it makes run more often. */
  magnitudes: boolean
  /** Two numbers, RUNS and LENGTH, and the input at hand behind them. */
  shared: SharedArrayBuffer
}

/** Places in the shared memory: how many inputs were begun, and the length of the one at hand. */
export const RUNS = 0
export const LENGTH = 1

export interface Progress {
  executions: number
  /** Inputs that are kept. */
  corpus: number
  /** Statements and branches of the library that have run, and all that there are. */
  covered: number
  total: number
}

export type FromThread = { kept: Uint8Array } | { progress: Progress; done?: true; finding?: Finding | undefined }

export interface ThreadOptions extends Omit<ToThread, 'shared'> {
  /** The folder of the instrumented code. */
  code: string
  /** Seconds that one input may take. */
  timeout: number
  onKept(input: Uint8Array): void
  onProgress(progress: Progress): void
}

/** Bytes that inputs have at most. */
const LONGEST = 4_194_304
/** What a thread may have on its heap: what goes beyond it is a finding, too. */
const MAX_HEAP_MB = 1_024

/** Fuzzes a target in a thread for a time, or until there is a finding. */
export function fuzz(options: ThreadOptions): Promise<Finding | undefined> {
  const { timeout, onKept, onProgress, code, ...given } = options
  const shared = new SharedArrayBuffer(8 + LONGEST)
  const state = new Int32Array(shared, 0, 2)
  const data: ToThread = { ...given, shared }
  const worker = new Worker(join(code, 'proof/fuzz/worker.js'), {
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  })
  const current = () => new Uint8Array(shared, 8, state[LENGTH]).slice()
  return new Promise((resolve) => {
    const end = (finding: Finding | undefined) => {
      clearInterval(watch)
      void worker.terminate().then(() => resolve(finding))
    }
    let last = 0
    let since = performance.now()
    const watch = setInterval(() => {
      const now = Atomics.load(state, RUNS)
      if (now !== last || now === 0) {
        last = now
        since = performance.now()
      } else if (performance.now() - since > timeout * 1_000) {
        end({ input: current(), report: `Timeout: the input was not done within ${timeout} s.` })
      }
    }, 50)
    worker.on('message', (message: FromThread) => {
      if ('kept' in message) return onKept(message.kept)
      onProgress(message.progress)
      if (message.done) end(message.finding)
    })
    worker.on('error', (error) => end({ input: current(), report: `The thread ended: ${error.stack}` }))
  })
}
