import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, createServer, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, Socket as NetSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ClientInfo } from 'heartwire/ws'
import type { Script } from './script.ts'
import type { Stage } from './stage.ts'

function listening(server: Server, stage: Stage, where: number | string = 0): Promise<void> {
  stage.after(() => new Promise((resolve) => server.close(resolve)))
  return new Promise((resolve) => {
    const listen = () => {
      const address = server.address()
      if (typeof address === 'object') stage.port = (address as AddressInfo).port
      resolve()
    }
    if (typeof where === 'string') server.listen(where, listen)
    else server.listen(where, '127.0.0.1', listen)
  })
}

const tls = (name: string) => readFileSync(fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url)))
const own = new WeakMap<Stage, Server>()

/** An HTTP server of the application's own. */
function given(stage: Stage, make: () => Server = createServer): Server {
  const server = make()
  own.set(stage, server)
  return server
}

const closes = {
  client: (ws: { on(event: 'open', listener: () => void): unknown; close(): void }) =>
    void ws.on('open', () => ws.close()),
}

/** Servers: where they listen, what they are given, how they close. */
export const SERVERS: Script[] = [
  {
    name: 'the option server',
    serverOptions: (stage) => ({ server: given(stage) }),
    setUp: (stage) => listening(own.get(stage)!, stage),
    ...closes,
  },
  {
    name: 'noServer and handleUpgrade',
    serverOptions: { noServer: true },
    setUp: (stage, server) => {
      const http = given(stage)
      http.on('upgrade', (request, socket, head) => {
        server.handleUpgrade(request, socket, head, (ws, same) => {
          stage.note('server', 'upgraded', same === request, `state=${ws.readyState}`)
          server.emit('connection', ws, request)
        })
      })
      return listening(http, stage)
    },
    ...closes,
  },
  {
    name: 'TLS',
    serverOptions: (stage) => ({
      server: given(stage, () => createSecureServer({ cert: tls('server.crt'), key: tls('server.key') })),
      verifyClient: (info: ClientInfo) => {
        stage.note('server', info.secure)
        return true
      },
    }),
    clientOptions: { rejectUnauthorized: false },
    setUp: (stage) => listening(own.get(stage)!, stage),
    url: (stage) => `wss://127.0.0.1:${stage.port}/`,
    server: (ws, stage) => {
      stage.note('server', (ws._socket as NetSocket & { encrypted?: boolean }).encrypted)
      ws.send('secret')
      ws.send('x'.repeat(300_000))
    },
    client: (ws) => {
      let got = 0
      ws.on('message', () => ++got === 2 && ws.close(1000, 'bye'))
    },
  },
  {
    name: 'TLS that is not trusted',
    serverOptions: (stage) => ({
      server: given(stage, () => createSecureServer({ cert: tls('server.crt'), key: tls('server.key') })),
    }),
    setUp: (stage) => listening(own.get(stage)!, stage),
    url: (stage) => `wss://127.0.0.1:${stage.port}/`,
    refused: true,
    ignore: 'server',
  },
  {
    name: 'a Unix socket',
    serverOptions: (stage) => ({ server: given(stage) }),
    setUp: (stage) => {
      const folder = mkdtempSync(join(tmpdir(), 'heartwire-ws-'))
      stage.after(() => rmSync(folder, { recursive: true, force: true }))
      places.set(stage, join(folder, 'socket'))
      return listening(own.get(stage)!, stage, join(folder, 'socket'))
    },
    url: (stage) => `ws+unix:${places.get(stage)}:/path?query`,
    server: (ws, stage, request) => {
      stage.note('server', request.url, request.headers.host)
      ws.send('over a file')
    },
    client: (ws) => void ws.on('message', () => ws.close()),
  },
  {
    name: 'clientTracking',
    setUp: (stage, server) => {
      server.on('connection', (ws) => {
        stage.note('server', server.clients.size, server.clients.has(ws))
        ws.on('close', () => stage.note('server', server.clients.size))
      })
    },
    ...closes,
  },
  {
    name: 'clientTracking: false',
    serverOptions: { clientTracking: false },
    setUp: (stage, server) => void server.on('connection', () => stage.note('server', server.clients === undefined)),
    ...closes,
  },
  {
    name: 'a server that is closed while there are clients',
    setUp: (stage, server) => {
      server.on('connection', (ws) => {
        server.close(stage.told('server', 'close'))
        server.close(stage.told('server', 'close again'))
        stage.note('server', server.address())
        setTimeout(() => ws.close(1001), 10)
      })
    },
  },
  {
    name: 'a server of the option server that is closed while there are clients',
    serverOptions: (stage) => ({ server: given(stage) }),
    setUp: (stage, server) => {
      server.on('connection', (ws) => {
        server.close(stage.told('server', 'close'))
        setTimeout(() => ws.close(1001), 10)
      })
      return listening(own.get(stage)!, stage)
    },
  },
  {
    name: 'a server that is closed answers 503',
    serverOptions: { noServer: true },
    setUp: (stage, server) => {
      const http = given(stage)
      server.close()
      http.on('upgrade', (request, socket, head) => server.handleUpgrade(request, socket, head, () => {}))
      return listening(http, stage)
    },
    refused: true,
  },
  {
    name: 'a server that is closed twice',
    setUp: async (stage, server) => {
      server.on('connection', (ws) => ws.close())
      server.on('close', () => {})
      const second = await stage.listen({ port: 0, host: '127.0.0.1' })
      await new Promise((resolve) => second.on('listening', resolve))
      await new Promise((resolve) => second.close(resolve))
      await new Promise<void>((resolve) =>
        second.close((error) => {
          stage.note('server', 'second close', error)
          resolve()
        }),
      )
    },
  },
  {
    name: 'a port that is taken',
    setUp: async (stage) => {
      const second = await stage.listen({ port: stage.port, host: '127.0.0.1' })
      await new Promise((resolve) => second.once('error', resolve))
    },
    ...closes,
  },
  {
    name: 'upgrading the same socket twice',
    serverOptions: { noServer: true },
    setUp: (stage, server) => {
      const http = given(stage)
      http.on('upgrade', (request, socket, head) => {
        server.handleUpgrade(request, socket, head, (ws) => {
          server.emit('connection', ws, request)
          stage.tries('server', 'again', () => server.handleUpgrade(request, socket, head, () => {}))
          ws.close()
        })
      })
      return listening(http, stage)
    },
  },
  {
    name: 'shouldHandle is overridden',
    setUp: (_stage, server) => {
      server.shouldHandle = (request) => request.url === '/mine'
    },
    path: '/mine',
    ...closes,
  },
  {
    name: 'a WebSocket class of the application',
    serverOptions: (stage) => {
      class Mine extends stage.libraries.server.WebSocket {
        readonly mine = true
      }
      return { WebSocket: Mine }
    },
    server: (ws, stage) => {
      stage.note('server', (ws as unknown as { mine: boolean }).mine)
      ws.close()
    },
  },
  {
    name: 'what options there are, with their defaults',
    setUp: (stage, server) => {
      const { WebSocket, ...options } = server.options
      stage.note('server', { ...options, port: 0 }, WebSocket === stage.libraries.server.WebSocket)
    },
    ...closes,
  },
  {
    name: 'options that do not go together',
    setUp: (stage) => {
      const { WebSocketServer } = stage.libraries.server
      stage.tries('server', 'none', () => new WebSocketServer())
      stage.tries('server', 'empty', () => new WebSocketServer({}))
      stage.tries('server', 'two', () => new WebSocketServer({ port: 0, noServer: true }))
      stage.tries('server', 'address', () => new WebSocketServer({ noServer: true }).address())
    },
    ...closes,
  },
  {
    name: 'what cannot be connected to',
    setUp: (stage) => {
      const { WebSocket } = stage.libraries.client
      const addresses = ['', 'x', 'foo://x', 'ws://x#a', 'ws+unix:', 'ws://[']
      for (const address of addresses) stage.tries('client', address, () => void new WebSocket(address))
      const names = [['a', 'a'], 'a b', [''], [3]] as string[][]
      for (const name of names) stage.tries('client', String(name), () => void new WebSocket('ws://x', name))
      stage.tries('client', 'version', () => void new WebSocket('ws://x', { protocolVersion: 12 }))
    },
    ...closes,
  },
  {
    name: 'a socket of the application by createConnection',
    clientOptions: (stage) => ({
      createConnection: () => {
        stage.note('client', 'createConnection')
        return new NetSocket().connect(stage.port, '127.0.0.1')
      },
    }),
    ...closes,
  },
  {
    name: 'an agent of the application',
    clientOptions: (stage) => {
      const agent = new Agent({ keepAlive: true })
      const { createConnection } = agent as unknown as { createConnection(...args: unknown[]): unknown }
      const counted = (...args: unknown[]) => {
        stage.note('client', 'the agent connects')
        return createConnection.apply(agent, args)
      }
      stage.after(() => agent.destroy())
      return { agent: Object.assign(agent, { createConnection: counted }) }
    },
    ...closes,
  },
  {
    name: 'options that are changed when the server listens',
    setUp: async (stage, server) => {
      const before = new stage.libraries.client.WebSocket(`ws://127.0.0.1:${stage.port}`)
      await new Promise((resolve) => before.on('open', resolve))
      before.close()
      await new Promise((resolve) => before.on('close', resolve))
      server.options.maxPayload = 10
    },
    client: (ws) => void ws.on('open', () => ws.send('x'.repeat(11))),
  },
  {
    name: 'what is known of a socket',
    server: (ws, stage) => {
      stage.note('server', ws._socket.remoteAddress, ws._socket instanceof NetSocket, typeof ws._socket.setKeepAlive)
      ws.close()
    },
  },
]

const places = new WeakMap<Stage, string>()
