/** heartwire through its public face, with the defaults of a server but for the one below. */
import { createRequire } from 'node:module'
import { createServer, type ServerOptions } from 'heartwire'
import { serveControl, serverArguments } from './control.ts'

const { handler, mode } = serverArguments()
const TOPIC = 'everyone'

// All the load keeps under way may wait in one queue; `ws` has no bound at all.
const maxBuffered = 256 * 1024 * 1024

function handlers(): ServerOptions<undefined> {
  if (mode === 'publish') {
    return {
      open(socket) {
        socket.subscribe(TOPIC)
      },
      message(_socket, message) {
        server.publish(TOPIC, message)
      },
    }
  }
  if (handler === 'async') {
    return {
      async message(socket, message) {
        await Promise.resolve()
        socket.send(message)
      },
    }
  }
  return {
    message(socket, message) {
      socket.send(message)
    },
  }
}

const server = createServer<undefined>({ maxBuffered, ...handlers() })
const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
const require = createRequire(import.meta.url)
serveControl(port, { heartwire: require('heartwire/package.json').version })
