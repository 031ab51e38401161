import { once } from 'node:events'
import { connect, createServer } from 'heartwire'
import { expect, it } from 'vitest'
import WebSocket from 'ws'

it('one member leaving a room, or dying in it, leaves the others in it', async () => {
  const server = createServer({
    open(socket) {
      socket.subscribe('room')
      socket.send('in')
    },
    message: (socket, message) => socket.publish('room', message),
  })
  const { url } = await server.listen({ host: '127.0.0.1' })
  const members = await Promise.all([connect(url), connect(url), connect(url), connect(url)])
  const [speaker, listener, leaver, dier] = members
  for (const member of members) expect(await member.receive()).toBe('in')
  const rude = new WebSocket(url)
  await once(rude, 'open')

  leaver.close()
  await leaver.closed
  dier.terminate()
  rude.terminate()
  while (server.subscriberCount('room') > 2) await new Promise((resolve) => setImmediate(resolve))

  speaker.send('still here?')
  expect(await listener.receive()).toBe('still here?')
  listener.send('yes')
  expect(await speaker.receive()).toBe('yes')
  expect([speaker.state, listener.state]).toEqual(['open', 'open'])
  await server.close()
})
