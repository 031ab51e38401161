import { createServer } from 'heartwire'
import { handlers, obey, options, tell } from './program.mjs'

const server = createServer({ ...handlers, ...options, message: (socket, message) => socket.send(message) })
const { url, port } = await server.listen({ host: '127.0.0.1' })
obey()
tell('listening', { url, port })
