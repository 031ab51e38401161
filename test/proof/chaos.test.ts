// The chaos run as a program, for a few seconds, and what it is made of. Nothing here is about speed.
import { once } from 'node:events'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { connect, createServer as createHeartwire } from 'heartwire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Evidence, judge } from '../../proof/chaos/judge.ts'
import type { EndReport } from '../../proof/chaos/party.ts'
import { FAULTS, type Plan, planConnection, type Strike, type Trouble } from '../../proof/chaos/plan.ts'
import { FaultProxy, type ProxyReport, type Struck } from '../../proof/chaos/proxy.ts'
import type { Stall } from '../../proof/support/loop-watch.ts'
import { Random } from '../../proof/support/random.ts'
import { Mailbox } from '../support/mailbox.ts'
import { run } from './program.ts'

const SETTINGS = { seed: 42, faults: FAULTS, interval: 500, timeout: 500 }

test('a short run with every fault holds', { timeout: 120_000 }, async () => {
  const { code, stdout, stderr } = await run(
    'chaos',
    ...['--connections', '200', '--concurrency', '50', '--seed', '7', '--interval', '1000', '--timeout', '2000'],
  )
  expect(stderr).not.toContain('VIOLATION')
  expect(stdout).toMatch(/^seed 7: 200 connections, \d+ of them with faults, \d+ messages in \d+ s\n/)
  for (const fault of FAULTS) expect(stdout).toContain(`\n${fault} `)
  expect(stdout).toMatch(/\nEverything held\.\n$/)
  expect(code).toBe(0)
})

test('a mistake on the command line is one sentence and exit code 2', async () => {
  const { code, stdout, stderr } = await run('chaos', '--faults', 'fire')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^chaos: .*fire.*\n$/)
})

describe('a plan', () => {
  test('follows from the seed and the number of the connection', () => {
    const plans = (seed: number) => [1, 2, 3, 100].map((number) => planConnection({ ...SETTINGS, seed }, number))
    expect(plans(42)).toEqual(plans(42))
    expect(plans(42)).not.toEqual(plans(43))
  })

  test('has every fault in its turn', () => {
    const seen = new Set<string>()
    for (let number = 1; number <= 500; number++) seen.add(planConnection(SETTINGS, number).fault)
    expect([...seen].sort()).toEqual([...FAULTS].sort())
  })
})

const NO_TROUBLE: Trouble = { delay: 0, jitter: 0, singleBytes: 0, lateClose: 0, strikes: [] }

/** A frame as a client would send it, with a key of zeros. */
function frame(payload: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)])
}
const HEAD = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** Everything that one end of a plain TCP connection gets, and how it ends. */
class Observer {
  readonly chunks: Buffer[] = []
  readonly events = new Mailbox<string>()
  readonly socket: Socket

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => this.chunks.push(chunk))
    socket.on('end', () => this.events.put('end'))
    socket.on('error', (error) => this.events.put((error as NodeJS.ErrnoException).code ?? 'error'))
    socket.on('close', () => this.events.put('close'))
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1')
  }
}

/** A plain TCP client and server with the proxy between them. */
async function through(
  trouble: Partial<Trouble>,
): Promise<{ client: Observer; server: Observer; report: Promise<ProxyReport> }> {
  const reports = new Mailbox<ProxyReport>()
  const accepted = new Mailbox<Observer>()
  const listener: Server = createServer({ allowHalfOpen: true }, (socket) => accepted.put(new Observer(socket)))
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port: target } = listener.address() as { port: number }
  const proxy = new FaultProxy({
    target,
    plan: () => ({ connection: 1, trouble: { ...NO_TROUBLE, ...trouble }, random: new Random(1) }),
    ended: reports.put,
  })
  const client = new Observer(dial({ port: await proxy.listen(), host: '127.0.0.1', allowHalfOpen: true }))
  client.socket.write(HEAD)
  const server = await accepted.next()
  onTestFinished(async () => {
    client.socket.destroy()
    server.socket.destroy()
    await proxy.close()
    listener.close()
  })
  server.socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
  return { client, server, report: reports.next() }
}

function strike(how: Strike['how'], at: Strike['place']['at'], milliseconds = 0): Strike[] {
  return [{ how, place: { direction: 'up', frame: 2, at }, milliseconds }]
}

/** Waits until the server has got exactly this behind the head. */
async function got(server: Observer, bytes: string): Promise<void> {
  while (server.text.length < HEAD.length + bytes.length) await once(server.socket, 'data')
  expect(server.text).toBe(HEAD + bytes)
}

const first = frame('first').toString('latin1')
const second = frame('second').toString('latin1')

describe('the proxy', () => {
  test('without trouble passes on everything, and the end', async () => {
    const { client, server, report } = await through({})
    client.socket.end(frame('first'))
    await got(server, first)
    expect(await server.events.next()).toBe('end')
    server.socket.end()
    expect(await client.events.next()).toBe('end')
    expect((await report).struck).toEqual([])
  })

  test('cuts in the middle of a frame: both ends get a FIN', async () => {
    const { client, server, report } = await through({ strikes: strike('cut', 0.5) })
    client.socket.write(Buffer.concat([frame('first'), frame('second')]))
    expect([await server.events.next(), await client.events.next()]).toEqual(['end', 'end'])
    await got(server, first + second.slice(0, 9))
    client.socket.end()
    server.socket.end()
    expect((await report).struck.map(({ how }) => how)).toEqual(['cut'])
  })

  test('cuts in the middle of a header', async () => {
    const { client, server } = await through({ strikes: strike('cut', 'header') })
    client.socket.write(Buffer.concat([frame('first'), frame('second')]))
    expect(await server.events.next()).toBe('end')
    await got(server, first + second.slice(0, 1))
  })

  test('resets: both ends get a RST', async () => {
    const { client, server, report } = await through({ strikes: strike('reset', 'before') })
    // Node takes a reset that comes together with bytes for an end.
    await once(client.socket, 'data')
    client.socket.write(frame('first'))
    await got(server, first)
    client.socket.write(frame('second'))
    expect([await server.events.next(), await client.events.next()]).toEqual(['ECONNRESET', 'ECONNRESET'])
    expect((await report).struck.map(({ how }) => how)).toEqual(['reset'])
  })

  test('half-open: bytes vanish both ways, and nothing is closed', async () => {
    const { client, server, report } = await through({ strikes: strike('half-open', 'before') })
    client.socket.write(Buffer.concat([frame('first'), frame('second')]))
    await got(server, first)
    server.socket.write('vanishes')
    client.socket.write('vanishes too')
    client.socket.end()
    // Both ends have gone before the proxy lets go of what is between them.
    server.socket.end()
    expect((await report).struck.map(({ how }) => how)).toEqual(['half-open'])
    expect(server.text).toBe(HEAD + first)
    expect(client.text).toBe('HTTP/1.1 101 Switching Protocols\r\n\r\n')
  })

  test('stalls, and then goes on with everything', async () => {
    const { client, server, report } = await through({ strikes: strike('stall', 0.5, 50) })
    client.socket.end(Buffer.concat([frame('first'), frame('second')]))
    expect(await server.events.next()).toBe('end')
    await got(server, first + second)
    server.socket.end()
    const [struck] = (await report).struck
    expect((struck?.until ?? 0) - (struck?.at ?? 0)).toBeGreaterThanOrEqual(49)
  })

  test('passes on single bytes, late bytes and a late FIN, in order', async () => {
    const { client, server } = await through({ singleBytes: 20, delay: 5, jitter: 10, lateClose: 30 })
    client.socket.end(Buffer.concat([frame('first'), frame('second')]))
    expect(await server.events.next()).toBe('end')
    await got(server, first + second)
  })
})

test('heartwire tells each end what was done to it', async () => {
  const closed = new Mailbox<string>()
  const server = createHeartwire({ message() {}, close: (_socket, { cause }) => closed.put(cause) })
  onTestFinished(async () => void (await server.close({ deadline: 1 })))
  const { port: target } = await server.listen({ host: '127.0.0.1' })
  const trouble = { ...NO_TROUBLE, strikes: strike('cut', 0.5) }
  const proxy = new FaultProxy({ target, plan: () => ({ connection: 1, trouble, random: new Random(1) }), ended() {} })
  onTestFinished(() => proxy.close())
  const socket = await connect(`ws://127.0.0.1:${await proxy.listen()}`)
  socket.send('first')
  socket.send('second')
  expect([await closed.next(), (await socket.closed).cause]).toEqual(['eof', 'eof'])
})

describe('the judge', () => {
  const plan: Plan = {
    ...planConnection({ ...SETTINGS, faults: ['none'] }, 1),
    closes: 'client',
    early: false,
    code: 4000,
    reason: 'end of 1',
  }
  const ending = { sent: 4000, received: 4000, wasClean: true, error: undefined }

  function report(end: 'client' | 'server', changes: Partial<EndReport> = {}): EndReport {
    return {
      connection: 1,
      ending:
        end === 'client'
          ? { ...ending, cause: 'local-close', initiator: 'local', reason: '' }
          : { ...ending, cause: 'peer-close', initiator: 'peer', reason: 'end of 1' },
      sent: 1,
      received: end === 'client' ? plan.down.length : plan.up.length,
      wrong: [],
      openedAt: 0,
      closedAt: 100,
      lastMessageAt: 90,
      stalls: [],
      ...changes,
    }
  }

  function verdictOn(changes: Partial<Evidence>, of: Plan = plan): string[] {
    const proxy: ProxyReport = {
      connection: 1,
      struck: [],
      lastSwallow: { client: 0, server: 0 },
    }
    const evidence = { client: report('client'), server: report('server'), proxy, proxyStalls: [], ...changes }
    return judge(of, SETTINGS, evidence).wrong
  }

  test('finds nothing wrong where nothing is', () => {
    expect(verdictOn({})).toEqual([])
  })

  test('finds a report that never came, a message that was lost, and what an end complains of', () => {
    expect(verdictOn({ server: undefined })).toEqual(['server: no report of the end'])
    expect(verdictOn({ server: report('server', { received: 0 }) })).toEqual([
      `server: 0 of ${plan.up.length} messages were delivered`,
    ])
    expect(verdictOn({ client: report('client', { wrong: ['message 3 came twice'] }) })).toEqual([
      'client: message 3 came twice',
    ])
  })

  test('finds a wrong cause', () => {
    const wrong = report('server')
    const [sentence] = verdictOn({ server: { ...wrong, ending: { ...wrong.ending!, cause: 'eof' } } })
    expect(sentence).toMatch(/^server: ended with \{.*"cause":"eof".*\}; right would be peer-close$/)
  })

  describe('of a dead peer', () => {
    const half: Plan = { ...plan, fault: 'half-open', strikes: strike('half-open', 'before') }
    const dead = { cause: 'heartbeat', initiator: 'local', reason: '', wasClean: false } as const
    const ending = { ...dead, sent: undefined, received: undefined, error: 'HeartbeatError' }
    const at = 1000

    /** What is said of a server that finds its peer so many milliseconds after bytes began to vanish. */
    function verdictAfter(milliseconds: number, stalls: Stall[] = [], changes: Partial<Evidence> = {}): string[] {
      const struck: Struck = { how: 'half-open', at, until: undefined, lastWrite: { client: 990, server: 990 } }
      const proxy: ProxyReport = { connection: 1, struck: [struck], lastSwallow: { client: 0, server: 0 } }
      const client = report('client', { ending, closedAt: at + 1000 })
      const server = report('server', { ending, closedAt: at + milliseconds, stalls })
      return verdictOn({ client, server, proxy, ...changes }, half)
    }
    /** So many stalls of a length, one after the other. */
    const stalls = (count: number, length: number) =>
      Array.from({ length: count }, (_, i): Stall => ({ from: at + i * length, to: at + (i + 1) * length }))

    test('finds nothing wrong in time', () => {
      expect(verdictAfter(750)).toEqual([])
      expect(verdictAfter(1080)).toEqual([])
    })

    test('finds one that was found too late, or too early', () => {
      expect(verdictAfter(1300)).toEqual(['server: found the dead peer after 1300 ms, later than 1080 ms'])
      expect(verdictAfter(300)).toEqual(['server: gave its peer up after 310 ms of silence, before 750 ms'])
    })

    test('takes long stalls off, and of short ones as many as a heartbeat has steps', () => {
      expect(verdictAfter(1400, stalls(2, 200))).toEqual([])
      expect(verdictAfter(1490, stalls(2, 205))).toEqual([])
      expect(verdictAfter(1120, stalls(5, 10))).toEqual([])
      // A loop that is busy all the time is late by some turns, and not by all of them.
      expect(verdictAfter(1300, stalls(130, 10))).toEqual([
        'server: found the dead peer after 1250 ms, later than 1080 ms',
      ])
    })

    test('excuses one that was found too early where the other processes did nothing before', () => {
      expect(verdictAfter(300, [], { proxyStalls: [{ from: at - 500, to: at - 100 }] })).toEqual([])
    })
  })
})
