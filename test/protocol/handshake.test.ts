import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { HandshakeError } from '../../src/protocol/error.ts'
import * as handshake from '../../src/protocol/handshake.ts'
import { countingPlatform, thrownBy } from './handshake-platform.ts'

const { checkUpgradeRequest, checkUpgradeResponse, HeaderFields, refusalResponse, requestHeaders, responseHead } =
  handshake

test('one module has the handshake of both roles', () => {
  expect(Object.keys(handshake).sort()).toEqual([
    'HeaderFields',
    'acceptKey',
    'checkChosenSubprotocol',
    'checkSubprotocols',
    'checkUpgradeRequest',
    'checkUpgradeResponse',
    'chooseSubprotocol',
    'createKey',
    'reasonPhrase',
    'refusalResponse',
    'requestHeaderLines',
    'requestHeaders',
    'responseHead',
  ])
})

describe("with Node's HTTP on both ends", () => {
  const server = createServer()
  let port: number

  beforeEach(async () => {
    server.removeAllListeners('upgrade')
    server.on('upgrade', (request, socket) => {
      socket.resume().on('end', () => socket.end())
      socket.on('error', () => socket.destroy())
      try {
        const offer = checkUpgradeRequest({
          method: request.method ?? '',
          httpVersion: request.httpVersion,
          headers: HeaderFields.fromRaw(request.rawHeaders),
        })
        socket.write(responseHead({ key: offer.key, protocol: offer.protocols.at(-1) }, countingPlatform))
      } catch (error) {
        if (!(error instanceof HandshakeError)) throw error
        const { status = 500, message, headers } = error
        socket.end(refusalResponse({ status, reason: message, headers }, countingPlatform))
      }
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
  })

  afterEach(() => once(server.close(), 'close'))

  test('ws connects', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, ['a', 'b'])
    await once(socket, 'open')
    expect(socket.protocol).toBe('b')
    socket.terminate()
    await once(socket, 'close')
  })

  test('a refusal is a response that an HTTP client reads to its end', async () => {
    const request = get({ host: '127.0.0.1', port, headers: { Connection: 'Upgrade', Upgrade: 'h2c' } })
    const [response]: IncomingMessage[] = await once(request, 'response')
    expect(await text(response!)).toBe('The Upgrade header "h2c" does not name "websocket" (RFC 6455 section 4.2.1).\n')
    expect({ ...response!.headers, status: response!.statusCode }).toEqual({
      status: 426,
      connection: 'close, Upgrade',
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '77',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
    })
  })

  test('a client checks the answer that it gets', async () => {
    const offer = { key: handshake.createKey(countingPlatform), protocols: ['chat'] }
    const request = get({ host: '127.0.0.1', port, headers: Object.fromEntries(requestHeaders(offer)) })
    const [response, socket] = await once(request, 'upgrade')
    const answer = { status: response.statusCode, headers: HeaderFields.fromRaw(response.rawHeaders) }
    expect(checkUpgradeResponse(answer, offer, countingPlatform)).toEqual({ protocol: 'chat', extensions: [] })
    const other = { ...offer, key: 'dGhlIHNhbXBsZSBub25jZQ==' }
    expect(thrownBy(() => checkUpgradeResponse(answer, other, countingPlatform))).toMatchObject({
      code: 'BAD_RESPONSE',
      headers: { 'sec-websocket-protocol': 'chat' },
    })
    socket.destroy()
  })
})
