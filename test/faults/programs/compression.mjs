import { once } from 'node:events'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { connect, createServer } from 'heartwire'
import { obey, tell } from './program.mjs'

const LONG = Array.from({ length: 20_000 }, (_, i) => `${i}: ${Math.random()}`).join()

let server
let worker

/** Eight connections send long messages to and fro until they are closed, more than there are threads. */
async function begin() {
  server = createServer({ compression: 'takeover', message: (socket, message) => void socket.send(message) })
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
  for (let i = 0; i < 8; i++) {
    const socket = await connect(`ws://127.0.0.1:${port}`, { message: (socket, message) => void socket.send(message) })
    socket.send(LONG)
    socket.send(LONG)
  }
}

if (isMainThread) {
  obey({
    async begin() {
      await begin()
      tell('busy')
    },
    async thread() {
      worker = new Worker(new URL(import.meta.url))
      await once(worker, 'message')
      tell('busy')
    },
    async endThread() {
      await worker.terminate()
    },
    exit: () => process.exit(),
    async close() {
      await server.close({ deadline: 1 })
      process.disconnect()
    },
  })
} else {
  await begin()
  parentPort.postMessage('busy')
}
