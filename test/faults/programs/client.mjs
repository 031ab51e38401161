import { connect } from 'heartwire'
import { handlers, obey, options, tell } from './program.mjs'

let socket
obey({
  async connect(url) {
    try {
      const message = (_socket, message) => tell('message', { message })
      socket = await connect(url, { ...handlers, ...options, message })
    } catch (error) {
      tell('failed', { name: error.name, code: error.code, message: error.message, cause: error.cause?.code })
    }
  },
  send: (message) => void socket.send(message),
  pause: () => socket.pause(),
})
