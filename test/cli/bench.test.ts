import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  createServer,
  type MessageData,
  type MessageType,
  type ServerOptions,
  type ServerSocket,
  UpgradeRejected,
} from 'heartwire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { serverTls } from '../client/servers.ts'
import { serve } from '../support/servers.ts'
import { bench, Program, run } from './program.ts'

/** Sends everything back. */
const echo = {
  message: (socket: ServerSocket<unknown>, message: MessageData, type: MessageType) => void socket.send(message, type),
}

/** A server of which each connection knows the number at the end of the path that it asked for. */
function numberedServer(options: ServerOptions<number>) {
  return serve<number>({ upgrade: (request) => ({ data: Number(request.path.slice(1)) }), ...options })
}

function temporaryFile(name: string, content: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'heartwire-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

/** The report in the guide. */
function documented(): unknown {
  const guide = readFileSync(new URL('../../docs/guide/load.md', import.meta.url), 'utf8')
  return JSON.parse(/```json\n(.*?)```/s.exec(guide)?.[1] ?? '')
}

/** The names in an object, in their order, and those in the objects in it. */
function shapeOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  // Lateness is there with a rate only.
  return Object.entries(value).map(([name, part]) => [name, name === 'lateness' ? undefined : shapeOf(part)])
}

describe('the counts of a report', () => {
  const clean = {
    interrupted: false,
    connections: { opened: 10, failed: 0, lost: 0 },
    sent: { messages: 200, bytes: 12_800 },
    received: { messages: 200, bytes: 12_800 },
    unanswered: 0,
    unsent: 0,
    errors: { total: 0, kinds: [] },
    latency: { count: 200 },
    handshake: { count: 10 },
  }

  test('messages as answers come: all its fields', async () => {
    const messages: unknown[] = []
    const { url } = await serve({
      message(socket, message, type) {
        messages.push(message)
        socket.send(message, type)
      },
    })
    const { code, report } = await bench(url, '-c', '10', '-n', '20')
    const number = expect.any(Number)
    const direction = {
      messages: 200,
      bytes: 12_800,
      messagesPerSecond: number,
      messagesPerMinute: number,
      bytesPerSecond: number,
    }
    const times = { mean: number, p50: number, p75: number, p90: number, p99: number, p999: number, max: number }
    expect(report).toEqual({
      ...clean,
      urls: [url],
      mode: 'echo',
      load: {
        connections: 10,
        type: 'text',
        size: 64,
        rate: null,
        inFlight: 1,
        messages: 20,
        duration: null,
        warmUp: 0,
        compress: false,
        processes: 1,
      },
      seconds: number,
      sent: direction,
      received: direction,
      latency: { count: 200, ...times },
      handshake: { count: 10, ...times },
      client: { utilization: number, cpu: number, memory: number, lateness: null, bottleneck: false },
    })
    expect(shapeOf(report)).toEqual(shapeOf(documented()))
    expect(code).toBe(0)
    expect(messages.length).toBe(200)
    expect(new Set(messages).size).toBe(1)
    expect(messages[0]).toMatch(/^[A-Za-z0-9+/]{64}$/)
  })

  test('by a plan', async () => {
    const { url } = await serve(echo)
    const { code, report } = await bench(url, '-n', '20', '--rate', '2000', '--check')
    expect(report).toMatchObject({ ...clean, load: { rate: 2_000, inFlight: null } })
    expect(report.client.lateness?.count).toBe(200)
    expect(code).toBe(0)
  })

  test('by a plan, without sleeping', async () => {
    const { url } = await serve(echo)
    const { report } = await bench(url, '-n', '20', '--rate', '2000', '--spin')
    expect(report).toMatchObject(clean)
  })

  test('with several in flight', async () => {
    const inFlight = new Map<unknown, number>()
    const { url } = await serve({
      open: (socket) => void inFlight.set(socket, 0),
      // The first five are answered together, all others at once.
      message(socket, message, type) {
        const count = (inFlight.get(socket) ?? 0) + 1
        inFlight.set(socket, count)
        for (let left = count === 5 ? 5 : count > 5 ? 1 : 0; left > 0; left--) socket.send(message, type)
      },
    })
    const { report } = await bench(url, '-n', '20', '--in-flight', '5')
    expect(report).toMatchObject(clean)
  })

  test('spread over processes', async () => {
    const numbers: number[] = []
    const { url } = await numberedServer({ ...echo, open: (socket) => void numbers.push(socket.data) })
    const { code, report } = await bench(`${url}/{n}`, '-n', '20', '--rate', '2000', '--processes', '3')
    expect(report).toMatchObject({ ...clean, load: { processes: 3 } })
    expect(numbers.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(code).toBe(0)
  })

  test.each([[[]], [['--rate', '500']]])('without what came in the warm-up, with %j', async (pace) => {
    let received = 0
    const { url } = await serve({
      message(socket, message, type) {
        received++
        socket.send(message, type)
      },
    })
    const { report } = await bench(url, '-n', '20', '--warmup', '200ms', ...pace)
    expect(report).toMatchObject(clean)
    expect(received).toBeGreaterThan(200)
  })

  test('for a time', async () => {
    let received = 0
    const { url } = await serve({
      message(socket, message, type) {
        received++
        socket.send(message, type)
      },
    })
    const { report } = await bench(url, '--duration', '300ms', '--rate', '1000', '--processes', '2')
    expect(report.seconds).toBeGreaterThanOrEqual(0.3)
    expect(report).toMatchObject({ sent: { messages: 300 }, received: { messages: 300 }, errors: { total: 0 } })
    expect(received).toBe(300)
  })

  test('of those who only listen, from the moment that they are there', async () => {
    const { url } = await serve({
      open(socket) {
        for (let count = 0; count < 5; count++) socket.send('12345678')
      },
    })
    const { code, report } = await bench(url, '--mode', 'listen', '-n', '5')
    expect(report).toMatchObject({
      mode: 'listen',
      connections: { opened: 10, failed: 0, lost: 0 },
      sent: { messages: 0, bytes: 0 },
      received: { messages: 50, bytes: 400 },
      errors: { total: 0 },
      latency: null,
    })
    expect(code).toBe(0)
  })
})

describe('what is sent', () => {
  test('bytes, of a size', async () => {
    const { url } = await serve({
      message: (socket, message, type) => void socket.send(type === 'binary' ? message : 'that was text', type),
    })
    const { report } = await bench(url, '-n', '3', '--type', 'binary', '--size', '2k', '--check')
    expect(report).toMatchObject({ sent: { bytes: 61_440 }, received: { bytes: 61_440 }, errors: { total: 0 } })
  })

  test('a file', async () => {
    const messages = new Set<unknown>()
    const { url } = await serve({
      message(socket, message, type) {
        messages.add(message)
        socket.send(message, type)
      },
    })
    const file = temporaryFile('payload.txt', 'Grüße\n')
    const { report } = await bench(url, '-n', '3', '--payload', file, '--check')
    expect(report).toMatchObject({ sent: { messages: 30, bytes: 240 }, errors: { total: 0 } })
    expect([...messages]).toEqual(['Grüße\n'])
  })

  test('no bytes that are not UTF-8 as text', async () => {
    const file = temporaryFile('payload.bin', Buffer.of(0xff))
    const sentence = `${file} is not UTF-8: send it with --type binary`
    expect(await run('bench', 'ws://x', '--payload', file)).toEqual({
      code: 2,
      stdout: '',
      stderr: `heartwire bench: ${sentence}; heartwire bench --help says more\n`,
    })
  })

  test('in the handshake', async () => {
    const seen: unknown[] = []
    const { url } = await serve({
      ...echo,
      protocols: ['v2'],
      origins: ['https://app.example'],
      upgrade: (request) => void seen.push([request.path, request.header('authorization'), request.header('x-a')]),
    })
    const given = ['-H', 'Authorization: Bearer {n}', '-H', 'X-A: 1', '-H', 'X-A: 2']
    const about = ['--origin', 'https://app.example', '--subprotocol', 'v1', '--subprotocol', 'v2']
    const { code } = await bench(`${url}/a/{n}`, `${url}/b/{n}`, '-c', '3', '-n', '1', ...given, ...about)
    expect(code).toBe(0)
    expect(seen.toSorted()).toEqual([
      ['/a/0', 'Bearer 0', '1, 2'],
      ['/a/2', 'Bearer 2', '1, 2'],
      ['/b/1', 'Bearer 1', '1, 2'],
    ])
  })

  test.each([
    [[], ''],
    [['--compress'], 'permessage-deflate'],
  ])('with compression or without: %j', async (options, agreed) => {
    const extensions = new Set<string | undefined>()
    const { url } = await serve({
      ...echo,
      compression: 'shared',
      open: (socket) => void extensions.add(socket.extensions.split(';')[0]),
    })
    await bench(url, '-n', '1', ...options)
    expect([...extensions]).toEqual([agreed])
  })

  test.skipIf(process.platform !== 'linux')('from several addresses', async () => {
    const addresses: (string | undefined)[] = []
    const { url } = await serve({ ...echo, open: (socket) => void addresses.push(socket.remoteAddress) })
    await bench(url, '-c', '3', '-n', '1', '--local-address', '127.0.0.2,127.0.0.3')
    expect(addresses.toSorted()).toEqual(['127.0.0.2', '127.0.0.2', '127.0.0.3'])
  })

  test('over TLS', async () => {
    const server = createServer({ ...echo, log: () => {} })
    onTestFinished(async () => void (await server.close({ deadline: 1 })))
    const { url } = await server.listen({ host: '127.0.0.1', tls: serverTls })
    const ca = fileURLToPath(new URL('../fixtures/tls/ca.crt', import.meta.url))
    for (const trust of [['--ca', ca], ['--insecure']]) {
      const { report } = await bench(url, '-n', '2', ...trust)
      expect(report).toMatchObject({ connections: { opened: 10 }, received: { messages: 20 } })
    }
    const { code, report } = await bench(url, '-n', '2')
    expect(code).toBe(1)
    expect(report.errors.kinds).toMatchObject([{ stage: 'open', kind: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', count: 10 }])
  })
})

describe('errors by kind', () => {
  test('connections that the server closes', async () => {
    const { url } = await numberedServer({
      message(socket, message, type) {
        if (socket.data < 3) socket.close(1011, 'no more')
        else socket.send(message, type)
      },
    })
    const { code, report } = await bench(`${url}/{n}`, '-n', '20')
    expect(report).toMatchObject({
      connections: { opened: 10, failed: 0, lost: 3 },
      sent: { messages: 143 },
      received: { messages: 140 },
      unanswered: 3,
      unsent: 57,
      errors: {
        total: 3,
        kinds: [
          {
            stage: 'lost',
            kind: 'peer-close 1011',
            count: 3,
            example: 'received 1011 (internal error) "no more", then sent 1011 (internal error).',
          },
        ],
      },
    })
    expect(code).toBe(1)
  })

  test('connections that the server closes, with a plan', async () => {
    const { url } = await numberedServer({
      message(socket, message, type) {
        if (socket.data < 3) socket.terminate()
        else socket.send(message, type)
      },
    })
    const { report } = await bench(`${url}/{n}`, '-n', '20', '--rate', '1000')
    const { sent, unsent, unanswered } = report
    expect(report).toMatchObject({ connections: { lost: 3 }, received: { messages: 140 } })
    expect([sent.messages - unanswered, sent.messages + unsent]).toEqual([140, 200])
    expect(report.errors.kinds.map(({ stage, count }) => [stage, count])).toEqual([['lost', 3]])
  })

  test('all of them are lost: it does not go on', async () => {
    const { url } = await serve({ open: (socket) => socket.close(4000) })
    const { code, report } = await bench(url, '-d', '1h')
    expect(report.errors.kinds).toMatchObject([{ stage: 'lost', kind: 'peer-close 4000', count: 10 }])
    expect(code).toBe(1)
  })

  test('handshakes that are refused', async () => {
    const { url } = await numberedServer({
      ...echo,
      upgrade(request) {
        const number = Number(request.path.slice(1))
        if (number % 2 === 1) throw new UpgradeRejected(503, 'only even ones')
        return { data: number }
      },
    })
    const { code, report } = await bench(`${url}/{n}`, '-n', '20')
    expect(report).toMatchObject({
      connections: { opened: 5, failed: 5, lost: 0 },
      received: { messages: 100 },
      errors: {
        total: 5,
        kinds: [
          {
            stage: 'open',
            kind: '503',
            count: 5,
            example:
              'The server answered 503 Service Unavailable where a WebSocket handshake is answered with 101: "only even ones".',
          },
        ],
      },
    })
    expect(code).toBe(1)
  })

  test('messages without an answer', async () => {
    const { url } = await serve({ message() {} })
    const { code, report } = await bench(url, '-n', '1', '--timeout', '1500ms', '-d', '100ms')
    expect(report).toMatchObject({
      sent: { messages: 10 },
      received: { messages: 0 },
      unanswered: 10,
      latency: null,
      errors: { total: 10, kinds: [{ stage: 'message', kind: 'unanswered', count: 10 }] },
    })
    expect(code).toBe(1)
  })

  test('answers that are not what was sent, one for another too', async () => {
    const { url } = await numberedServer({
      message(socket, message, type) {
        if (socket.data === 0) socket.send(`${message}`.replace(/.$/, '!'))
        else if (socket.data === 1) socket.send(`${message}`, 'binary')
        else if (socket.data === 2) socket.send(`${message}`.replace(/^.{16}/, '0000000300000000'))
        else socket.send(message, type)
      },
    })
    const { code, report } = await bench(`${url}/{n}`, '-n', '2', '--check')
    expect(report.errors.kinds).toMatchObject([{ stage: 'message', kind: 'mismatched', count: 6 }])
    expect(code).toBe(1)
  })

  test('answers to nothing', async () => {
    const { url } = await serve({
      message(socket, message) {
        socket.send(message)
        socket.send(message)
      },
    })
    const { report } = await bench(url, '-c', '1', '-n', '1')
    expect(report.errors.kinds).toMatchObject([{ stage: 'message', kind: 'unexpected', count: 1 }])
  })
})

describe('for people', () => {
  test('a report of what went wrong, without colours in a pipe', async () => {
    const { server, url } = await serve(echo)
    await server.close()
    const { code, stdout, stderr } = await run('bench', url, '-c', '2')
    const address = url.slice('ws://'.length)
    expect(stdout.replace(/event loop .*/, 'event loop ...')).toBe(`${url}: 2 connections, 64 B text, 1 in flight, 0.0 s

connections  0 opened, 2 failed, 0 lost
sent         0 messages (0/s, 0/min), 0 B (0 B/s)
received     0 messages (0/s, 0/min), 0 B (0 B/s)
load client  event loop ...
errors       2
  2 not opened: ECONNREFUSED  Nothing listens at ${address}.
`)
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  })

  test('a line each second, and Ctrl-C, which ends it with its summary', async () => {
    let received = 0
    const { url } = await serve({
      message(socket, message, type) {
        received++
        socket.send(message, type)
      },
    })
    const program = new Program('bench', url, '-c', '2', '-d', '1h', '--rate', '100')
    const [line] = await program.says(/.*running.* p50 .*\n/)
    expect(line).toMatch(
      /^ +\d+ s {2}running 0 % {2}alive 2\/2 {2}errors 0 {2}qps [\d,]+ {2}qpm [\d,]+ {2}p50 [\d.]+ m?s {2}p99 [\d.]+ m?s\n$/,
    )
    program.interrupt()
    const { code, stdout, stderr } = await program.ended
    const [first, ...rest] = stdout.split('\n')
    expect(first).toMatch(/^ws:.*: 2 connections, 64 B text, 100 a second, [\d.]+ s \(interrupted\)$/)
    expect(rest.map((line) => line.split(' ')[0])).toEqual(
      expect.arrayContaining(['connections', 'handshake', 'sent', 'received', 'latency', 'load', 'errors']),
    )
    expect(stdout).toContain(`received     ${received} messages (`)
    expect(stdout).toContain('errors       none\n')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours begin with
    expect(stdout + stderr).not.toMatch(/[\x1b\r]/)
    expect(code).toBe(0)
  })

  test.skipIf(process.platform !== 'linux')('a process of the load that is killed', async () => {
    const { url } = await serve(echo)
    const program = new Program('bench', url, '-d', '1h', '--processes', '2')
    await program.says(/running/)
    const [child = 0] = readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, 'latin1')
      .split(' ')
      .map(Number)
    process.kill(child, 'SIGKILL')
    const { code, stdout, stderr } = await program.ended
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/\nheartwire bench: a load process ended unexpectedly \(SIGKILL\)\n$/)
  })

  test('Ctrl-C while connections are opened', async () => {
    const { url } = await serve(echo)
    const program = new Program('bench', url, '-c', '1000', '--open-rate', '10', '--json', '--processes', '2')
    await program.says(/opening \d+\/1,000/)
    program.interrupt()
    const { code, stdout } = await program.ended
    const { interrupted, connections, errors } = JSON.parse(stdout) as Record<string, unknown>
    expect({ code, interrupted, errors }).toEqual({ code: 0, interrupted: true, errors: { total: 0, kinds: [] } })
    expect(connections).toMatchObject({ failed: 0, lost: 0 })
  })
})
