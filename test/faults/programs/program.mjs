// What the programs that the tests of faults start have in common.
import { closeSync, open, openSync, readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'

/** The options that the program was started with. */
export const options = JSON.parse(process.argv[2] ?? '{}')

/** Tells the test; from a thread, whoever has started it. */
export function tell(event, more) {
  const told = { event, ...more }
  if (parentPort === null) process.send?.(told)
  else parentPort.postMessage(told)
}

const held = []

function openOne() {
  try {
    return openSync('/dev/null')
  } catch {
    return undefined
  }
}

/** Does nothing at all, in any thread, until there is a byte on standard input. */
export function hold() {
  tell('holding')
  readSync(0, Buffer.alloc(1))
}

const orders = {
  hold,
  /** Tells the most memory that the process has had, in bytes. */
  memory() {
    tell('memory', { peak: process.resourceUsage().maxRSS * 1024 })
  },
  /** Tells how many TCP sockets there are that are Node's. */
  sockets() {
    tell('sockets', { ofNode: process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length })
  },
  /** Does nothing else for so many milliseconds. */
  block(milliseconds) {
    const until = performance.now() + milliseconds
    while (performance.now() < until);
  },
  /** Takes all file descriptors but so many. */
  fill(left = 0) {
    for (let one = openOne(); one !== undefined; one = openOne()) held.push(one)
    orders.free(left)
  },
  /** Gives so many of them back. */
  free(count = held.length) {
    for (const one of held.splice(0, count)) closeSync(one)
  },
  /**
   * Takes, by threads, the descriptor that Node keeps in reserve, in the moment in which it closes it for a connection.
   * There is no other that could become free.
   */
  snatch() {
    orders.fill()
    let lost = false
    const snatch = () =>
      open('/dev/null', (_error, one) => {
        if (one === undefined) {
          if (!lost) snatch()
        } else {
          held.push(one)
          if (!lost) tell('reserve lost')
          lost = true
        }
      })
    for (let thread = 0; thread < 4; thread++) snatch()
  },
}

/** Does what the test tells, and ends with it. */
export function obey(more = {}) {
  const all = { ...orders, ...more }
  process.on('message', async ({ order, argument }) => {
    await all[order](argument)
    tell('done')
  })
  process.on('disconnect', () => process.exit())
}

/** The handlers that tell what happens. */
export const handlers = {
  open: () => tell('open'),
  close: (_socket, { code, cause, wasClean, sent }) => tell('close', { info: { code, cause, wasClean, sent } }),
  error: (error, socket) =>
    tell('error', { code: error?.code, message: String(error?.message), ofSocket: socket !== undefined }),
}
