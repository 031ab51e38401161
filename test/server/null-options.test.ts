import { createServer as createHttpServer } from 'node:http'
import { ArgumentError, connect, createServer, handleSignals } from 'heartwire'
import { collectMetrics } from 'heartwire/prometheus'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HANDLERS, SOCKET_OPTIONS } from '../../src/socket/options.ts'

const ofRoute = ['upgrade', 'protocols', 'origins', 'handshakeTimeout', 'maxConnections', 'maxConnectionsPerAddress']
const ofHeads = ['maxHandshakes', 'maxHeaders', 'maxHeaderSize']
const route = [...SOCKET_OPTIONS, ...HANDLERS, ...ofRoute, ...ofHeads]
const ofConnect = ['headers', 'origin', 'protocols', 'handshakeTimeout', 'signal', 'tls', 'proxy', 'socketPath']
const ofClose = ['code', 'reason', 'deadline', 'spreadOver']

const traced = { server: createServer(), id: '' }

beforeAll(async () => {
  const opened = new Promise<string>((resolve) => {
    traced.server = createServer({ open: (socket) => resolve(socket.id) })
  })
  const { url } = await traced.server.listen({ host: '127.0.0.1' })
  await connect(url)
  traced.id = await opened
})

afterAll(() => traced.server.close())

const calls: Record<string, { names: readonly string[]; call: (options: object) => unknown }> = {
  createServer: {
    names: [...route, 'http', 'trustedProxies', 'log'],
    call: (options) => createServer({ trustedProxies: [], ...options }),
  },
  route: { names: route, call: (options) => createServer({ trustedProxies: [] }).route('/', options) },
  attach: { names: ['path', 'match'], call: (options) => createServer().attach(createHttpServer(), options) },
  listen: {
    names: ['port', 'host', 'path', 'backlog', 'tls'],
    call: (options) => createServer().listen(options),
  },
  close: { names: ofClose, call: (options) => createServer().close(options) },
  handleSignals: {
    names: [...ofClose, 'signals', 'closed'],
    call: (options) => handleSignals(createServer(), options),
  },
  trace: {
    names: ['seconds', 'payload', 'write', 'signal'],
    call: (options) => traced.server.trace(traced.id, options),
  },
  collectMetrics: {
    names: ['registry', 'prefix', 'labels'],
    call: (options) => collectMetrics(createServer(), options),
  },
  connect: {
    names: [...SOCKET_OPTIONS, ...HANDLERS, ...ofConnect, 'createConnection', 'followRedirects'],
    call: (options) => connect('ws://127.0.0.1:1', options),
  },
}

describe.each(Object.entries(calls))('%s', (whose, { names, call }) => {
  test.each(names)('refuses null for %s', async (name) => {
    await expect(async () => await call({ [name]: null })).rejects.toThrow(
      new ArgumentError(`The option ${name} of ${whose} is null: leave it out, or give undefined, for the default.`),
    )
  })

  test('refuses an option that there is not', async () => {
    await expect(async () => await call({ [`${names[0]}s`]: 1 })).rejects.toThrow(
      new ArgumentError(`There is no option "${names[0]}s" of ${whose}. Did you mean ${names[0]}?`),
    )
  })
})

test.each([
  [{ heartbeat: { interval: null } }, 'heartbeat.interval'],
  [{ heartbeat: { timeout: null } }, 'heartbeat.timeout'],
  [{ messageRate: { perSecond: null } }, 'messageRate.perSecond'],
  [{ messageRate: { perSecond: 1, burst: null } }, 'messageRate.burst'],
  [{ byteRate: { perSecond: 1, over: null } }, 'byteRate.over'],
])('null is refused within an option: %j', (options, name) => {
  const create = () => createServer(options as object)
  expect(create).toThrow(ArgumentError)
  expect(create).toThrow(`The option ${name} is`)
})

test('data of connect may be null: it is the application that it belongs to', async () => {
  await expect(connect('ws://127.0.0.1:1', { data: null, proxy: false })).rejects.toMatchObject({
    code: 'CONNECT_FAILED',
  })
})
