// A program for any runtime: node, bun and deno. Its argument is the URL of an echoing server that drops the first connection.
import { ReconnectingWebSocket } from '../../dist/reconnect/index.js'

const url = typeof Deno === 'object' ? Deno.args[0] : process.argv[2]
const socket = new ReconnectingWebSocket(() => url, { initialDelay: 10, heartbeat: { interval: 5 } })
console.log(`${socket.state} 0`)
socket.addEventListener('state', ({ state, retry }) => {
  if (state === 'waiting') {
    socket.send('hello')
    socket.send(new Uint8Array([1, 2]))
  }
  if (state !== 'closing' && state !== 'closed') console.log(`${state} ${retry}`)
})
socket.onmessage = ({ data }) => {
  console.log(`message: ${typeof data === 'string' ? data : typeof data}`)
  if (data === 'enough') socket.close(4000)
}
socket.onclose = ({ code, cause }) => console.log(`close: ${code} ${cause}`)
