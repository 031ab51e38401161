import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { connect } from 'heartwire'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  answeringServer,
  ca,
  fixture,
  header,
  plainAnswer,
  rawServer,
  readHead,
  refusalOf,
  serverTls,
  switching,
} from './servers.ts'

function redirect(location: string, status = '302 Found', body = 'Elsewhere.'): string {
  return plainAnswer(status, body, `Location: ${location}`)
}

const RULE = 'where a WebSocket handshake is answered with 101: "Elsewhere."'

/** A server that redirects the first requests, and opens the last one. */
async function redirecting(...locations: string[]) {
  return answeringServer((head, index) => {
    const location = locations[index]
    return location === undefined ? switching(head) : redirect(location)
  })
}

describe('followed', () => {
  test.each(['301 Moved', '302 Found', '303 See', '307 Temporary', '308 Permanent'])('%s', async (status) => {
    const server = await answeringServer((head, index) =>
      index === 0 ? redirect('/there?x=1', status) : switching(head),
    )
    const socket = await connect(`ws://${server.name}/here?y=2`, { followRedirects: 1 })
    expect(server.heads.map((head) => head.split('\r\n')[0])).toEqual([
      'GET /here?y=2 HTTP/1.1',
      'GET /there?x=1 HTTP/1.1',
    ])
    const keys = server.heads.map((head) => header(head, 'Sec-WebSocket-Key')[0])
    expect(keys[0]).not.toBe(keys[1])
    await server.gone(0)
    socket.terminate()
  })

  test.each<[string, (name: string) => string, string]>([
    ['a whole URL', (name) => `ws://${name}/x`, '/x'],
    ['an http: one', (name) => `http://${name}/x`, '/x'],
    ['one without a scheme', (name) => `//${name}/x`, '/x'],
    ['one relative to the path', () => 'x', '/a/x'],
    ['one up the path', () => '../x', '/x'],
    ['a query', () => '?x', '/a/b?x'],
    ['one with a fragment', () => '/x#top', '/x'],
    ['nothing', () => '', '/a/b'],
  ])('%s', async (_what, location, path) => {
    const server = await answeringServer((head, index) =>
      index === 0 ? redirect(location(header(head, 'Host')[0] ?? '')) : switching(head),
    )
    const socket = await connect(`ws://${server.name}/a/b`, { followRedirects: 1 })
    expect(server.heads[1]?.split('\r\n')[0]).toBe(`GET ${path} HTTP/1.1`)
    socket.terminate()
  })

  test('as often as is allowed', async () => {
    const server = await redirecting('/1', '/2', '/3')
    const socket = await connect(`ws://${server.name}/`, { followRedirects: 3 })
    expect(server.heads.map((head) => head.split(' ')[1])).toEqual(['/', '/1', '/2', '/3'])
    socket.terminate()
  })

  test('within the time for the whole handshake', async () => {
    const server = await answeringServer(redirect('/again'))
    const endless = connect(`ws://${server.name}`, { followRedirects: Number.POSITIVE_INFINITY, handshakeTimeout: 200 })
    expect(await refusalOf(endless)).toMatchObject({ code: 'HANDSHAKE_TIMEOUT' })
    await Promise.all(server.sockets.map((_socket, index) => server.gone(index)))
  })

  test('over a Unix socket, to the same one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heartwire-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'a.sock')
    const answers = [redirect('/there'), redirect('ws://other.example/')]
    const server = await answeringServer((head) => answers.shift() ?? switching(head), { path })
    const failed = await refusalOf(connect(`ws+unix:${path}:/here`, { followRedirects: 5 }))
    expect(server.heads.map((head) => head.split(' ')[1])).toEqual(['/here', '/there'])
    expect(failed).toMatchObject({
      code: 'UNEXPECTED_STATUS',
      message: `The server answered 302 Found ${RULE} It points to "ws://other.example/", which is not followed, as it leads away from the Unix socket.`,
    })
  })

  test('by createConnection, which is asked again', async () => {
    const server = await redirecting('ws://other.example/')
    const asked: unknown[] = []
    const socket = await connect('ws://chat.example:81/', {
      followRedirects: 1,
      createConnection({ host, port, secure }) {
        asked.push([host, port, secure])
        return connectTcp(server.port, '127.0.0.1')
      },
    })
    expect(asked).toEqual([
      ['chat.example', 81, false],
      ['other.example', 80, false],
    ])
    socket.terminate()
  })
})

describe('credentials', () => {
  const headers = {
    authorization: 'Bearer x',
    Cookie: 'a=b',
    'proxy-authorization': 'Basic y',
    host: 'z',
    'x-other': 'kept',
  }
  const names = [...Object.keys(headers), 'origin']
  const sent = (head = '') => names.map((name) => header(head, name)[0])

  test('go to the same origin', async () => {
    const server = await redirecting('/there')
    const socket = await connect(`ws://${server.name}`, { followRedirects: 1, headers, origin: 'o' })
    expect(sent(server.heads[1])).toEqual(['Bearer x', 'a=b', 'Basic y', 'z', 'kept', 'o'])
    socket.terminate()
  })

  test('of the URL go to the same origin', async () => {
    const server = await redirecting('/there')
    const socket = await connect(`ws://ann:x@${server.name}`, { followRedirects: 1 })
    expect(header(server.heads[1] ?? '', 'Authorization')).toEqual([`Basic ${btoa('ann:x')}`])
    socket.terminate()
  })

  test('go to no other port, and do not come back', async () => {
    const other = await answeringServer((head) => redirect(header(head, 'x-back')[0] ?? ''))
    const server = await redirecting(`ws://bob:y@${other.name}/`)
    const back = { ...headers, 'x-back': `ws://${server.name}/back` }
    const socket = await connect(`ws://ann:x@${server.name}`, { followRedirects: 2, headers: back, origin: 'o' })
    expect(sent(other.heads[0])).toEqual([undefined, undefined, undefined, other.name, 'kept', 'o'])
    expect(sent(server.heads[1])).toEqual([undefined, undefined, undefined, server.name, 'kept', 'o'])
    socket.terminate()
  })

  test('of the URL go to no other host', async () => {
    const server = await answeringServer((head, index) =>
      index === 0 ? redirect(`ws://localhost:${header(head, 'Host')[0]?.split(':')[1]}/`) : switching(head),
    )
    const socket = await connect(`ws://ann:x@${server.name}`, { followRedirects: 1 })
    expect(header(server.heads[1] ?? '', 'Authorization')).toEqual([])
    socket.terminate()
  })

  test('of TLS go to no other origin', async () => {
    const seen: unknown[] = []
    const servers = await Promise.all(
      [0, 1].map((index) =>
        rawServer(
          async (socket) => {
            const { getPeerCertificate, servername } = socket as TLSSocket
            seen.push([getPeerCertificate.call(socket).subject?.CN, servername])
            const head = await readHead(socket)
            socket.write(index === 0 ? redirect(`wss://127.0.0.1:${servers[1]?.port}/`) : switching(head))
          },
          { tls: { ...serverTls, ca, requestCert: true, rejectUnauthorized: false } },
        ),
      ),
    )
    const own = { cert: fixture('client.crt'), key: fixture('client.key'), servername: 'localhost' }
    const socket = await connect(`wss://${servers[0]?.name}`, { followRedirects: 1, tls: { ca, ...own } })
    expect(seen).toEqual([
      ['heartwire test client', 'localhost'],
      [undefined, false],
    ])
    socket.terminate()
  })
})

describe('not followed', () => {
  test('by default', async () => {
    const server = await redirecting('https://other.example/x')
    expect(await refusalOf(connect(`ws://${server.name}`))).toEqual({
      code: 'UNEXPECTED_STATUS',
      message: `The server answered 302 Found ${RULE} It points to "https://other.example/x"; redirects are followed if the option followRedirects says how many.`,
      status: 302,
      headers: { 'content-length': '10', location: 'https://other.example/x' },
      body: 'Elsewhere.',
    })
    await server.gone(0)
  })

  test('more often than is allowed', async () => {
    const server = await redirecting('/1', '/2', '/3')
    expect(await refusalOf(connect(`ws://${server.name}`, { followRedirects: 2 }))).toEqual({
      code: 'TOO_MANY_REDIRECTS',
      message: `2 redirects were followed (followRedirects), and the server answered 302 Found once more: "Elsewhere." It points to "ws://${server.name}/3".`,
      status: 302,
      headers: { 'content-length': '10', location: '/3' },
      body: 'Elsewhere.',
    })
    expect(server.heads).toHaveLength(3)
    await server.gone(2)
  })

  test.each([
    ['ftp://x/', '"ftp://x/", which is not the URL of a WebSocket.'],
    ['ws+unix:/run/docker.sock', '"ws+unix:/run/docker.sock", which is not the URL of a WebSocket.'],
    ['http://', '"http://", which is not a URL.'],
    ['http://u:secret@x:99999/', '"http://***@x:99999/", which is not a URL.'],
  ])('to %s', async (location, message) => {
    const server = await redirecting(location)
    expect(await refusalOf(connect(`ws://${server.name}`, { followRedirects: 1 }))).toMatchObject({
      code: 'UNEXPECTED_STATUS',
      message: `The server answered 302 Found ${RULE} It points to ${message}`,
    })
  })

  test.each(['ws', 'http'])('from wss: to %s:', async (scheme) => {
    const server = await answeringServer(redirect(`${scheme}://localhost/`), { tls: serverTls })
    expect(
      await refusalOf(connect(`wss://localhost:${server.port}`, { followRedirects: 1, tls: { ca } })),
    ).toMatchObject({
      code: 'UNEXPECTED_STATUS',
      message: `The server answered 302 Found ${RULE} It points to "${scheme}://localhost/", which is not followed, as it leads out of TLS.`,
    })
  })

  test('with a status that is no redirect', async () => {
    const server = await answeringServer(redirect('/x', '300 Multiple Choices', ''))
    expect(await refusalOf(connect(`ws://${server.name}`, { followRedirects: 1 }))).toMatchObject({
      message: 'The server answered 300 Redirection where a WebSocket handshake is answered with 101.',
    })
  })
})
