import type { Script } from './script.ts'

const CODES = [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999]
const NO_CODES = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, '1000', null]

/** How connections end: who closes, with what, and in which order. */
export const CLOSING: Script[] = [
  { name: 'the client closes without a code', client: (ws) => void ws.on('open', () => ws.close()) },
  { name: 'the server closes without a code', server: (ws) => ws.close() },
  {
    name: 'the client closes with a code and a reason',
    client: (ws) => void ws.on('open', () => ws.close(4001, 'the reason')),
  },
  { name: 'the server closes with a code and a reason', server: (ws) => ws.close(1011, 'größer') },
  { name: 'a reason as bytes', server: (ws) => ws.close(1000, Buffer.from('bytes')) },
  {
    name: 'both close at the same time',
    server: (ws) => ws.close(4000, 'server'),
    client: (ws) => void ws.on('open', () => ws.close(4001, 'client')),
    // Which of the two Close frames is first depends on when each comes.
    only: /connection|open|close/,
  },
  {
    name: 'closing twice',
    client: (ws, stage) => {
      ws.on('open', () => {
        ws.close(4001, 'first')
        ws.close(4002, 'second')
        stage.note('client', `state=${ws.readyState}`)
      })
      ws.on('close', () => {
        ws.close()
        ws.terminate()
        stage.note('client', `state=${ws.readyState}`)
      })
    },
  },
  { name: 'the client terminates', client: (ws) => void ws.on('open', () => ws.terminate()) },
  { name: 'the server terminates', server: (ws) => ws.terminate() },
  {
    name: 'the server sends and terminates',
    server: (ws) => {
      ws.send('last words')
      ws.terminate()
    },
  },
  {
    name: 'terminating after close',
    client: (ws) => {
      ws.on('open', () => {
        ws.close()
        ws.terminate()
      })
    },
    ignore: 'server',
  },
  {
    name: 'messages before the Close frame arrive',
    server: (ws) => {
      for (let i = 0; i < 5; i++) ws.send(`message ${i}`)
      ws.close(1001, 'that was all')
    },
  },
  {
    name: 'messages that come while closing are told',
    server: (ws) => void ws.on('message', () => ws.send('still here')),
    client: (ws) => {
      ws.on('open', () => {
        ws.send('question')
        ws.close()
      })
    },
  },
  {
    name: 'a send after close',
    client: (ws, stage) => {
      ws.on('open', () => {
        ws.close()
        stage.tries('client', 'send', () => ws.send('late', stage.told('client', 'send')))
        stage.tries('client', 'ping', () => ws.ping('late', undefined, stage.told('client', 'ping')))
        stage.tries('client', 'pong', () => ws.pong('late', undefined, stage.told('client', 'pong')))
        stage.tries('client', 'blob', () => ws.send(new Blob(['late'])))
        stage.tries('client', 'quiet', () => ws.send('late'))
      })
      ws.on('close', () => {
        ws.send('later', stage.told('client', 'send'))
      })
    },
  },
  {
    name: 'bytes that are sent after the end count as buffered',
    client: (ws, stage) => {
      ws.on('open', () => ws.close())
      ws.on('close', () => {
        ws.send('12345')
        ws.send(Buffer.alloc(10))
        ws.ping('123')
        stage.note('client', ws.bufferedAmount)
      })
    },
  },
  {
    name: 'the socket is ended without a Close frame',
    client: (ws) => void ws.on('open', () => ws._socket.end()),
  },
  {
    name: 'the socket is destroyed',
    client: (ws, stage) => {
      ws.on('open', () => {
        ws._socket.destroy()
        stage.note('client', `state=${ws.readyState}`)
        ws.send('x', stage.told('client', 'send'))
      })
    },
  },
  {
    name: 'the socket is destroyed with an error',
    client: (ws) => void ws.on('open', () => ws._socket.destroy(new Error('of my own'))),
  },
  {
    name: 'the peer resets the connection',
    server: (ws) => void ws.on('message', () => ws._socket.resetAndDestroy()),
    client: (ws) => void ws.on('open', () => ws.send('please')),
  },
  {
    name: 'the peer does not answer the Close frame in time',
    serverOptions: { closeTimeout: 50 },
    server: (ws) => ws.close(4000),
    client: (ws) => {
      ws.on('open', () => ws.pause())
      setTimeout(() => ws.resume(), 150)
    },
  },
  {
    name: 'the same with a client that closes',
    clientOptions: { closeTimeout: 50 },
    server: (ws) => {
      ws.pause()
      setTimeout(() => ws.resume(), 150)
    },
    client: (ws) => void ws.on('open', () => ws.close(4000)),
    ignore: 'server',
  },
  ...CODES.map(
    (code): Script => ({ name: `the close code ${code}`, client: (ws) => void ws.on('open', () => ws.close(code)) }),
  ),
  {
    name: 'close codes that must not be sent',
    client: (ws, stage) => {
      ws.on('open', () => {
        for (const code of NO_CODES) {
          stage.tries('client', `close(${code})`, () => ws.close(code as number))
          stage.note('client', `state=${ws.readyState}`)
        }
        stage.tries('client', 'reason without code', () => ws.close(undefined, 'why'))
        stage.note('client', `state=${ws.readyState}`)
        ws.terminate()
      })
    },
    ignore: 'server',
  },
  {
    name: 'a reason that is too long',
    client: (ws, stage) => {
      ws.on('open', () => {
        stage.tries('client', 'close', () => ws.close(1000, 'x'.repeat(124)))
        stage.note('client', `state=${ws.readyState}`)
        ws.terminate()
      })
    },
    ignore: 'server',
  },
  {
    name: 'the longest reason',
    client: (ws) => void ws.on('open', () => ws.close(1000, 'x'.repeat(123))),
  },
  {
    name: 'closing before it is open',
    refused: true,
    client: (ws, stage) => {
      ws.close()
      stage.note('client', `state=${ws.readyState}`)
      ws.close()
    },
    ignore: 'server',
  },
  {
    name: 'terminating before it is open',
    refused: true,
    client: (ws, stage) => {
      ws.terminate()
      stage.note('client', `state=${ws.readyState}`)
    },
    ignore: 'server',
  },
  {
    name: 'what can be called before it is open',
    client: (ws, stage) => {
      stage.tries('client', 'send', () => ws.send('x'))
      stage.tries('client', 'ping', () => ws.ping())
      stage.tries('client', 'pong', () => ws.pong())
      stage.tries('client', 'pause', () => ws.pause())
      stage.tries('client', 'resume', () => ws.resume())
      stage.note('client', ws.isPaused, ws.bufferedAmount, ws.extensions, ws.protocol, ws.url)
      ws.on('open', () => ws.close())
    },
  },
  {
    name: 'closing in the event upgrade',
    refused: true,
    client: (ws) => void ws.on('upgrade', () => ws.close()),
    ignore: 'server',
  },
  {
    name: 'closing in the event open',
    client: (ws) => void ws.on('open', () => ws.close(1001)),
  },
  {
    name: 'closing in the event message',
    server: (ws) => {
      ws.send('one')
      ws.send('two')
      ws.send('three')
    },
    client: (ws) => void ws.once('message', () => ws.close(4000)),
  },
  {
    name: 'terminating in the event message',
    server: (ws) => {
      ws.send('one')
      ws.send('two')
      ws.send('three')
    },
    client: (ws) => void ws.once('message', () => ws.terminate()),
    ignore: 'server',
  },
]
