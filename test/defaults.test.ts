/** That docs/defaults.md and README.md have the numbers that the code has, and docs/errors.md every code. */
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { connect, createServer, sendBudget } from 'heartwire'
import { type ConnectionEnd, isFinalCode } from 'heartwire/reconnect'
import { memoryPair } from 'heartwire/testing'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { compileOptions } from '../src/client/options.ts'
import { NO_COMPRESSION, resolveCompression } from '../src/compression/settings.ts'
import { CLOSING_TIMEOUT, LINGER_TIMEOUT } from '../src/protocol/connection.ts'
import { RULES } from '../src/protocol/error.ts'
import { HEARTBEAT, resolveOptions as resolveReconnect } from '../src/reconnect/options.ts'
import { resolveCloseOptions } from '../src/server/closing.ts'
import { SERVER_LIMITS } from '../src/server/limits.ts'
import { RefusalLog } from '../src/server/rate-log.ts'
import { compileServer } from '../src/server/route.ts'

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
}

/** The cells of the tables under a heading of a document, row by row, without the row of titles. */
function rowsOf(path: string, heading: string): string[][] {
  const section =
    read(path)
      .split(/^#+ /m)
      .find((section) => section.startsWith(`${heading}\n`)) ?? ''
  const tables = section.split(/\n{2,}/).filter((block) => block.startsWith('|'))
  const lines = tables.flatMap((table) => table.trim().split('\n').slice(2))
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** The first two columns of the tables under a heading, without backticks. */
function documented(heading: string): Record<string, string> {
  return Object.fromEntries(
    rowsOf('docs/defaults.md', heading).map(([name = '', value = '']) => [name.replaceAll('`', ''), value]),
  )
}

/** A constant that its module keeps to itself, made of digits, `_` and `*`. */
function constant(path: string, name: string): number {
  const factors = new RegExp(`\\b${name} = ([\\d_ *]+)`).exec(read(path))?.[1]
  if (factors === undefined) throw new Error(`there is no ${name} in ${path}`)
  return factors.split('*').reduce((product, factor) => product * Number(factor.replaceAll('_', '')), 1)
}

function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${milliseconds / 1000} s`
}

function limit(milliseconds: number): string {
  return milliseconds === Number.POSITIVE_INFINITY ? 'none' : seconds(milliseconds)
}

function size(bytes: number): string {
  return bytes < 1024 * 1024 ? `${bytes / 1024} KiB` : `${bytes / 1024 / 1024} MiB`
}

function count(number: number): string {
  return number.toLocaleString('en')
}

const route = compileServer({})
const server = route.behaviour
const client = compileOptions({})
if (server.heartbeat === false) throw new Error('the heartbeat is off')

const END: ConnectionEnd = { code: 1006, reason: '', wasClean: false, cause: 'close', failures: 1 }

const compressionDefaults = {
  shared: resolveCompression('shared', NO_COMPRESSION),
  takeover: resolveCompression('takeover', NO_COMPRESSION),
}

/** Whatever an option does when it is not there. */
const given = (value: unknown) => (value === undefined ? 'none' : String(value))

test('the defaults of every socket', () => {
  const alike = { maxPayload: 0, compression: undefined }
  expect({ ...client.behaviour, ...alike }).toEqual({ ...server, ...alike })
  const { shared, takeover } = compressionDefaults
  expect(client.behaviour.compression).toEqual(takeover)
  expect({ ...shared, mode: 'takeover', threshold: takeover.threshold }).toEqual(takeover)
  expect(documented('Of every socket')).toEqual({
    'maxPayload of a server': size(server.maxPayload),
    'maxPayload of a client': size(client.behaviour.maxPayload),
    maxFragments: count(server.maxFragments),
    highWaterMark: size(server.highWaterMark),
    maxBuffered: size(server.maxBuffered),
    overflow: `'${server.overflow}'`,
    maxQueueAge: limit(server.maxQueueAge),
    messageRate: server.messageRate === false ? 'none' : 'some',
    byteRate: server.byteRate === false ? 'none' : 'some',
    controlRate:
      server.controlRate === false
        ? 'none'
        : `${count(server.controlRate.perSecond)} in 1 s, ${count(server.controlRate.burst)} at once`,
    'heartbeat.interval': seconds(server.heartbeat !== false ? server.heartbeat.interval : 0),
    'heartbeat.timeout': seconds(server.heartbeat !== false ? server.heartbeat.timeout : 0),
    heartbeat: 'on',
    maxPause: seconds(server.maxPause),
    maxLifetime: limit(server.maxLifetime),
    idleBeforeFirstMessage: limit(server.idleBeforeFirstMessage),
    closeTimeout: seconds(server.closeTimeout),
    text: `'${server.text}'`,
    autoPong: given(server.autoPong),
    autoResponse: given(server.autoResponse),
    'compression of a server': `'${server.compression.mode}'`,
    'compression of a client': `'${client.behaviour.compression.mode}'`,
    'compression.level': String(takeover.level),
    'compression.threshold': `${shared.threshold}; ${takeover.threshold} with 'takeover'`,
    'compression.windowBits': String(takeover.windowBits),
    'compression.maxRatio': limit(takeover.maxRatio),
    serial: String(server.serial),
    asyncContext: `'${server.asyncContext}'`,
    observeFrames: 'none',
    message: 'none',
    dropped: 'none',
    error: 'console.error',
  })
})

test('the defaults of a server', async () => {
  const running = createServer({ open() {} })
  onTestFinished(async () => void (await running.close()))
  const { port, address } = await running.listen()
  expect(port).toBeGreaterThan(0)
  const answer = await fetch(`http://localhost:${port}/`)
  const socket = await connect(`ws://localhost:${port}`)
  const closed = socket.closed
  void running.close()
  const { code, reason } = await closed
  const closing = resolveCloseOptions({})
  expect(documented('Of a server')).toEqual({
    origins: expect.stringMatching(/^'same'$/),
    handshakeTimeout: seconds(route.handshakeTimeout),
    upgrade: given(route.options.upgrade),
    protocols: given(route.options.protocols),
    http: given(answer.status),
    maxConnections: count(SERVER_LIMITS.maxConnections),
    maxConnectionsPerAddress: `none; ${count(SERVER_LIMITS.maxConnectionsPerAddress)} with trustedProxies`,
    maxHandshakes: count(SERVER_LIMITS.maxHandshakes),
    maxHeaders: count(route.headerLimits.maxHeaders),
    maxHeaderSize: size(route.headerLimits.maxHeaderSize),
    transport: 'auto',
    trustedProxies: 'none',
    log: 'console.warn',
    'listen: port': '0',
    'listen: host': ['::', '0.0.0.0'].includes(address) ? 'all addresses' : address,
    'listen: path': 'none',
    'listen: backlog': count(constant('src/server/listener.ts', 'BACKLOG')),
    'listen: tls': 'none',
    'close: code': given(code),
    'close: reason': `'${reason}'`,
    'close: deadline': seconds(closing.deadline),
    'close: spreadOver': given(closing.spreadOver),
  })
  expect(route.checkOrigin('http://a.example', 'a.example')).toBe(undefined)
  expect(route.checkOrigin('http://b.example', 'a.example')).not.toBe(undefined)
})

test('the defaults of a client', () => {
  expect(documented('Of a client')).toEqual({
    handshakeTimeout: seconds(client.handshakeTimeout),
    transport: 'auto; node with createConnection',
    followRedirects: count(client.followRedirects),
    proxy: client.proxy === undefined ? 'environment' : given(client.proxy),
    protocols: client.protocols.length === 0 ? 'none' : client.protocols.join(),
    headers: client.headers.length === 0 ? 'none' : client.headers.join(),
    origin: 'none',
    tls: Object.keys(client.tls).length === 0 ? 'none' : Object.keys(client.tls).join(),
    localAddress: given(client.localAddress),
    socketPath: given(client.socketPath),
    createConnection: given(client.createConnection),
    signal: 'none',
    data: 'undefined',
  })
})

test('the defaults of a reconnecting socket', () => {
  const socket = resolveReconnect({ WebSocket })
  const { queue, heartbeat = HEARTBEAT } = socket
  expect(socket.heartbeat).toBe(undefined)
  expect([1000, 1001].map((code) => socket.isFinal({ ...END, code }))).toEqual([1000, 1001].map(isFinalCode))
  expect(documented('Of a reconnecting socket')).toEqual({
    initialDelay: seconds(socket.initialDelay),
    factor: String(socket.factor),
    maxDelay: seconds(socket.maxDelay),
    healthyAfter: seconds(socket.healthyAfter),
    maxRetries: limit(socket.maxRetries),
    connectTimeout: seconds(socket.connectTimeout),
    'queue.maxMessages': count(queue.maxMessages),
    'queue.maxBytes': size(queue.maxBytes),
    'queue.overflow': `'${queue.overflow}'`,
    heartbeat: 'off',
    'heartbeat.message': `'${heartbeat.message}'`,
    'heartbeat.answer': `'${heartbeat.answer}'`,
    'heartbeat.interval': seconds(heartbeat.interval),
    'heartbeat.timeout': seconds(heartbeat.timeout),
    isFinal: isFinalCode.name,
    whileOffline: `'${socket.whileOffline}'`,
    whileHidden: `'${socket.whileHidden}'`,
    protocols: socket.protocols.length === 0 ? 'none' : String(socket.protocols),
    signal: given(socket.signal),
    WebSocket: 'the global one',
    random: socket.random === Math.random ? 'Math.random' : 'another',
    clock: 'that of the platform',
  })
})

test('the default of a process', () => {
  const tenth = Math.floor(Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY) / 10)
  expect(sendBudget.limit).toBe(Math.min(512 * 1024 * 1024, tenth))
  expect(documented('Of a process')).toEqual({
    'sendBudget.limit': '512 MiB, or 10 % of the memory that the process may use, where that is less',
  })
})

test('the defaults of a call', async () => {
  const { client, server } = memoryPair()
  client.close()
  const { code, reason } = await server.closed
  expect(documented('Of a call')).toEqual({
    'socket.close: code': given(code),
    'socket.close: reason': `'${reason}'`,
    'socket.send: compress': 'true',
    'publish: compress': 'true',
    'socket.receive: timeout': 'none',
    'socket.duplex: type': "'binary'",
    'server.trace: seconds': `${constant('src/server/trace.ts', 'seconds')}`,
    'server.trace: payload': 'false',
    'server.trace: write': 'console.log',
    'collectMetrics: registry': 'register',
    'collectMetrics: prefix': 'heartwire_',
    'collectMetrics: labels': 'none',
  })
})

test('what is fixed', () => {
  const log = { lines: 0, now: 0 }
  const refusals = new RefusalLog({ write: () => log.lines++, now: () => log.now })
  for (let refused = 0; refused < 100; refused++) refusals.refused('no')
  const limit = log.lines
  while (log.lines === limit) {
    log.now += 100
    refusals.refused('no')
  }
  expect(seconds(constant('src/server/handshake-stream.ts', 'LINGER'))).toBe(seconds(LINGER_TIMEOUT))
  expect(documented('Fixed')).toEqual({
    'closing, in all': seconds(CLOSING_TIMEOUT),
    lingering: seconds(LINGER_TIMEOUT),
    'pending pongs': count(constant('src/protocol/sender.ts', 'MAX_PENDING_PONGS')),
    'unanswered pings': count(constant('src/liveness/pings.ts', 'MOST')),
    'payload of a control frame': `${constant('src/protocol/control-payload.ts', 'MAX_CONTROL_PAYLOAD')} bytes`,
    'reason of a close': `${constant('src/protocol/close-payload.ts', 'MAX_REASON')} bytes`,
    'early bytes': size(constant('src/server/handshake-stream.ts', 'EARLY_BYTES')),
    'pull queue': size(constant('src/socket/message-queue.ts', 'CAPACITY')),
    'message read in pieces': size(constant('src/socket/message-stream.ts', 'CAPACITY')),
    batch: size(constant('src/protocol/sender.ts', 'BATCH_SIZE')),
    'compressed at once': size(constant('src/compression/codec.ts', 'LONG')),
    'compressed at all': size(constant('src/compression/codec.ts', 'MOST_COMPRESSED')),
    'decompressed at once, compressed': size(constant('src/compression/codec.ts', 'LONG_COMPRESSED')),
    'decompressed at once': size(constant('src/compression/inflate.ts', 'MOST_AT_ONCE')),
    'jobs of compression in the thread pool': count(constant('src/compression/thread-pool.ts', 'MOST')),
    'final blocks in a compressed message': count(constant('src/compression/inflation.ts', 'MOST_FINAL_BLOCKS')),
    'what maxRatio does not count': size(constant('src/compression/codec.ts', 'RATIO_FROM')),
    'slice of a write': size(constant('src/transport/node.ts', 'SLICE')),
    'slice for a slow peer': size(constant('src/transport/node.ts', 'SLOW_SLICE')),
    'looks for a free file descriptor': seconds(constant('src/server/descriptor-watch.ts', 'INTERVAL')),
    'reports that there is none': seconds(constant('src/server/descriptor-watch.ts', 'REPORT_INTERVAL')),
    'precision of timers': seconds(constant('src/liveness/wheel.ts', 'TICK')),
    'stalled loop': seconds(constant('src/liveness/wheel.ts', 'STALL')),
    'lines about refusals': `${limit} in ${seconds(log.now)}`,
    'length of such a line': `${constant('src/server/rate-log.ts', 'MAX_LINE_LENGTH')} characters`,
    'printed errors': `${constant('src/socket/print-limit.ts', 'limit')} in ${seconds(constant('src/socket/print-limit.ts', 'window'))}`,
    'lines of a trace': `${constant('src/server/trace.ts', 'LINES_PER_SECOND')} in 1 s`,
    'payload in a line of a trace': `${constant('src/server/trace.ts', 'SHOWN')} characters`,
    'close codes in statistics': count(constant('src/server/stats.ts', 'MAX_CODES')),
    'length of an origin': `${constant('src/server/origin.ts', 'MAX_ORIGIN_LENGTH')} characters`,
    'body of an error': size(constant('src/client/body.ts', 'LIMIT')),
    'waiting for that body': seconds(constant('src/client/body.ts', 'PATIENCE')),
  })
})

test("the numbers in the README's table of defaults", () => {
  const numbers = Object.fromEntries(
    rowsOf('README.md', 'Defaults').map(([name = '', value = '']) => [
      name.replaceAll('`', ''),
      value.match(/\d[\d,]*(?: (?:ms|s|KiB|MiB)\b)?/g) ?? [],
    ]),
  )
  const { interval, timeout } = server.heartbeat !== false ? server.heartbeat : { interval: 0, timeout: 0 }
  expect(numbers).toEqual({
    heartbeat: [seconds(interval), seconds(timeout)],
    'message size': [size(server.maxPayload), size(client.behaviour.maxPayload), '1009'],
    'fragments of a message': [count(server.maxFragments), '1008'],
    "send answers 'slow'": [size(server.highWaterMark)],
    'most that is queued': [size(server.maxBuffered), '1013'],
    handshake: [seconds(route.handshakeTimeout)],
    "waiting for the peer's Close frame": [seconds(server.closeTimeout), seconds(CLOSING_TIMEOUT)],
    'longest pause in reading': [seconds(server.maxPause), '1011'],
    'pages that may connect': [],
    'answers to pings': [count(constant('src/protocol/sender.ts', 'MAX_PENDING_PONGS'))],
    'redirects of a client': [],
    'proxy of a client': [],
    compression: [],
  })
  expect(read('README.md')).toContain(`\`maxPayload\` ${size(server.maxPayload)} |`)
  expect(client.handshakeTimeout).toBe(route.handshakeTimeout)
})

/** The members of a union of strings, as its source has them. */
function union(path: string, type: string): string[] {
  const [, members = ''] = new RegExp(`export type ${type} =\\n((?: {2}\\|.*\\n)+)`).exec(read(path)) ?? []
  return [...members.matchAll(/^ {2}\| '([^']+)'/gm)].map(([, member = '']) => member)
}

const firstCells = (heading: string) => rowsOf('docs/errors.md', heading).map(([cell = '']) => cell.replaceAll('`', ''))

test('every rule of the protocol is in docs/errors.md, with its close code and its section', () => {
  const rows = rowsOf('docs/errors.md', 'Rules of the protocol').map(([code = '', closeCode, where = '']) => {
    const [, rfc, section] = /^(?:RFC (\d+), )?([\d.]+)$/.exec(where) ?? []
    const rule = { closeCode: Number(closeCode), section }
    return [code.replaceAll('`', ''), rfc === undefined ? rule : { ...rule, rfc: Number(rfc) }]
  })
  expect(Object.fromEntries(rows)).toEqual(RULES)
})

test('every code of a HandshakeError is in docs/errors.md', () => {
  const codes = union('src/protocol/error.ts', 'HandshakeErrorCode')
  expect(codes).toContain('BAD_REQUEST')
  expect(firstCells('Handshakes').toSorted()).toEqual(codes.toSorted())
})

test('every other reason of a refusal is in docs/errors.md', () => {
  const [, members = ''] =
    /export type RefusalReason = HandshakeErrorCode \| (.+)\n/.exec(read('src/server/refusals.ts')) ?? []
  const reasons = members.split(' | ').map((member) => member.slice(1, -1))
  expect(reasons).toContain('SERVER_FAILED')
  expect(firstCells('Other refusals')).toEqual(reasons)
})

test('every cause of a close is in docs/errors.md', () => {
  const causes = union('src/protocol/close-info.ts', 'CloseCause')
  expect(causes).toContain('eof')
  expect(firstCells('How a connection ended').toSorted()).toEqual(causes.toSorted())
})

test('every class of error is in docs/errors.md', () => {
  const sources = ['src/protocol/error.ts', 'src/protocol/close-info.ts', 'src/server/upgrade-rejected.ts'].map(read)
  const classes = sources.flatMap((source) => [
    ...source.matchAll(/export (?:abstract )?class (\w+Error|UpgradeRejected)/g),
  ])
  // A class with several codes has a row for each, and its name in the first.
  const named = firstCells('Classes').filter((name) => name !== '')
  expect(named.toSorted()).toEqual(classes.map(([, name]) => name).toSorted())
})
