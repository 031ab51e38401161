import type { Script, Socket } from './script.ts'

const echo = (ws: Socket) =>
  void ws.on('message', (data: Buffer, isBinary: boolean) => ws.send(data, { binary: isBinary }))

/** Ordinary life: messages of all kinds, both ways, and callbacks. */
export const LIFE: Script[] = [
  {
    name: 'a text goes there and back',
    server: echo,
    client: (ws) => void ws.on('open', () => ws.send('hello')).on('message', () => ws.close()),
  },
  {
    name: 'bytes go there and back',
    server: echo,
    client: (ws) => void ws.on('open', () => ws.send(Buffer.from([0, 1, 2, 255]))).on('message', () => ws.close(1000)),
  },
  {
    name: 'empty messages',
    server: echo,
    client: (ws) => {
      let answers = 0
      ws.on('open', () => {
        ws.send('')
        ws.send(Buffer.alloc(0))
      })
      ws.on('message', () => ++answers === 2 && ws.close())
    },
  },
  {
    name: 'several messages in one turn keep their order',
    server: echo,
    client: (ws) => {
      let answers = 0
      ws.on('open', () => {
        for (let i = 0; i < 20; i++) ws.send(`message ${i}`)
      })
      ws.on('message', () => ++answers === 20 && ws.close(1000, 'done'))
    },
  },
  {
    name: 'sizes around every header length',
    server: echo,
    client: (ws) => {
      const sizes = [125, 126, 127, 65535, 65536, 200_000]
      ws.on('open', () => {
        for (const size of sizes) ws.send('x'.repeat(size))
      })
      let answers = 0
      ws.on('message', () => ++answers === sizes.length && ws.close())
    },
  },
  {
    name: 'the server speaks first',
    server: (ws) => ws.send('welcome'),
    client: (ws) => void ws.on('message', () => ws.close(4000, 'bye')),
  },
  {
    name: 'callbacks of send come in their order',
    server: echo,
    client: (ws, stage) => {
      ws.on('open', () => {
        ws.send('a', stage.told('client', 'first'))
        ws.send('b', { binary: true }, stage.told('client', 'second'))
        ws.ping('c', undefined, stage.told('client', 'ping'))
        ws.pong('d', undefined, stage.told('client', 'pong'))
        ws.close(1000, '')
        stage.note('client', 'after close', `state=${ws.readyState}`)
      })
    },
    ignore: 'server',
  },
  {
    name: 'every kind of data',
    server: (ws) => {
      let got = 0
      ws.on('message', () => ++got === 10 && ws.close())
    },
    client: (ws) => {
      ws.on('open', () => {
        ws.send(42)
        ws.send(0)
        ws.send(new Uint8Array([1, 2]).buffer)
        ws.send(new Uint16Array([1, 2]))
        ws.send(new DataView(new ArrayBuffer(3)))
        ws.send([1, 2, 3])
        ws.send(new Uint8Array([9]))
        ws.send(null as unknown as string)
        ws.send(undefined as unknown as string)
        ws.send('text', { binary: true })
      })
    },
  },
  {
    name: 'data that is none',
    client: (ws, stage) => {
      ws.on('open', () => {
        stage.tries('client', 'send object', () => ws.send({} as string))
        stage.tries('client', 'send true', () => ws.send(true as unknown as string))
        stage.tries('client', 'send function', () => ws.send((() => {}) as unknown as string))
        stage.tries('client', 'ping object', () => ws.ping({} as string))
        ws.close()
      })
    },
  },
  {
    name: 'bytes sent as text',
    server: (ws) => void ws.on('message', () => ws.close()),
    client: (ws) => void ws.on('open', () => ws.send(Buffer.from('grüße'), { binary: false })),
  },
  {
    name: 'a Blob keeps its place among messages',
    server: (ws) => {
      let got = 0
      ws.on('message', () => ++got === 4 && ws.close())
    },
    client: (ws, stage) => {
      ws.on('open', () => {
        ws.send('before')
        ws.send(new Blob(['blob']), stage.told('client', 'blob'))
        ws.send('after', stage.told('client', 'after'))
        ws.send(new Blob(['another']))
      })
    },
  },
  {
    name: 'a message in fragments',
    server: (ws) => {
      let got = 0
      ws.on('message', () => ++got === 2 && ws.close())
    },
    client: (ws) => {
      ws.on('open', () => {
        ws.send('one ', { fin: false })
        ws.ping('between')
        ws.send('two ', { fin: false })
        ws.send('three', { fin: true })
        ws.send('whole')
      })
    },
  },
  {
    name: 'pings and pongs with data',
    server: (ws) => ws.ping('from server'),
    client: (ws) => {
      ws.on('open', () => {
        ws.ping()
        ws.ping('text')
        ws.ping(Buffer.from('bytes'))
        ws.ping(7)
        ws.pong('unasked')
      })
      let pongs = 0
      ws.on('pong', () => ++pongs === 4 && ws.close())
    },
  },
  {
    name: 'pings and pongs that are too long',
    client: (ws, stage) => {
      ws.on('open', () => {
        stage.tries('client', 'ping', () => ws.ping('x'.repeat(126)))
        stage.tries('client', 'pong', () => ws.pong(Buffer.alloc(126)))
        stage.tries('client', 'longest', () => ws.ping('x'.repeat(125)))
      })
      ws.on('pong', () => ws.close())
    },
  },
  {
    name: 'autoPong: false, on the server',
    serverOptions: { autoPong: false },
    server: (ws) => void ws.on('ping', (data: Buffer) => ws.pong(`mine: ${data}`)),
    client: (ws) => void ws.on('open', () => ws.ping('x')).on('pong', () => ws.close()),
  },
  {
    name: 'autoPong: false, on the client',
    clientOptions: { autoPong: false },
    server: (ws) => {
      ws.ping('x')
      ws.send('then this')
    },
    client: (ws) => void ws.on('message', () => ws.close()),
  },
  ...(['nodebuffer', 'arraybuffer', 'blob', 'fragments'] as const).map(
    (binaryType): Script => ({
      name: `binaryType ${binaryType}`,
      server: (ws) => {
        ws.send(Buffer.from('binary'))
        ws.send('text')
        ws.send(Buffer.from('first '), { fin: false })
        ws.send(Buffer.from('second'), { fin: true })
        ws.send('done')
      },
      client: (ws) => {
        ws.binaryType = binaryType
        let got = 0
        ws.on('message', () => ++got === 4 && ws.close())
      },
    }),
  ),
  {
    name: 'a binaryType that there is not',
    client: (ws, stage) => {
      ws.binaryType = 'hexbuffer' as 'blob'
      stage.note('client', ws.binaryType)
      ws.on('open', () => ws.close())
    },
  },
  {
    name: 'subprotocols',
    protocols: ['one', 'two'],
    server: (ws, stage) => stage.note('server', ws.protocol),
    client: (ws, stage) => {
      ws.on('open', () => {
        stage.note('client', ws.protocol, ws.extensions, ws.url)
        ws.close()
      })
    },
  },
  {
    name: 'handleProtocols chooses',
    serverOptions: { handleProtocols: (names: Set<string>) => [...names].at(-1) ?? false },
    protocols: ['one', 'two'],
    client: (ws, stage) => void ws.on('open', () => stage.note('client', ws.protocol)).on('open', () => ws.close()),
  },
  {
    name: 'handleProtocols refuses all',
    serverOptions: { handleProtocols: () => false },
    protocols: ['one'],
  },
  {
    name: 'prepared frames go out by _sender.sendFrame',
    server: (ws, stage) => {
      const { Sender } = stage.libraries.server
      const list = Sender.frame(Buffer.from('prepared'), {
        fin: true,
        rsv1: false,
        opcode: 1,
        mask: false,
        readOnly: false,
      })
      ws.send('before')
      ws._sender.sendFrame(list, stage.told('server', 'sendFrame'))
      ws._sender.sendFrame(list)
      ws.send('after')
    },
    client: (ws) => {
      let got = 0
      ws.on('message', () => ++got === 4 && ws.close())
    },
  },
  {
    name: 'a frame that the client does not mask',
    client: (ws, stage) => {
      ws.on('open', () => ws.send('bare', { mask: false }, stage.told('client', 'send')))
    },
  },
  {
    name: 'a frame that the server masks',
    server: (ws) => ws.send('masked', { mask: true }),
  },
  {
    name: 'generateMask',
    clientOptions: { generateMask: (mask: Buffer) => mask.fill(3) },
    server: (ws) => void ws.on('message', () => ws.close()),
    client: (ws) => void ws.on('open', () => ws.send('with my own key')),
  },
  {
    name: 'a ping that the client does not mask',
    client: (ws, stage) => void ws.on('open', () => ws.ping('bare', false, stage.told('client', 'ping'))),
  },
  {
    name: 'a pong that the server masks',
    server: (ws) => ws.pong('masked', true),
  },
  {
    name: 'callbacks in the place of other arguments',
    server: (ws, stage) => {
      ws.ping(stage.told('server', 'ping'))
      ws.pong('x', stage.told('server', 'pong'))
      ws.send('y', stage.told('server', 'send'))
    },
    client: (ws) => void ws.on('message', () => ws.close()),
  },
  {
    name: 'a socket that is corked by the application',
    server: (ws) => {
      ws._socket.cork()
      ws.send('one')
      ws.send('two')
      setTimeout(() => ws._socket.uncork(), 10)
    },
    client: (ws) => {
      let got = 0
      ws.on('message', () => ++got === 2 && ws.close())
    },
  },
  {
    name: 'ten thousand messages in one turn',
    server: (ws) => {
      let got = 0
      ws.on('message', () => ++got === 10_000 && ws.close(1000, String(got)))
    },
    client: (ws) => {
      ws.on('open', () => {
        for (let i = 0; i < 10_000; i++) ws.send(`${i}`)
      })
    },
    only: /close|999/,
  },
  {
    name: 'messages of all sizes, slowly read',
    server: (ws) => {
      for (let i = 0; i < 60; i++) ws.send(Buffer.alloc((i * 7919) % 70_000, i))
      ws.close(1000)
    },
    client: (ws) => {
      ws.on('message', () => {
        ws.pause()
        setTimeout(() => ws.resume(), 1)
      })
    },
  },
]
