import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, type Socket } from 'heartwire'
import { expect, onTestFinished, test } from 'vitest'
import { start as startExpress } from '../examples/express.ts'
import { start as startFastify } from '../examples/fastify.ts'
import { start as startHono } from '../examples/hono.ts'
import { start as startPlainHttp } from '../examples/plain-http.ts'

/** Runs an example on a free port. */
async function run(start: (port: number) => Promise<{ http: Server; stop: () => unknown }>) {
  const { http, stop } = await start(0)
  let stopped = false
  const end = async () => {
    stopped = true
    await stop()
  }
  onTestFinished(async () => {
    if (!stopped) await end()
  })
  const { port } = http.address() as AddressInfo
  return { http: `http://localhost:${port}`, ws: `ws://localhost:${port}`, end }
}

async function ask(url: string, init: RequestInit = {}): Promise<{ status: number; body: string }> {
  const response = await fetch(url, { ...init, headers: { connection: 'close', ...init.headers } })
  return { status: response.status, body: await response.text() }
}

/** What `stop` does to who is connected, and to who comes after it. */
async function expectGoodEnd(end: () => Promise<void>, socket: Socket<undefined>, url: string): Promise<void> {
  await end()
  expect(await socket.closed).toMatchObject({ code: 1001, cause: 'peer-close', wasClean: true })
  await expect(connect(url)).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
}

test('plain HTTP', async () => {
  const { http, ws, end } = await run(startPlainHttp)
  expect(await ask(http)).toEqual({ status: 200, body: '{"connections":0}' })
  const socket = await connect(`${ws}/echo`)
  socket.send('hello')
  expect(await socket.receive()).toBe('hello')
  expect((await ask(http)).body).toBe('{"connections":1}')
  await expect(connect(`${ws}/other`)).rejects.toMatchObject({ status: 404 })
  await expectGoodEnd(end, socket, `${ws}/echo`)
})

test('Express', async () => {
  const { http, ws, end } = await run(startExpress)
  const post = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'rain at noon' }
  expect(await ask(`${http}/news`, post)).toEqual({ status: 200, body: '{"receivers":0}' })
  const socket = await connect(`${ws}/live`)
  socket.send('hello')
  expect(await socket.receive()).toBe('hello')
  expect((await ask(`${http}/news`, post)).body).toBe('{"receivers":1}')
  expect(await socket.receive()).toBe('rain at noon')
  expect((await ask(`${http}/other`)).status).toBe(404)
  await expectGoodEnd(end, socket, `${ws}/live`)
})

test('Fastify', async () => {
  const { http, ws, end } = await run(startFastify)
  const headers = { authorization: 'Bearer Ada' }
  expect((await ask(`${http}/me`)).status).toBe(401)
  expect(await ask(`${http}/me`, { headers })).toEqual({ status: 200, body: '{"user":"Ada"}' })
  const socket = await connect(`${ws}/echo`, { headers })
  socket.send('hello')
  expect(await socket.receive()).toBe('Ada: hello')
  const stranger = await connect(`${ws}/echo`)
  expect(await stranger.closed).toMatchObject({ code: 4401, reason: 'Sign in first.' })
  await expectGoodEnd(end, socket, `${ws}/echo`)
})

test('Hono', async () => {
  const { http, ws, end } = await run(startHono)
  const members = async () => (await ask(`${http}/rooms/lobby`)).body
  expect(await members()).toBe('{"members":0}')
  const [one, two] = await Promise.all([connect(`${ws}/rooms/lobby`), connect(`${ws}/rooms/lobby`)])
  const elsewhere = await connect(`${ws}/rooms/cellar`)
  expect(await members()).toBe('{"members":2}')
  one.send('hello')
  expect([await one.receive(), await two.receive()]).toEqual(['hello', 'hello'])
  elsewhere.send('alone')
  expect(await elsewhere.receive()).toBe('alone')
  await expectGoodEnd(end, one, `${ws}/rooms/lobby`)
  expect((await two.closed).code).toBe(1001)
})
