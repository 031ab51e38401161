/** A server with nothing but the defaults, which tells what it takes: a line of JSON for every line of standard input. */
import { createInterface } from 'node:readline'
import { writeHeapSnapshot } from 'node:v8'
import { createServer, type ServerOptions } from 'heartwire'

/** What the process takes, in bytes, when garbage has been collected. */
export interface Taken {
  rss: number
  heapUsed: number
  arrayBuffers: number
}

const transport = process.argv[2] as ServerOptions<undefined>['transport'] & string
const server = createServer({ transport, message: (socket, message) => void socket.send(message) })
const { port } = await server.listen({ host: '127.0.0.1' })

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    for (let i = 0; i < 4; i++) globalThis.gc?.()
    const [order, path] = line.split(' ')
    if (order === 'snapshot') say({ path: writeHeapSnapshot(path) })
    else say(process.memoryUsage())
  })
  .on('close', () => process.exit(0))
say({ port, pid: process.pid })
