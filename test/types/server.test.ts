import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import {
  type CloseInfo,
  connect,
  createServer,
  type MessageType,
  prepare,
  type Server,
  type ServerSocket,
  type Socket,
  UpgradeRejected,
  type UpgradeRequest,
} from 'heartwire'
import { memoryPair } from 'heartwire/testing'
import { expectTypeOf, test } from 'vitest'

// These are checked by the compiler (`npm run types`); what runs here is only made, never started.

test('the type of socket.data is what the upgrade hook returns', () => {
  const server = createServer({
    upgrade: (request) => {
      expectTypeOf(request).toEqualTypeOf<UpgradeRequest>()
      return { data: { user: 'Ada', admin: false } }
    },
    open(socket) {
      expectTypeOf(socket.data).toEqualTypeOf<{ user: string; admin: boolean }>()
    },
    message(socket, message, type) {
      expectTypeOf(socket.data.user).toEqualTypeOf<string>()
      expectTypeOf(message).toEqualTypeOf<string | Uint8Array>()
      expectTypeOf(type).toEqualTypeOf<MessageType>()
    },
    close(socket, info) {
      expectTypeOf(socket.data.admin).toEqualTypeOf<boolean>()
      expectTypeOf(info).toEqualTypeOf<CloseInfo>()
    },
    error(error, socket) {
      expectTypeOf(error).toEqualTypeOf<unknown>()
      expectTypeOf(socket?.data.user).toEqualTypeOf<string | undefined>()
    },
  })
  expectTypeOf(server).toEqualTypeOf<Server<{ user: string; admin: boolean }>>()
  for (const socket of server.sockets) expectTypeOf(socket.data.user).toEqualTypeOf<string>()
  expectTypeOf(server.get('id')).toEqualTypeOf<ServerSocket<{ user: string; admin: boolean }> | undefined>()
})

test('also when the hook is asynchronous, throws, and comes after the handlers', () => {
  createServer({
    async upgrade(request) {
      const user = await Promise.resolve(request.header('authorization'))
      if (user === undefined) throw new UpgradeRejected(401, 'sign in first', { closeCode: 4401 })
      return { data: { user }, protocol: 'chat', headers: { 'set-cookie': ['a=1', 'b=2'] } }
    },
    message(socket) {
      expectTypeOf(socket.data).toEqualTypeOf<{ user: string }>()
    },
  })
  createServer({
    message(socket: ServerSocket<{ id: number }>) {
      expectTypeOf(socket.data.id).toEqualTypeOf<number>()
    },
    upgrade: () => ({ data: { id: 1 } }),
  })
})

test('a hook that returns nothing, or on some ways only', () => {
  createServer({
    upgrade(request) {
      if (request.path === '/') return
      throw new UpgradeRejected(404, 'not here')
    },
    open(socket) {
      expectTypeOf(socket).toEqualTypeOf<ServerSocket<undefined>>()
    },
  })
  createServer({ upgrade() {} })
  createServer({ async upgrade() {} })
  const check = async (_request: UpgradeRequest): Promise<void> => {}
  createServer({ upgrade: check })
  createServer({ upgrade: (request) => check(request) })
  createServer({ upgrade: async () => ({ headers: { 'x-a': 'b' } }) })
})

test('without a hook the data is undefined, or what is said', () => {
  createServer({
    open(socket) {
      expectTypeOf(socket.data).toEqualTypeOf<undefined>()
    },
  })
  createServer<{ room: string } | undefined>({
    open(socket) {
      socket.data = { room: 'lobby' }
    },
    message(socket) {
      expectTypeOf(socket.data?.room).toEqualTypeOf<string | undefined>()
    },
  })
})

test('a route has a type of data of its own', () => {
  const server = createServer({ upgrade: () => ({ data: 1 }) })
    .route('/a', {
      upgrade: () => ({ data: 'text' }),
      open(socket) {
        expectTypeOf(socket.data).toEqualTypeOf<string>()
      },
    })
    .route(/^\/b/, {
      open(socket) {
        expectTypeOf(socket.data).toEqualTypeOf<undefined>()
      },
    })
  expectTypeOf(server).toEqualTypeOf<Server<number>>()
})

test('handlers may be asynchronous, and may return what they like', () => {
  createServer({
    open: (socket) => socket.subscribe('news'),
    message: (socket, message) => socket.send(message),
    close: async (socket) => socket.latency,
  })
  createServer({
    open: async (socket) => {
      socket.send('x')
    },
    async message(socket, message) {
      await socket.drained()
      socket.send(message)
    },
    drain: (socket) => void socket.send('x'),
  })
})

test('what a server is attached to', () => {
  const server = createServer()
  expectTypeOf(server.attach).toBeCallableWith(createHttpServer(), { path: '/chat' })
  expectTypeOf(server.attach).toBeCallableWith(createHttpsServer(), { match: (request) => request.url === '/' })
})

test('the sockets', () => {
  const { client, server } = memoryPair()
  expectTypeOf(client).toExtend<Socket>()
  expectTypeOf(server.send).returns.toEqualTypeOf<'ok' | 'slow' | 'dropped' | 'closed'>()
  expectTypeOf(client.ping).returns.toEqualTypeOf<Promise<number>>()
  expectTypeOf(client.receive).returns.toEqualTypeOf<Promise<string | Uint8Array>>()
  expectTypeOf(client.closed).toEqualTypeOf<Promise<CloseInfo>>()
  expectTypeOf(client.sendFragments).toBeCallableWith(['a', 'b'])
  expectTypeOf(client.send).toBeCallableWith(prepare('x'))
  expectTypeOf(client.send).toBeCallableWith(new Float64Array(1))
  // @ts-expect-error: objects are no messages
  expectTypeOf(client.send).toBeCallableWith({ a: 1 })
  // @ts-expect-error: only a server's sockets have topics
  expectTypeOf(client.subscribe).toBeFunction()
  client.terminate()
})

test('a client has the data that it is given', () => {
  type Connected = ReturnType<typeof connect<{ tries: number }>>
  expectTypeOf<Awaited<Connected>['data']>().toEqualTypeOf<{ tries: number }>()
  const withData = () =>
    connect('ws://localhost', {
      data: { tries: 1 },
      message(socket) {
        expectTypeOf(socket.data.tries).toEqualTypeOf<number>()
      },
    })
  expectTypeOf<Awaited<ReturnType<typeof withData>>>().toEqualTypeOf<Socket<{ tries: number }>>()
  const without = () => connect('ws://localhost')
  expectTypeOf<Awaited<ReturnType<typeof without>>['data']>().toEqualTypeOf<undefined>()
})

test('options that do not exist, and values that cannot be', () => {
  // @ts-expect-error: it is called heartbeat
  expectTypeOf(createServer).toBeCallableWith({ heartBeat: false })
  // @ts-expect-error: milliseconds are numbers
  expectTypeOf(createServer).toBeCallableWith({ closeTimeout: '5s' })
  // @ts-expect-error: a subprotocol is a string
  expectTypeOf(createServer).toBeCallableWith({ upgrade: () => ({ protocol: 5 }) })
})
