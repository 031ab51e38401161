import { deflateRawSync } from 'node:zlib'
import { encodeFrame } from 'heartwire/protocol'
import { answersWith, asksWith } from './raw.ts'
import type { Script } from './script.ts'

const KEY = Uint8Array.of(1, 2, 3, 4)
const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }
const CLOSE = encodeFrame({ opcode: 8, maskingKey: KEY, payload: Uint8Array.of(3, 232) })

function compressed(text: string): Buffer {
  const bytes = deflateRawSync(text, { finishFlush: 2 })
  return bytes.subarray(0, bytes.length - 4)
}

const frame = (fields: Omit<Parameters<typeof encodeFrame>[0], 'maskingKey'>) =>
  encodeFrame({ ...fields, maskingKey: KEY })

/** Parameters of both ends, and what comes of them. */
const PARAMETERS: [name: string, server: object | boolean, client: object | boolean][] = [
  ['both with the defaults', true, true],
  ['the server does not', false, true],
  ['the client does not', true, false],
  ['serverNoContextTakeover of the server', { serverNoContextTakeover: true }, true],
  ['serverNoContextTakeover of the client', true, { serverNoContextTakeover: true }],
  ['clientNoContextTakeover of the server', { clientNoContextTakeover: true }, true],
  ['clientNoContextTakeover of the client', true, { clientNoContextTakeover: true }],
  ['serverMaxWindowBits of the server', { serverMaxWindowBits: 10 }, true],
  ['serverMaxWindowBits of the client', true, { serverMaxWindowBits: 9 }],
  ['clientMaxWindowBits of the server', { clientMaxWindowBits: 11 }, true],
  ['clientMaxWindowBits of the client', true, { clientMaxWindowBits: 8 }],
  ['clientMaxWindowBits: false of the client', true, { clientMaxWindowBits: false }],
  [
    'all of them',
    { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 12 },
    { clientMaxWindowBits: 12 },
  ],
]

const TEXT = 'compress me, compress me, and compress me again. '.repeat(60)

/** permessage-deflate. */
export const COMPRESSION: Script[] = [
  ...PARAMETERS.map(
    ([name, server, client]): Script => ({
      name,
      serverOptions: { perMessageDeflate: server },
      clientOptions: { perMessageDeflate: client },
      server: (ws, stage, request) => {
        stage.note('server', request.headers['sec-websocket-extensions'], ws.extensions)
        ws.on('message', (data: Buffer, isBinary: boolean) => ws.send(data, { binary: isBinary }))
      },
      client: (ws, stage) => {
        ws.on('upgrade', (response) => stage.note('client', response.headers['sec-websocket-extensions']))
        ws.on('open', () => {
          stage.note('client', ws.extensions)
          for (let i = 0; i < 3; i++) ws.send(TEXT)
          ws.send(Buffer.from(TEXT))
          ws.send('')
          ws.send('short', { compress: false })
        })
        let got = 0
        ws.on('message', () => ++got === 6 && ws.close())
      },
    }),
  ),
  {
    name: 'a server that asks for what the client cannot do',
    serverOptions: { perMessageDeflate: { clientMaxWindowBits: 10 } },
    clientOptions: { perMessageDeflate: { clientMaxWindowBits: false } },
    refused: true,
  },
  {
    name: 'large messages, and callbacks in their order',
    serverOptions: { perMessageDeflate: true },
    server: (ws) => void ws.on('message', (data: Buffer) => ws.send(data)),
    client: (ws, stage) => {
      ws.on('open', () => {
        ws.send(TEXT.repeat(500), stage.told('client', 'large'))
        ws.send('small', stage.told('client', 'small'))
      })
      let got = 0
      ws.on('message', () => ++got === 2 && ws.close())
    },
    only: /message|close|open/,
  },
  {
    name: 'the end comes behind what is still being compressed',
    serverOptions: { perMessageDeflate: true },
    server: (ws) => {
      ws.send(TEXT.repeat(2000))
      ws.close(4000, 'last')
    },
  },
  {
    name: 'a message in fragments with compression agreed on',
    serverOptions: { perMessageDeflate: true },
    client: (ws) => {
      ws.on('open', () => {
        ws.send(TEXT, { fin: false })
        ws.send(TEXT, { fin: true })
        ws.close()
      })
    },
  },
  {
    name: 'what is no deflate data',
    serverOptions: { perMessageDeflate: true },
    rawClient: asksWith(OFFER, frame({ opcode: 1, rsv1: true, payload: Uint8Array.of(0x07, 0, 0) })),
    // The Close frame, and the rest.
    ignore: 'client',
  },
  {
    name: 'what inflates to more than maxPayload',
    serverOptions: { perMessageDeflate: true, maxPayload: 1000 },
    rawClient: asksWith(OFFER, frame({ opcode: 1, rsv1: true, payload: compressed('x'.repeat(1001)) })),
  },
  {
    name: 'what inflates to maxPayload',
    serverOptions: { perMessageDeflate: true, maxPayload: 1000 },
    rawClient: asksWith(OFFER, frame({ opcode: 1, rsv1: true, payload: compressed('x'.repeat(1000)) }), CLOSE),
  },
  {
    name: 'a compressed text that is not UTF-8',
    serverOptions: { perMessageDeflate: true },
    rawClient: asksWith(
      OFFER,
      frame({
        opcode: 1,
        rsv1: true,
        payload: deflateRawSync(Uint8Array.of(0xff, 0xfe), { finishFlush: 2 }).subarray(0, -4),
      }),
    ),
  },
  {
    name: 'a compressed control frame',
    serverOptions: { perMessageDeflate: true },
    rawClient: asksWith(OFFER, frame({ opcode: 9, rsv1: true, payload: compressed('x') })),
  },
  {
    name: 'a compressed continuation',
    serverOptions: { perMessageDeflate: true },
    rawClient: asksWith(
      OFFER,
      frame({ opcode: 1, rsv1: true, fin: false, payload: compressed('x') }),
      frame({ opcode: 0, rsv1: true, payload: compressed('x') }),
    ),
  },
  {
    name: 'compressed in fragments',
    serverOptions: { perMessageDeflate: true },
    rawClient: asksWith(
      OFFER,
      frame({ opcode: 1, rsv1: true, fin: false, payload: compressed(TEXT).subarray(0, 20) }),
      frame({ opcode: 9, payload: Buffer.from('between') }),
      frame({ opcode: 0, payload: compressed(TEXT).subarray(20) }),
      CLOSE,
    ),
  },
  {
    name: 'a server that compresses',
    rawServer: answersWith(
      ['Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover'],
      encodeFrame({ opcode: 1, rsv1: true, payload: compressed(TEXT) }),
      encodeFrame({ opcode: 2, rsv1: true, payload: compressed(TEXT) }),
      encodeFrame({ opcode: 8, payload: Uint8Array.of(3, 232) }),
    ),
  },
  {
    name: 'compression and allowSynchronousEvents: false',
    serverOptions: { perMessageDeflate: true, allowSynchronousEvents: false },
    client: (ws) => {
      ws.on('open', () => {
        for (let i = 0; i < 4; i++) ws.send(`${i}${TEXT}`)
        ws.close()
      })
    },
  },
]
