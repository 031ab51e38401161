/** heartwire through its public face, with the defaults of a server but for what is named here. */
import { createRequire } from 'node:module'
import { createServer, type Server, type ServerSocket } from 'heartwire'
import { type Declined, serveControl } from '../../servers/control.ts'
import { modeArgument } from './arguments.ts'

const server = create()
if (server !== undefined) {
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  const require = createRequire(import.meta.url)
  serveControl(port, { heartwire: require('heartwire/package.json').version })
}

function create(): Server<undefined> | undefined {
  const options = {
    // Everything is compressed, as by the others.
    compression: { mode: modeArgument(), threshold: 0 },
    message(socket: ServerSocket, message: string | Uint8Array): void {
      socket.send(message)
    },
  }
  try {
    return createServer<undefined>(options)
  } catch (error) {
    // A heartwire from before it had the option.
    const declined: Declined = { declined: error instanceof Error ? error.message : String(error) }
    process.stdout.write(`${JSON.stringify(declined)}\n`)
    return undefined
  }
}
