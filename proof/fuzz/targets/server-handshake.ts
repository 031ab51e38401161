import { createServer as createHttpServer } from 'node:http'
import fc from 'fast-check'
import { nodePlatform } from '../../../src/platform/node.ts'
import { Receiver } from '../../../src/protocol/receiver.ts'
import { createServer } from '../../../src/server/server.ts'
import { UpgradeRejected } from '../../../src/server/upgrade-rejected.ts'
import { must, type Target } from '../target.ts'
import { Events } from './events.ts'
import { HTTP_WORDS, headerSection, KEY, withBody } from './http-words.ts'
import { chunksOf } from './input.ts'
import { PeerStream } from './peer-stream.ts'

const STATUSES = new Set([101, 400, 403, 404, 405, 408, 413, 414, 417, 426, 431, 503])

const target = fc.constantFrom(
  '/',
  '/chat?a=b',
  '/nobody',
  '/refused',
  '/closed',
  '/drop',
  '/close',
  '*',
  'http://a.example/chat',
  '//x',
  '',
)
const line = fc
  .tuple(fc.constantFrom('GET', 'GET', 'GET', 'POST', 'CONNECT'), target, fc.constantFrom('1.1', '1.1', '1.0'))
  .map(([method, path, version]) => `${method} ${path} HTTP/${version}\r\n`)
const head = fc
  .tuple(
    line,
    headerSection({
      Host: 'server.example',
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': KEY,
    }),
  )
  .map((parts) => parts.join(''))

/** What goes wrong where nothing may: in a handler, or in the server itself. */
let unexpected: unknown

const server = createServer({
  upgrade(request) {
    const { path, query, headers, origin, protocols, clientAddress } = request
    if (path === '/refused') throw new UpgradeRejected(403, `no ${origin ?? 'origin'}`)
    if (path === '/closed') throw new UpgradeRejected(403, 'no', { closeCode: 4001 })
    return { data: [query.size, Object.keys(headers).length, protocols.length, clientAddress] }
  },
  message: (socket, message) => void socket.send(message),
  protocols: ['chat', 'v2'],
  origins: ['same', 'https://*.example', 'null'],
  trustedProxies: ['loopback'],
  heartbeat: false,
  maxPayload: 4_096,
  maxFragments: 8,
  log: () => {},
  error: (error) => {
    unexpected = error
  },
})
// With what is off by default.
for (const over of ['drop', 'close'] as const) {
  server.route(`/${over}`, {
    message: (socket, message) => void socket.send(message),
    origins: 'any',
    heartbeat: false,
    text: 'bytes',
    serial: true,
    messageRate: { perSecond: 1, burst: 3, over },
    byteRate: { perSecond: 1, burst: 40, over },
    controlRate: { perSecond: 1, burst: 3 },
    maxPayload: 4_096,
    maxFragments: 8,
    overflow: over,
    maxBuffered: 1_000,
  })
}
const httpServer = createHttpServer()
server.attach(httpServer, { match: ({ url }) => url !== '/nobody' })

/** A server over a stream: a byte for the sizes of the chunks; what a client sends after it. */
export const serverHandshake: Target = {
  name: 'server-handshake',
  about: 'a server, from the first byte of a request to the end of the connection',
  dictionary: HTTP_WORDS,
  maxLength: 2_048,
  structures: withBody(fc.constantFrom(0, 1, 7), head, true),

  async run(input) {
    const stream = new PeerStream()
    const chunks = input[0] ?? 0
    const bytes = input.subarray(1)
    httpServer.emit('connection', stream)
    stream.send(chunks === 0 ? [bytes] : chunksOf(bytes, chunks))
    await stream.closedForGood
    if (unexpected !== undefined) throw unexpected
    must(server.sockets.size === 0, 'a socket outlives its stream')
    return answered(withoutContinue(stream.written))
  },
}

/** Without what Node answers to `Expect: 100-continue`, before anything else is. */
function withoutContinue(written: Buffer): Buffer {
  const interim = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')
  return written.subarray(0, interim.length).equals(interim) ? written.subarray(interim.length) : written
}

/** Every answer has to be one that is made here, and every frame behind a 101 a right one. */
function answered(written: Buffer): string[] {
  const end = written.indexOf('\r\n\r\n')
  if (end === -1) {
    must(written.length === 0, 'an answer that is cut')
    return ['no answer']
  }
  const lines = written.toString('latin1', 0, end).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(lines[0] ?? '')?.[1])
  must(STATUSES.has(status), () => `the answer is ${lines[0]}`)
  must(
    lines.slice(1).every((one) => /^[\w-]+: ?[^\r\n]*$/.test(one)),
    () => `a header of the answer is broken: ${lines}`,
  )
  const outcome = `${status} ${lines.length}`
  if (status !== 101) return [outcome]
  const events = new Events()
  const limits = { maxPayload: 8_192, maxFragments: 16 }
  const peer = new Receiver({ side: 'client', platform: nodePlatform, ...limits, text: 'string' }, events)
  peer.receive(written.subarray(end + 4))
  must(
    !events.lines.at(-1)?.startsWith('violation'),
    () => `what the server sends breaks a rule: ${events.lines.at(-1)}`,
  )
  return [outcome, ...events.kinds]
}
