import type { Duplex, DuplexOptions } from 'node:stream'
import type { Script, Socket } from './script.ts'
import type { Role, Stage } from './stage.ts'

function stream(role: Role, ws: Socket, stage: Stage, options?: DuplexOptions): Duplex {
  const duplex = stage.libraries[role].createWebSocketStream(ws, options)
  for (const event of ['finish', 'end', 'close']) duplex.on(event, () => stage.note(role, 'stream', event))
  duplex.on('error', (error) => stage.note(role, 'stream error', error))
  stage.waitFor(
    new Promise((resolve) => {
      for (const event of ['end', 'error', 'close']) duplex.once(event, resolve)
    }),
  )
  return duplex
}

const resumed = (role: Role) => (ws: Socket, stage: Stage) => void stream(role, ws, stage).resume()

/** createWebSocketStream. */
export const STREAMS: Script[] = [
  {
    name: 'what is written is a message, what comes is a chunk',
    server: (ws, stage) => {
      const duplex = stream('server', ws, stage)
      duplex.on('data', (data) => {
        stage.note('server', 'data', data)
        duplex.write(`echo of ${data}`)
      })
    },
    client: (ws, stage) => {
      const duplex = stream('client', ws, stage, { encoding: 'utf8' })
      duplex.write('before it is open', stage.told('client', 'write'))
      duplex.on('data', (data) => {
        stage.note('client', 'data', data)
        duplex.end()
      })
    },
  },
  {
    name: 'readableObjectMode',
    server: (ws) => {
      ws.send('text')
      ws.send(Buffer.from('bytes'))
      ws.close()
    },
    client: (ws, stage) => {
      const duplex = stream('client', ws, stage, { readableObjectMode: true })
      duplex.on('data', (data) => stage.note('client', 'data', data))
    },
  },
  {
    name: 'the stream is ended',
    server: resumed('server'),
    client: (ws, stage) => void stream('client', ws, stage).resume().end('last'),
  },
  {
    name: 'the peer closes',
    server: (ws) => ws.close(1001),
    client: resumed('client'),
  },
  {
    name: 'the peer closes, and nobody has read to the end',
    server: (ws) => {
      ws.send('unread')
      ws.close()
    },
    client: (ws, stage) => {
      const duplex = stream('client', ws, stage)
      setTimeout(() => duplex.resume(), 30)
    },
  },
  {
    name: 'the stream is destroyed',
    client: (ws, stage) => {
      const duplex = stream('client', ws, stage)
      ws.on('open', () => duplex.destroy())
    },
    ignore: 'server',
  },
  {
    name: 'the stream is destroyed with an error',
    client: (ws, stage) => {
      const duplex = stream('client', ws, stage)
      ws.on('open', () => duplex.destroy(new Error('mine')))
    },
    ignore: 'server',
  },
  {
    name: 'the stream is destroyed before the socket is open',
    refused: true,
    client: (ws, stage) => void stream('client', ws, stage).destroy(),
    ignore: 'server',
  },
  {
    name: 'the handshake fails',
    url: () => 'ws://127.0.0.1:1/',
    refused: true,
    client: (ws, stage) => void stream('client', ws, stage).write('never'),
  },
  {
    name: 'the peer breaks a rule',
    server: (ws) => ws._socket.write(Buffer.from([0x83, 0])),
    client: resumed('client'),
    ignore: 'server',
  },
  {
    name: 'the peer terminates',
    server: (ws) => ws.terminate(),
    client: resumed('client'),
  },
  {
    name: 'a reader that is slow holds the peer back',
    server: (ws) => {
      for (let i = 0; i < 8; i++) ws.send(Buffer.alloc(100_000, i))
      ws.close()
    },
    client: (ws, stage) => {
      const duplex = stream('client', ws, stage)
      let got = 0
      duplex.on('data', (data: Buffer) => {
        got += data.length
        duplex.pause()
        setTimeout(() => duplex.resume(), 5)
      })
      duplex.on('end', () => stage.note('client', got))
    },
    only: /stream|close|open|^8/,
  },
  {
    name: 'piped back',
    server: (ws, stage) => {
      const duplex = stream('server', ws, stage)
      duplex.pipe(duplex)
    },
    client: (ws) => {
      let got = 0
      ws.on('open', () => {
        for (let i = 0; i < 10; i++) ws.send(Buffer.alloc(50_000, i))
      })
      ws.on('message', () => ++got === 10 && ws.close())
    },
  },
]
