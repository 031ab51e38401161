import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Script } from './script.ts'
import type { Stage } from './stage.ts'

/** A server that sends whoever asks on to another place, and writes down which credentials it was given. */
function redirector(stage: Stage, to: (path: string, own: number) => string, status = 302): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer((_request, response) => response.writeHead(426).end())
    server.on('upgrade', (request, socket) => {
      const { authorization, cookie, host } = request.headers
      const own = (server.address() as AddressInfo).port
      stage.note('server', 'redirects', request.url, authorization, cookie, host?.replace(String(own), 'OWN'))
      const location = to(request.url ?? '/', own)
      socket.end(`HTTP/1.1 ${status} Redirect\r\nLocation: ${location}\r\nConnection: close\r\n\r\n`)
    })
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    stage.after(() => server.close())
  })
}

let port = 0

function redirected(
  name: string,
  to: (path: string, own: number, stage: Stage) => string,
  more: Partial<Script> = {},
  credentials = '',
): Script {
  return {
    name,
    clientOptions: {
      followRedirects: true,
      headers: { Authorization: 'Bearer secret', Cookie: 'a=b', Host: 'named.example' },
    },
    setUp: async (stage) => {
      port = await redirector(stage, (path, own) => to(path, own, stage))
    },
    url: () => `ws://${credentials}127.0.0.1:${port}/first`,
    server: (ws, stage, request) => {
      const { authorization, cookie, host } = request.headers
      stage.note('server', 'asked', request.url, authorization, cookie, host)
      ws.close()
    },
    client: (ws, stage) => {
      ws.on('open', () => stage.note('client', ws.url))
    },
    ...more,
  }
}

/** Redirects, and what is confided to whom on the way. */
export const REDIRECTS: Script[] = [
  redirected('to another port, which is another host', (_path, _own, stage) => `ws://127.0.0.1:${stage.port}/second`),
  redirected('to an http: address', (_path, _own, stage) => `http://127.0.0.1:${stage.port}/second`),
  redirected('twice, within the same host first', (path, _own, stage) =>
    path === '/first' ? '/again' : `ws://127.0.0.1:${stage.port}/third`,
  ),
  redirected(
    'with credentials in the address',
    (path, _own, stage) => (path === '/first' ? '/again' : `ws://127.0.0.1:${stage.port}/third`),
    { clientOptions: { followRedirects: true } },
    'user:pass@',
  ),
  redirected(
    'with a listener for redirect nothing is left out',
    (_path, _own, stage) => `ws://127.0.0.1:${stage.port}/x`,
    {
      client: (ws, stage) => {
        ws.on('redirect', (url: string, request) => {
          stage.note('client', 'redirect', url, request.getHeader('authorization'), `state=${ws.readyState}`)
        })
      },
    },
  ),
  redirected('the listener for redirect takes headers off', (_path, _own, stage) => `ws://127.0.0.1:${stage.port}/x`, {
    client: (ws) => {
      ws.on('redirect', (_url: string, request) => {
        request.removeHeader('authorization')
        request.removeHeader('cookie')
      })
    },
  }),
  redirected('too many', () => '/again', { clientOptions: { followRedirects: true, maxRedirects: 3 }, refused: true }),
  redirected('the default for too many', () => '/again', { clientOptions: { followRedirects: true }, refused: true }),
  redirected('to a fragment', () => '/x#fragment', { refused: true }),
  redirected('to another scheme', () => 'ftp://127.0.0.1/', { refused: true }),
  redirected('to no address', () => 'ws://[', { refused: true }),
  redirected('not followed', () => '/again', { clientOptions: {}, refused: true }),
  redirected('the listener for redirect closes', (_path, _own, stage) => `ws://127.0.0.1:${stage.port}/x`, {
    refused: true,
    client: (ws) => void ws.on('redirect', () => ws.close()),
    ignore: 'server',
  }),
]
