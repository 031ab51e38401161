// WebSocket beside Fastify on one port, behind the same sign-in.
//
//   npm run build && node build/examples/fastify.js 8080

import { fileURLToPath } from 'node:url'
import fastify from 'fastify'
import { createServer, UpgradeRejected } from 'heartwire'

/** Stands for a look-up in a database. */
async function userOf(authorization: string | undefined): Promise<string | undefined> {
  return authorization?.startsWith('Bearer ') ? authorization.slice('Bearer '.length) : undefined
}

export async function start(port: number) {
  const sockets = createServer({
    async upgrade(request) {
      const user = await userOf(request.header('authorization'))
      if (user === undefined) throw new UpgradeRejected(401, 'Sign in first.', { closeCode: 4401 })
      return { data: { user } }
    },
    message: (socket, message) => socket.send(`${socket.data.user}: ${message}`),
  })

  const app = fastify()
  app.get('/me', async (request, reply) => {
    const user = await userOf(request.headers.authorization)
    return user === undefined ? reply.code(401).send('Sign in first.') : { user }
  })
  sockets.attach(app.server, { path: '/echo' })
  // The sockets first: `app.close` waits for its connections to end.
  // Fastify takes what a hook resolves to for an error.
  app.addHook('preClose', async () => void (await sockets.close()))

  await app.listen({ port })
  return { http: app.server, stop: () => app.close() }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.argv[2] ?? 8080)
  const { stop } = await start(port)
  console.log(`ws://localhost:${port}/echo beside http://localhost:${port}/me`)
  process.once('SIGINT', stop)
}
