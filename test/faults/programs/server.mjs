import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'heartwire'
import { handlers, obey, options, tell } from './program.mjs'

// `handed`: another one's HTTP server hands it the upgrades.
const { attached, handed, ...own } = options
const server = createServer({ ...handlers, ...own, message: (socket, message) => socket.send(message) })
const port = attached || handed ? await attach() : (await server.listen({ host: '127.0.0.1' })).port
obey()
tell('listening', { url: `ws://127.0.0.1:${port}`, port })

/** Returns the port. */
async function attach() {
  const http = createHttpServer().listen(0, '127.0.0.1')
  if (handed) http.on('upgrade', (request, stream, head) => server.handleUpgrade(request, stream, head))
  else server.attach(http)
  await once(http, 'listening')
  return http.address().port
}
