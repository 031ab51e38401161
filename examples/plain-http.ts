// WebSocket beside plain HTTP on one port, with nothing but Node.
//
//   npm run build && node build/examples/plain-http.js 8080

import { createServer as createHttpServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createServer } from 'heartwire'

export async function start(port: number) {
  const sockets = createServer({
    message: (socket, message) => socket.send(message),
  })

  const http = createHttpServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ connections: sockets.sockets.size }))
  })
  // Where `attach` is not enough, an upgrade can be handed over from any listener.
  http.on('upgrade', (request, stream, head) => {
    if (request.url === '/echo') sockets.handleUpgrade(request, stream, head)
    else stream.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
  })

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
  console.log(`ws://localhost:${port}/echo beside http://localhost:${port}/`)
  process.once('SIGINT', stop)
}
