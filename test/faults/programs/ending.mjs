// A server that is ended from within a handler, by itself or from outside, in the middle of what a turn has brought.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { createServer } from 'heartwire'
import { hold, obey, options, tell } from './program.mjs'

const ENDS = {
  exit: () => process.exit(7),
  /** For good: only `terminate` of its Worker ends it. */
  wait: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  spin() {
    for (;;);
  },
}

/**
 * Every handler sends something; the one that is called for the nth time does not return.
 * @param ending `handler`, `nth` and `how`; undefined for a server that goes on
 */
async function serve(ending) {
  let first
  let calls = 0
  const called = (handler) => {
    if (handler !== ending?.handler || ++calls < ending.nth) return
    tell('inside')
    ENDS[ending.how]()
  }
  const server = createServer({
    open(socket) {
      first ??= socket
      socket.send('open')
      called('open')
    },
    message(socket, message) {
      socket.send(message)
      called('message')
    },
    close() {
      first.send('close')
      called('close')
    },
  })
  return (await server.listen({ host: '127.0.0.1' })).port
}

async function main() {
  const port = await serve(options.thread === undefined ? options : undefined)
  let worker
  obey({
    startThread() {
      worker = new Worker(new URL(import.meta.url), { workerData: options.thread })
      worker.on('message', ({ event, ...more }) => tell(event, more))
      worker.once('exit', (code) => tell('thread ended', { code }))
    },
    holdThread: () => worker.postMessage('hold'),
    terminate: () => worker.terminate(),
  })
  tell('listening', { url: `ws://127.0.0.1:${port}`, port })
}

if (isMainThread) {
  await main()
} else {
  parentPort.on('message', hold)
  tell('thread', { port: await serve(workerData) })
}
