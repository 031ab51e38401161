/** The ways to a server that the options of the client open. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'heartwire'
import { WebSocket } from 'heartwire/websocket'
import { expect, onTestFinished, test } from 'vitest'
import { ca, rawServer, readHead, serverTls } from '../client/servers.ts'
import { logOf, next, open } from './support.ts'

async function echo(where: Parameters<ReturnType<typeof createServer>['listen']>[0]): Promise<number> {
  const server = createServer({ log: () => {}, message: (socket, message) => void socket.send(message) })
  onTestFinished(async () => void (await server.close({ deadline: 1 })))
  return (await server.listen(where)).port ?? 0
}

/** What a server says to what it is sent. */
async function echoOf(socket: WebSocket, data: string): Promise<unknown> {
  const answer = next<MessageEvent>(socket, 'message')
  socket.send(data)
  return (await answer).data
}

test('TLS, with an authority of one’s own', async () => {
  const port = await echo({ port: 0, host: '127.0.0.1', tls: serverTls })
  const socket = await open(`https://localhost:${port}`, { tls: { ca } })
  expect([socket.url, await echoOf(socket, 'secret')]).toEqual([`wss://localhost:${port}/`, 'secret'])
})

test('TLS, with a certificate that nobody here trusts', async () => {
  const port = await echo({ port: 0, host: '127.0.0.1', tls: serverTls })
  const socket = new WebSocket(`wss://localhost:${port}`)
  const log = logOf(socket)
  expect(await next(socket, 'error')).toMatchObject({
    error: { code: 'CONNECT_FAILED' },
    message: expect.stringMatching(
      /^The certificate of localhost:\d+ was not issued by an authority that is trusted here/,
    ),
  })
  await next(socket, 'close')
  expect(log.all).toEqual([
    ['error', 3],
    ['close', 3, 1006, '', false],
  ])
})

test('a Unix socket', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'heartwire-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const socketPath = join(folder, 'socket')
  await echo({ path: socketPath })
  const socket = await open('ws://localhost', { socketPath })
  expect(await echoOf(socket, 'near')).toBe('near')
})

test('a proxy', async () => {
  const heads: string[] = []
  const proxy = await rawServer(async (socket) => {
    heads.push(await readHead(socket))
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
  })
  const socket = new WebSocket('ws://server.example', { proxy: `http://${proxy.name}` })
  expect(await next(socket, 'error')).toMatchObject({ error: { code: 'PROXY_REFUSED', status: 403 } })
  expect(heads[0]).toMatch(/^CONNECT server\.example:80 HTTP\/1\.1\r\n/)
})

test('a user name and a password in the URL', async () => {
  const seen: (string | undefined)[] = []
  const server = createServer({ upgrade: (request) => void seen.push(request.header('authorization')), open: () => {} })
  onTestFinished(async () => void (await server.close({ deadline: 1 })))
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
  const socket = await open(`ws://user:word@127.0.0.1:${port}`)
  expect([seen, socket.url]).toEqual([['Basic dXNlcjp3b3Jk'], `ws://user:word@127.0.0.1:${port}/`])
})
