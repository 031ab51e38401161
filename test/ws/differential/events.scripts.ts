import type { Script } from './script.ts'

/** How events are told: which turn, which listener, which object; and what holds them up. */
export const EVENTS: Script[] = [
  {
    name: 'listeners in the manner of browsers',
    server: (ws) => {
      ws.send('text')
      ws.send(Buffer.from('bytes'))
      ws.close(4000, 'done')
    },
    client: (ws, stage) => {
      ws.onopen = (event) => stage.note('client', 'onopen', event.type, event.target === ws)
      ws.onmessage = (event) => stage.note('client', 'onmessage', event.data, event.type, event.target === ws)
      ws.onclose = (event) => stage.note('client', 'onclose', event.code, event.reason, event.wasClean)
      ws.onerror = () => stage.note('client', 'onerror')
      stage.note('client', typeof ws.onopen, typeof ws.onmessage, typeof ws.onclose, typeof ws.onerror)
    },
  },
  {
    name: 'an error in the manner of browsers',
    url: () => 'ws://127.0.0.1:1/',
    refused: true,
    client: (ws, stage) => {
      ws.onerror = (event) => stage.note('client', 'onerror', event.type, event.message, event.error)
      ws.onclose = (event) => stage.note('client', 'onclose', event.code, event.reason, event.wasClean)
    },
  },
  {
    name: 'attributes are replaced, and taken off',
    server: (ws) => {
      ws.send('x')
      ws.close()
    },
    client: (ws, stage) => {
      const first = () => stage.note('client', 'first')
      const second = () => stage.note('client', 'second')
      ws.onmessage = first
      ws.onmessage = second
      ws.onopen = first
      ws.onopen = null
      stage.note('client', ws.onmessage === second, ws.onopen, ws.onclose)
      ws.onclose = 'nothing' as never
      stage.note('client', ws.onclose)
    },
  },
  {
    name: 'addEventListener',
    server: (ws) => {
      ws.send('x')
      ws.send('y')
      ws.close()
    },
    client: (ws, stage) => {
      const listener = (event: { data: unknown }) => stage.note('client', 'listener', event.data)
      const object = { handleEvent: (event: { data: unknown }) => stage.note('client', 'object', event.data) }
      const gone = () => stage.note('client', 'gone')
      ws.addEventListener('message', listener)
      ws.addEventListener('message', listener)
      ws.addEventListener('message', object)
      ws.addEventListener('message', (event) => stage.note('client', 'once', event.data), { once: true })
      ws.addEventListener('message', gone)
      ws.removeEventListener('message', gone)
      ws.addEventListener('ping' as 'message', gone)
      stage.note('client', ws.listenerCount('message'), ws.listenerCount('ping'))
    },
  },
  {
    name: 'several events in one turn',
    server: (ws) => {
      for (let i = 0; i < 3; i++) ws.send(`m${i}`)
      ws.ping('p')
      ws.pong('q')
      ws.close()
    },
    client: (ws, stage) => {
      for (const event of ['message', 'ping', 'pong']) {
        ws.on(event, (data: Buffer) => {
          queueMicrotask(() => stage.note('client', 'microtask', data))
          process.nextTick(() => stage.note('client', 'tick', data))
        })
      }
    },
  },
  {
    name: 'allowSynchronousEvents: false, on the client',
    clientOptions: { allowSynchronousEvents: false },
    server: (ws) => {
      for (let i = 0; i < 3; i++) ws.send(`m${i}`)
      ws.ping('p')
      ws.pong('q')
      ws.close()
    },
    client: (ws, stage) => {
      for (const event of ['message', 'ping', 'pong']) {
        ws.on(event, (data: Buffer) => {
          queueMicrotask(() => stage.note('client', 'microtask', data))
          process.nextTick(() => stage.note('client', 'tick', data))
        })
      }
    },
  },
  {
    name: 'allowSynchronousEvents: false, on the server, with a violation at the end',
    serverOptions: { allowSynchronousEvents: false, maxPayload: 10 },
    client: (ws) => {
      ws.on('open', () => {
        ws.send('one')
        ws.send('two')
        ws.send('x'.repeat(11))
      })
    },
  },
  {
    name: 'allowSynchronousEvents: false, and the socket ends',
    serverOptions: { allowSynchronousEvents: false },
    client: (ws) => {
      ws.on('open', () => {
        ws.send('one')
        ws.send('two')
        ws.send('three', () => ws.terminate())
      })
    },
    ignore: 'client',
  },
  {
    name: 'pause and resume',
    server: (ws) => {
      ws.send('one')
      setTimeout(() => ws.send('two'), 20)
    },
    client: (ws, stage) => {
      ws.on('message', (data: Buffer) => {
        if (String(data) === 'two') return ws.close()
        ws.pause()
        stage.note('client', ws.isPaused)
        setTimeout(() => {
          stage.note('client', 'resumes')
          ws.resume()
          stage.note('client', ws.isPaused)
        }, 60)
      })
    },
  },
  {
    name: 'pause does not stop what has been read',
    server: (ws) => {
      ws.send('one')
      ws.send('two')
      ws.send('three')
    },
    client: (ws) => {
      let got = 0
      ws.on('message', () => {
        ws.pause()
        if (++got === 3) setTimeout(() => ws.terminate(), 10)
      })
    },
    ignore: 'server',
  },
  {
    name: 'paused, and the socket is destroyed with messages unread',
    server: (ws) => {
      setTimeout(() => ws.send('unread'), 20)
    },
    client: (ws) => {
      ws.on('open', () => ws.pause())
      setTimeout(() => ws.terminate(), 60)
    },
    ignore: 'server',
  },
  {
    name: 'a Close frame while paused',
    server: (ws) => void setTimeout(() => ws.close(4000), 10),
    client: (ws) => {
      ws.on('open', () => ws.pause())
      setTimeout(() => ws.resume(), 60)
    },
  },
  {
    name: 'callbacks of what is still to be written when the connection is terminated',
    server: (ws) => {
      ws.pause()
      setTimeout(() => ws.resume(), 200)
    },
    client: (ws, stage) => {
      // Which error it is depends on the line of Node.
      const told = (name: string) => (error?: Error) =>
        stage.note('client', name, 'called back', error instanceof Error)
      ws.on('open', () => {
        for (let i = 0; i < 5; i++) ws.send(Buffer.alloc(8_000_000), i === 0 ? () => {} : told(`${i}`))
        setTimeout(() => {
          ws.send('x', told('x'))
          ws.terminate()
        }, 50)
      })
    },
    ignore: 'server',
    only: /called back|close/,
  },
  {
    name: 'bufferedAmount is nothing when the kernel takes it at once',
    client: (ws, stage) => {
      ws.on('open', () => {
        stage.note('client', ws.bufferedAmount)
        ws.send('x'.repeat(1000))
        stage.note('client', ws.bufferedAmount)
        ws.close()
        stage.note('client', ws.bufferedAmount)
      })
    },
  },
  {
    name: 'a large message both ways',
    server: (ws) => void ws.on('message', (data: Buffer) => ws.send(data)),
    client: (ws) => {
      ws.on('open', () => ws.send(Buffer.alloc(20_000_000, 'x')))
      ws.on('message', () => ws.close())
    },
  },
  {
    name: 'memory that is used again after send',
    server: (ws) => {
      const bytes = Buffer.alloc(100_000)
      for (let i = 1; i <= 3; i++) ws.send(bytes.fill(i))
      bytes.fill(0)
      ws.close()
    },
  },
  {
    name: 'constants',
    client: (ws, stage) => {
      const { WebSocket } = stage.libraries.client
      for (const name of ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const) {
        stage.note('client', WebSocket[name], ws[name], Object.keys(WebSocket).includes(name))
      }
      ws.on('open', () => ws.close())
    },
  },
]
