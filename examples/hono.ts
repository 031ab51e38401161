// WebSocket beside Hono on Node, on one port: a room for each path.
//
//   npm run build && node build/examples/hono.js 8080

import { createServer as createHttpServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import { createServer } from 'heartwire'
import { Hono } from 'hono'

export async function start(port: number) {
  const sockets = createServer().route(/^\/rooms\/(?<room>\w+)$/, {
    upgrade: (request) => ({ data: { room: request.match?.groups?.room ?? '' } }),
    open: (socket) => socket.subscribe(socket.data.room),
    message(socket, message) {
      socket.send(message)
      socket.publish(socket.data.room, message)
    },
  })

  const app = new Hono()
  app.get('/rooms/:room', (context) => {
    return context.json({ members: sockets.subscriberCount(context.req.param('room')) })
  })

  const http = createHttpServer(getRequestListener(app.fetch))
  sockets.attach(http)

  await new Promise<void>((resolve) => http.listen(port, resolve))

  const stop = async () => {
    // The sockets first: an HTTP server waits for its connections to end.
    await sockets.close()
    await new Promise((resolve) => http.close(resolve))
  }
  return { http, stop }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.argv[2] ?? 8080)
  const { stop } = await start(port)
  console.log(`ws://localhost:${port}/rooms/lobby beside http://localhost:${port}/rooms/lobby`)
  process.once('SIGINT', stop)
}
