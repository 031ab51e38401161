import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'heartwire'
import { handlers, obey, options, tell } from './program.mjs'

const { attached, ...own } = options
const server = createServer({ ...handlers, ...own, message: (socket, message) => socket.send(message) })
const port = attached ? await attach() : (await server.listen({ host: '127.0.0.1' })).port
obey()
tell('listening', { url: `ws://127.0.0.1:${port}`, port })

async function attach() {
  const http = createHttpServer().listen(0, '127.0.0.1')
  server.attach(http)
  await once(http, 'listening')
  return http.address().port
}
