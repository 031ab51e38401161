// A server that handles signals, or several. Tells its ports, and what it does, a line of JSON each.
import { createServer, handleSignals } from 'heartwire'

const {
  servers: count = 1,
  array = false,
  separate = false,
  undo = false,
  fail = false,
  ...options
} = JSON.parse(process.argv[2] ?? '{}')
const tell = (event) => console.log(JSON.stringify(event))

const servers = Array.from({ length: count }, () =>
  createServer({ message: (socket, message) => void socket.send(message) }),
)
const listening = await Promise.all(servers.map((server) => server.listen({ host: '127.0.0.1' })))

const closed = (report) => {
  tell({ closed: report })
  if (fail) throw new Error('could not tidy up')
  // Something that takes its time, and is awaited.
  return new Promise((resolve) => setImmediate(() => resolve(tell('tidied up'))))
}
const handled = separate ? servers : [array ? servers : servers[0]]
const undoIt = handled.map((one) => handleSignals(one, { ...options, closed }))
if (undo) for (const one of undoIt) one()
tell({ ports: listening.map(({ port }) => port) })
