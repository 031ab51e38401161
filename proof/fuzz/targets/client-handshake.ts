import fc from 'fast-check'
import { connect } from '../../../src/client/connect.ts'
import { nodePlatform } from '../../../src/platform/node.ts'
import { HandshakeError } from '../../../src/protocol/error.ts'
import { acceptKey } from '../../../src/protocol/handshake-key.ts'
import { must, type Target } from '../target.ts'
import { ACCEPT, HTTP_WORDS, headerSection, withBody } from './http-words.ts'
import { chunksOf } from './input.ts'
import { PeerStream } from './peer-stream.ts'

const PROTOCOLS = ['chat', 'v2']

const line = fc.constantFrom(
  '101 Switching Protocols',
  '101 x',
  '200 OK',
  '404 Not Found',
  '302 Found',
  '100 Continue',
  '1',
)
const head = fc
  .tuple(
    line.map((status) => `HTTP/1.1 ${status}\r\n`),
    headerSection({ Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Accept': ACCEPT }),
  )
  .map((parts) => parts.join(''))

/**
 * A client over a stream: a byte for the sizes of the chunks; what a server answers after it. The key is new each time:
 * the answer to the one of RFC 6455 section 1.3 stands for the right answer.
 */
export const clientHandshake: Target = {
  name: 'client-handshake',
  about: 'a client, from the first byte of the answer to the end of the connection',
  dictionary: HTTP_WORDS,
  maxLength: 2_048,
  structures: withBody(fc.constantFrom(0, 1, 7), head, false),

  async run(input) {
    const streams: PeerStream[] = []
    let messages = 0
    const opened = connect('ws://server.example/', {
      protocols: PROTOCOLS,
      followRedirects: 1,
      heartbeat: false,
      maxPayload: 4_096,
      maxFragments: 8,
      message: () => {
        messages++
      },
      createConnection() {
        const stream = new PeerStream()
        streams.push(stream)
        stream.onWritten = () => answer(stream, input)
        return stream
      },
    })
    const outcome = await opened.then(
      async (socket) => {
        must(socket.protocol === '' || PROTOCOLS.includes(socket.protocol), 'a subprotocol that was not offered')
        const { cause } = await socket.closed
        return `opened ${messages > 0} ${cause}`
      },
      (error: unknown) => {
        if (!(error instanceof HandshakeError)) throw error
        must(error.body.length <= 4_096, 'more is kept of a body than is said')
        return `${error.code} ${error.status}`
      },
    )
    for (const stream of streams) await stream.closedForGood
    return [outcome, `streams ${streams.length}`]
  },
}

/** Once the request has come. */
function answer(stream: PeerStream, input: Uint8Array): void {
  const request = stream.written.toString('latin1')
  // A redirect may lead to where TLS is spoken: nobody is there.
  if (request.startsWith('\x16')) {
    stream.onWritten = () => {}
    setImmediate(() => stream.send([]))
    return
  }
  const key = /^Sec-WebSocket-Key: (.*)\r$/m.exec(request)?.[1]
  if (key === undefined || !request.endsWith('\r\n\r\n')) return
  stream.onWritten = () => {}
  const chunks = input[0] ?? 0
  const text = Buffer.from(input.subarray(1)).toString('latin1')
  const bytes = Buffer.from(text.replaceAll(ACCEPT, acceptKey(key, nodePlatform)), 'latin1')
  // Not from within the write: the answer to a request comes in a later turn.
  setImmediate(() => stream.send(chunks === 0 ? [bytes] : chunksOf(bytes, chunks)))
}
