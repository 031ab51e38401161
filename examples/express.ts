// WebSocket beside Express on one port: requests publish to those who are connected.
//
//   npm run build && node build/examples/express.js 8080
//   curl -d 'rain at noon' -H 'content-type: text/plain' localhost:8080/news

import { createServer as createHttpServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { createServer } from 'heartwire'

export async function start(port: number) {
  const sockets = createServer({
    open: (socket) => socket.subscribe('news'),
    message: (socket, message) => socket.send(message),
  })

  const app = express()
  app.post('/news', express.text(), (request, response) => {
    response.json({ receivers: sockets.publish('news', String(request.body)) })
  })

  const http = createHttpServer(app)
  sockets.attach(http, { path: '/live' })

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
  console.log(`ws://localhost:${port}/live beside http://localhost:${port}/news`)
  process.once('SIGINT', stop)
}
