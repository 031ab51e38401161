/** heartwire through its public face, with the defaults of a server but for what is named here. */
import { createRequire } from 'node:module'
import { createServer, type ServerOptions } from 'heartwire'
import { decline, serveControl, serverArguments } from './control.ts'

const { handler, work, compression } = serverArguments()
const TOPIC = 'everyone'

const publish: ServerOptions<undefined> = {
  open(socket) {
    socket.subscribe(TOPIC)
  },
  message(_socket, message) {
    server.publish(TOPIC, message)
  },
}

const echo: Record<typeof handler, ServerOptions<undefined>> = {
  sync: {
    message(socket, message) {
      socket.send(message)
    },
  },
  async: {
    async message(socket, message) {
      await Promise.resolve()
      socket.send(message)
    },
  },
  timer: {
    message(socket, message) {
      setTimeout(() => socket.send(message), 0)
    },
  },
}

function create() {
  return createServer<undefined>({
    transport: process.argv.includes('native') ? 'native' : process.argv.includes('node') ? 'node' : 'auto',
    // All the load keeps under way may wait in one queue; `ws` has no bound at all.
    maxBuffered: 256 * 1024 * 1024,
    // Everything is compressed, as by the others.
    ...(compression !== 'off' && { compression: { mode: compression, threshold: 0 } }),
    ...(work === 'publish' ? publish : echo[handler]),
  })
}

let server: ReturnType<typeof create>
try {
  server = create()
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  const { version } = createRequire(import.meta.url)('heartwire/package.json')
  serveControl(port, { heartwire: version })
} catch (error) {
  decline(error)
}
