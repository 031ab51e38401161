import { connect as connectTcp, type Socket as TcpSocket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import { connect, createServer, type ServerOptions } from 'heartwire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { answeringServer, ca, fixture, rawServer, refusalOf, serverTls, switching } from './servers.ts'
import { duplexPair } from './streams.ts'

async function serve(options: ServerOptions<undefined> = { open() {} }, tls: object = serverTls): Promise<number> {
  const server = createServer({ log: () => {}, ...options })
  onTestFinished(async () => void (await server.close({ deadline: 100 })))
  return (await server.listen({ host: '127.0.0.1', tls })).port
}

describe('wss', () => {
  test.each(['localhost', '127.0.0.1'])('talks to %s', async (host) => {
    const port = await serve({ message: (socket, message) => void socket.send(message) })
    const socket = await connect(`wss://${host}:${port}`, { tls: { ca } })
    const message = 'x'.repeat(200_000)
    socket.send(message)
    expect(await socket.receive()).toBe(message)
    expect(socket.remoteAddress).toBe('127.0.0.1')
    socket.close()
    expect(await socket.closed).toMatchObject({ code: 1000, wasClean: true })
  })

  test('by https: as well', async () => {
    const port = await serve({ open: (socket) => void socket.send('hello') })
    expect(await (await connect(`https://localhost:${port}`, { tls: { ca } })).receive()).toBe('hello')
  })

  test('tells the server its name, and that HTTP/1.1 will be spoken', async () => {
    const seen: unknown[] = []
    const names = async (host: string, tls: object) => {
      const server = await rawServer(
        (socket) => {
          const { servername, alpnProtocol } = socket as TLSSocket
          seen.push([servername, alpnProtocol])
          socket.end()
        },
        { tls: { ...serverTls, ALPNProtocols: ['h2', 'http/1.1'] } },
      )
      await refusalOf(connect(`wss://${host}:${server.port}`, { tls: { ca, ...tls } }))
    }
    await names('localhost', {})
    await names('127.0.0.1', {})
    await names('127.0.0.1', { servername: 'localhost' })
    expect(seen).toEqual([
      ['localhost', 'http/1.1'],
      [false, 'http/1.1'],
      ['localhost', 'http/1.1'],
    ])
  })

  test('shows a certificate of its own', async () => {
    const names: string[] = []
    const port = await serve(
      {
        upgrade({ raw }) {
          if (raw?.socket instanceof TLSSocket) names.push(String(raw.socket.getPeerCertificate().subject.CN))
        },
      },
      { ...serverTls, ca, requestCert: true, rejectUnauthorized: true },
    )
    const own = { cert: fixture('client.crt'), key: fixture('client.key') }
    await connect(`wss://localhost:${port}`, { tls: { ca, ...own } })
    expect(names).toEqual(['heartwire test client'])
    const refused = await refusalOf(connect(`wss://localhost:${port}`, { tls: { ca } }))
    expect(refused.code).toBe('CONNECT_FAILED')
    expect(refused.message).toMatch(
      new RegExp(`^The TLS handshake with localhost:${port} failed \\(ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED\\): `),
    )
  })

  test('may be told to trust anyone', async () => {
    const port = await serve({ open: (socket) => void socket.send('hello') })
    const socket = await connect(`wss://localhost:${port}`, { tls: { rejectUnauthorized: false } })
    expect(await socket.receive()).toBe('hello')
  })

  test('delivers what comes with the answer in order', async () => {
    const frames = Buffer.from([0x81, 1, 0x61, 0x81, 1, 0x62])
    const { port } = await answeringServer((head) => Buffer.concat([Buffer.from(switching(head)), frames]), {
      tls: serverTls,
    })
    const socket = await connect(`wss://localhost:${port}`, { tls: { ca } })
    expect([await socket.receive(), await socket.receive()]).toEqual(['a', 'b'])
    socket.terminate()
  })

  test('notices a reset', async () => {
    const server = await answeringServer((head) => switching(head), { tls: serverTls })
    const socket = await connect(`wss://localhost:${server.port}`, { tls: { ca } })
    server.sockets[0]?.resetAndDestroy()
    expect(await socket.closed).toMatchObject({ code: 1006, cause: 'reset', wasClean: false })
  })

  test('ends the connection beneath it', async () => {
    const server = await answeringServer((head) => switching(head), { tls: serverTls })
    const socket = await connect(`wss://localhost:${server.port}`, { tls: { ca } })
    socket.terminate()
    await server.gone(0)
  })
})

describe('wss over a stream of the caller', () => {
  test('speaks TLS over a plain one', async () => {
    const port = await serve({ open: (socket) => void socket.send('hello') })
    let made: TcpSocket | undefined
    const socket = await connect('wss://localhost/', {
      tls: { ca },
      createConnection() {
        made = connectTcp(port, '127.0.0.1')
        return made
      },
    })
    expect(await socket.receive()).toBe('hello')
    socket.terminate()
    expect(made?.destroyed).toBe(true)
  })

  test('leaves one that is TLS already as it is', async () => {
    const port = await serve({ open: (socket) => void socket.send('hello') })
    const socket = await connect('wss://chat.example/', {
      createConnection: () => connectTls({ port, host: '127.0.0.1', ca, servername: 'localhost' }),
    })
    expect(await socket.receive()).toBe('hello')
  })

  test('speaks TLS over one that is no socket', async () => {
    const port = await serve({ open: (socket) => void socket.send('hello') })
    const [near, far] = duplexPair()
    const tcp = connectTcp(port, '127.0.0.1')
    far.pipe(tcp).pipe(far)
    const socket = await connect('wss://localhost/', { tls: { ca }, createConnection: () => near })
    expect(await socket.receive()).toBe('hello')
    socket.close()
    expect(await socket.closed).toMatchObject({ code: 1000, wasClean: true })
    tcp.destroy()
  })
})

describe('a TLS handshake that fails', () => {
  test.each<[string, object, object, string, string]>([
    [
      'nobody trusts it',
      {},
      {},
      'was not issued by an authority that is trusted here (UNABLE_TO_VERIFY_LEAF_SIGNATURE). If it is yours, give the issuer in tls.ca.',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    ['it has expired', { cert: fixture('expired.crt') }, { ca }, 'has expired (CERT_HAS_EXPIRED).', 'CERT_HAS_EXPIRED'],
    [
      'it is for another name',
      {},
      { ca, servername: 'chat.example' },
      'is for another name (ERR_TLS_CERT_ALTNAME_INVALID). If that is meant, give the name in tls.servername.',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
  ])('%s', async (_what, server, client, message, code) => {
    const listening = await rawServer(() => {}, { tls: { ...serverTls, ...server } })
    expect(await refusalOf(connect(`wss://${listening.name}`, { tls: client }))).toEqual({
      code: 'CONNECT_FAILED',
      message: `The certificate of ${listening.name} ${message}`,
      cause: code,
    })
    await listening.gone(0)
  })

  test('as the server does not speak TLS', async () => {
    const raw = await rawServer((socket) => {
      socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')
      socket.resume()
    })
    expect(await refusalOf(connect(`wss://${raw.name}`))).toEqual({
      code: 'CONNECT_FAILED',
      message: `What ${raw.name} answered is not TLS (ERR_SSL_WRONG_VERSION_NUMBER). Perhaps "ws:" is meant, not "wss:".`,
      cause: 'ERR_SSL_WRONG_VERSION_NUMBER',
    })
    await raw.gone(0)
  })

  test('as the client does not speak TLS', async () => {
    const server = await rawServer((socket) => {
      socket.once('data', () => socket.write(Buffer.from([0x15, 3, 1, 0, 2, 2, 22])))
    })
    const error = await refusalOf(connect(`ws://${server.name}`))
    expect(error.code).toBe('BAD_RESPONSE')
    expect(error.message).toMatch(/ is not HTTP \(.+\)\. It speaks TLS: perhaps "wss:" is meant, not "ws:"\.$/)
    await server.gone(0)
  })

  test('as the client does not speak TLS, and a server of this package does', async () => {
    const server = createServer({ open() {} })
    onTestFinished(() => void server.close())
    const { port } = await server.listen({ host: '127.0.0.1', tls: serverTls })
    expect(await refusalOf(connect(`ws://127.0.0.1:${port}`))).toEqual({
      code: 'HANDSHAKE_ABORTED',
      message: `127.0.0.1:${port} closed the connection without an answer. If it speaks TLS, "wss:" is meant, not "ws:".`,
      cause: 'ECONNRESET',
    })
  })

  test('as the client speaks TLS, and a server of this package does not', async () => {
    const server = createServer({ open() {}, log() {} })
    onTestFinished(() => void server.close())
    const { port } = await server.listen({ host: '127.0.0.1' })
    expect(await refusalOf(connect(`wss://127.0.0.1:${port}`))).toEqual({
      code: 'CONNECT_FAILED',
      message: `What 127.0.0.1:${port} answered is not TLS (ERR_SSL_WRONG_VERSION_NUMBER). Perhaps "ws:" is meant, not "wss:".`,
      cause: 'ERR_SSL_WRONG_VERSION_NUMBER',
    })
  })

  test('as the server goes away', async () => {
    const server = await rawServer((socket) => socket.resume().end())
    expect(await refusalOf(connect(`wss://${server.name}`))).toEqual({
      code: 'CONNECT_FAILED',
      message: `${server.name} cut the connection before it was open.`,
      cause: 'ECONNRESET',
    })
  })

  test('as both can only speak different versions', async () => {
    const server = await rawServer(() => {}, { tls: { ...serverTls, minVersion: 'TLSv1.3' } })
    const error = await refusalOf(connect(`wss://${server.name}`, { tls: { ca, maxVersion: 'TLSv1.2' } }))
    expect(error.message).toMatch(/^The TLS handshake with 127.0.0.1:\d+ failed \(ERR_SSL_\w+\): [\w ]+\.$/)
  })

  test('and one that never ends runs out of time', async () => {
    const server = await rawServer((socket) => socket.resume())
    const failed = refusalOf(connect(`wss://${server.name}`, { handshakeTimeout: 100 }))
    expect(await failed).toEqual({
      code: 'HANDSHAKE_TIMEOUT',
      message: `The handshake was not done within 100 ms (handshakeTimeout): it was still doing the TLS handshake with ${server.name}.`,
    })
    await server.gone(0)
  })
})
