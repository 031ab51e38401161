import { connect, HandshakeError } from 'heartwire'
import { describe, expect, test } from 'vitest'
import {
  answeringServer,
  failureOf,
  header,
  plainAnswer,
  rawServer,
  readHead,
  refusalOf,
  switching,
} from './servers.ts'

describe('an answer other than 101', () => {
  const rule = 'where a WebSocket handshake is answered with 101'

  test.each<[string, string, Omit<Awaited<ReturnType<typeof refusalOf>>, 'code'>]>([
    [
      'with a reason in its body',
      plainAnswer(
        '401 Nope',
        'No token given.\nSee the docs.\n',
        'Content-Type: text/plain; charset=utf-8',
        'Set-Cookie: a=b',
        'Set-Cookie: c=d',
        'WWW-Authenticate: Bearer',
      ),
      {
        message: `The server answered 401 Unauthorized ${rule}: "No token given."`,
        status: 401,
        headers: {
          'content-length': '30',
          'content-type': 'text/plain; charset=utf-8',
          'set-cookie': ['a=b', 'c=d'],
          'www-authenticate': 'Bearer',
        },
        body: 'No token given.\nSee the docs.\n',
      },
    ],
    [
      'with JSON',
      plainAnswer('403 Forbidden', '{"error":"no"}', 'Content-Type: application/problem+json'),
      {
        message: `The server answered 403 Forbidden ${rule}: "{\\"error\\":\\"no\\"}".`,
        status: 403,
        headers: { 'content-length': '14', 'content-type': 'application/problem+json' },
        body: '{"error":"no"}',
      },
    ],
    [
      'with a page',
      plainAnswer('404 Not Found', '<h1>No</h1>', 'Content-Type: text/html'),
      {
        message: `The server answered 404 Not Found ${rule}.`,
        status: 404,
        headers: { 'content-length': '11', 'content-type': 'text/html' },
        body: '<h1>No</h1>',
      },
    ],
    [
      'without a body',
      plainAnswer('200 OK', ''),
      {
        message: `The server answered 200 OK ${rule}.`,
        status: 200,
        headers: { 'content-length': '0' },
        body: '',
      },
    ],
    [
      'with bytes',
      plainAnswer('400 Bad Request', 'Bad \u0000 \u001b[31mbytes'),
      {
        message: `The server answered 400 Bad Request ${rule}: "Bad \\x00 \\x1b[31mbytes".`,
        status: 400,
        headers: { 'content-length': '16' },
        body: 'Bad \u0000 \u001b[31mbytes',
      },
    ],
    [
      'with a long line',
      plainAnswer('500 Oops', 'x'.repeat(201)),
      {
        message: `The server answered 500 Internal Server Error ${rule}.`,
        status: 500,
        headers: { 'content-length': '201' },
        body: 'x'.repeat(201),
      },
    ],
    [
      'in chunks',
      'HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbus\r\n1\r\ny\r\n0\r\n\r\n',
      {
        message: `The server answered 503 Service Unavailable ${rule}: "busy".`,
        status: 503,
        headers: { 'transfer-encoding': 'chunked' },
        body: 'busy',
      },
    ],
    [
      'which is a redirect to nowhere',
      plainAnswer('302 Found', ''),
      {
        message: `The server answered 302 Found ${rule}.`,
        status: 302,
        headers: { 'content-length': '0' },
        body: '',
      },
    ],
  ])('%s', async (_what, answer, expected) => {
    const server = await answeringServer(answer)
    expect(await refusalOf(connect(`ws://${server.name}`))).toEqual({ code: 'UNEXPECTED_STATUS', ...expected })
    await server.gone(0)
  })

  test('gives 4 KiB of a body that never ends, and no more', async () => {
    const server = await rawServer(async (socket) => {
      await readHead(socket)
      socket.write('HTTP/1.1 500 Oops\r\n\r\n')
      const line = Buffer.from(`${'all is lost, '.repeat(100)}\n`)
      const more = () => {
        while (!socket.destroyed && socket.write(line));
      }
      socket.on('drain', more).resume()
      more()
    })
    const error = await failureOf(connect(`ws://${server.name}`))
    expect(error).toMatchObject({ code: 'UNEXPECTED_STATUS', status: 500 })
    expect(error instanceof HandshakeError && error.body).toHaveLength(4096)
    await server.gone(0)
  })

  test('does not wait for long for a body that does not come', async () => {
    const server = await answeringServer('HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nNo, because')
    const started = performance.now()
    const error = await refusalOf(connect(`ws://${server.name}`))
    expect(error).toMatchObject({ code: 'UNEXPECTED_STATUS', status: 403, body: 'No, because' })
    expect(performance.now() - started).toBeLessThan(5_000)
    await server.gone(0)
  })

  test('is told when the time ends while its body is waited for', async () => {
    const server = await answeringServer('HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nNo')
    const error = await refusalOf(connect(`ws://${server.name}`, { handshakeTimeout: 100 }))
    expect(error).toMatchObject({ code: 'UNEXPECTED_STATUS', status: 403, body: 'No' })
  })

  test('whose body is cut off', async () => {
    const server = await answeringServer('HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nNo', { end: true })
    const error = await refusalOf(connect(`ws://${server.name}`))
    expect(error).toMatchObject({ code: 'UNEXPECTED_STATUS', status: 403, body: 'No' })
  })
})

describe('a broken 101', () => {
  const rest = (...lines: string[]) => `HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`
  const upgrade = ['Upgrade: websocket', 'Connection: Upgrade']

  test.each<[string, (head: string) => string, string]>([
    [
      'a wrong key',
      () => rest(...upgrade, 'Sec-WebSocket-Accept: AAAA'),
      'The server\'s answer is 101, but Sec-WebSocket-Accept is "AAAA", and "*" answers the key that was sent (RFC 6455 section 4.1). Something that is no WebSocket server, or a cache, may have answered.',
    ],
    [
      'no key',
      () => rest(...upgrade),
      "The server's answer is 101, but it has no Sec-WebSocket-Accept header (RFC 6455 section 4.1).",
    ],
    [
      'no Upgrade',
      (head) => switching(head).replace('Upgrade: websocket\r\n', ''),
      "The server's answer is 101, but it has no Upgrade header (RFC 6455 section 4.1).",
    ],
    [
      'another Upgrade',
      (head) => switching(head).replace('Upgrade: websocket', 'Upgrade: h2c'),
      'The server\'s answer is 101, but the Upgrade header is "h2c", not "websocket" (RFC 6455 section 4.1).',
    ],
    [
      'another Connection',
      (head) => switching(head).replace('Connection: Upgrade', 'Connection: close'),
      'The server\'s answer is 101, but the Connection header "close" does not name "Upgrade" (RFC 6455 section 4.1).',
    ],
    [
      'a subprotocol that was not offered',
      (head) => switching(head, 'Sec-WebSocket-Protocol: v3'),
      'The server\'s answer is 101, but it chooses the subprotocol "v3", and the client offered "v1", "v2" (RFC 6455 section 4.1).',
    ],
    [
      'an extension that was not offered',
      (head) => switching(head, 'Sec-WebSocket-Extensions: permessage-brotli'),
      'The server\'s answer is 101, but it chooses the extension "permessage-brotli", and the client offered "permessage-deflate" (RFC 6455 section 4.1).',
    ],
  ])('%s', async (_what, answer, message) => {
    const server = await answeringServer(answer)
    const error = await refusalOf(connect(`ws://${server.name}`, { protocols: ['v1', 'v2'] }))
    expect({ ...error, message: error.message.replace(/"[\w+/]{27}="/, '"*"') }).toMatchObject({
      code: 'BAD_RESPONSE',
      status: 101,
      message,
    })
    await server.gone(0)
  })
})

describe('good answers that are unusual', () => {
  test.each<[string, (head: string) => string]>([
    [
      'names in other cases',
      (head) => switching(head).replace('Upgrade: w', 'UPGRADE: W').replace('Connection: U', 'connection:u'),
    ],
    [
      'a Connection header of several',
      (head) => switching(head).replace('Connection: Upgrade', 'Connection: keep-alive,\tUpgrade'),
    ],
    ['two Connection headers', (head) => switching(head).replace('Connection:', 'Connection: x\r\nConnection:')],
    ['a length of a body that is none', (head) => switching(head, 'Content-Length: 5')],
    ['chunks that are none', (head) => switching(head, 'Transfer-Encoding: chunked')],
    ['another phrase', (head) => switching(head).replace('101 Switching Protocols', '101 ')],
    [
      'informational answers before',
      (head) => `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${switching(head)}`,
    ],
  ])('%s', async (_what, answer) => {
    const server = await answeringServer((head) =>
      Buffer.concat([Buffer.from(answer(head)), Buffer.from([0x81, 2, 0x68, 0x69])]),
    )
    const socket = await connect(`ws://${server.name}`, { handshakeTimeout: 2_000 })
    expect(await socket.receive()).toBe('hi')
    socket.terminate()
  })
})

describe('no answer', () => {
  test('headers without an end', async () => {
    const server = await rawServer(async (socket) => {
      await readHead(socket)
      socket.write('HTTP/1.1 101 Switching Protocols\r\n')
      const more = () => {
        while (!socket.destroyed && socket.write(`X-More: ${'x'.repeat(1000)}\r\n`));
      }
      socket.on('drain', more).resume()
      more()
    })
    expect(await refusalOf(connect(`ws://${server.name}`))).toEqual({
      code: 'BAD_RESPONSE',
      message: `The headers of the answer of ${server.name} are longer than Node takes.`,
      cause: 'HPE_HEADER_OVERFLOW',
    })
    await server.gone(0)
  })

  test('not HTTP', async () => {
    const server = await answeringServer('SSH-2.0-OpenSSH_9.6\r\n')
    const error = await refusalOf(connect(`ws://${server.name}`))
    expect(error).toMatchObject({ code: 'BAD_RESPONSE', cause: 'HPE_INVALID_CONSTANT' })
    // What it says in between is the parser's, and differs from one Node to another.
    expect(error.message).toMatch(new RegExp(`^What ${server.name} answered is not HTTP \\(.+\\)\\.$`))
    await server.gone(0)
  })

  test('the end of the stream at once', async () => {
    const server = await rawServer((socket) => socket.resume().end())
    expect(await refusalOf(connect(`ws://${server.name}`))).toEqual({
      code: 'HANDSHAKE_ABORTED',
      message: `${server.name} closed the connection without an answer. If it speaks TLS, "wss:" is meant, not "ws:".`,
      cause: 'ECONNRESET',
    })
  })

  test('the end of the stream amid the answer', async () => {
    const server = await answeringServer('HTTP/1.1 101 Switching Protocols\r\nUpgr', { end: true })
    expect(await refusalOf(connect(`ws://${server.name}`))).toMatchObject({
      code: 'HANDSHAKE_ABORTED',
      message: `${server.name} closed the connection before it had answered.`,
    })
    await server.gone(0)
  })

  test.each(['', 'HTTP/1.1 101 Switching Protocols\r\nUpgr'])('a reset after %j', async (start) => {
    const server = await rawServer(async (socket) => {
      await readHead(socket)
      socket.write(start, () => socket.resetAndDestroy())
    })
    expect(await refusalOf(connect(`ws://${server.name}`))).toEqual({
      code: 'HANDSHAKE_ABORTED',
      message: `${server.name} closed the connection before it had answered.`,
      cause: 'ECONNRESET',
    })
  })

  test('nobody listens', async () => {
    // Port 1 is nobody's.
    expect(await refusalOf(connect('ws://127.0.0.1:1'))).toEqual({
      code: 'CONNECT_FAILED',
      message: 'Nothing listens at 127.0.0.1:1.',
      cause: 'ECONNREFUSED',
    })
    expect(await refusalOf(connect('ws://localhost:1'))).toEqual({
      code: 'CONNECT_FAILED',
      message: 'Nothing listens at localhost:1.',
      cause: 'ECONNREFUSED',
    })
    expect(await refusalOf(connect('ws+unix:/nowhere/at/all.sock'))).toEqual({
      code: 'CONNECT_FAILED',
      message: 'There is no Unix socket at /nowhere/at/all.sock.',
      cause: 'ENOENT',
    })
  })

  test('the header that was sent does not show in an error', async () => {
    const server = await answeringServer(plainAnswer('401 No', ''))
    const error = await failureOf(connect(`ws://ann:secret@${server.name}/?token=secret`))
    expect(header(server.heads[0] ?? '', 'Authorization')).toHaveLength(1)
    expect(String(error)).not.toContain('secret')
  })
})
