/** Handshakes that a server has to refuse, each with the status that it has to refuse it with. */
import { connect } from 'node:net'
import type { Random } from '../support/random.ts'
import { type Crowd, within } from './client.ts'

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket'

const REFUSALS = {
  hook: {
    request: `GET /refused HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\nSec-WebSocket-Version: 13\r\n${KEY}\r\n\r\n`,
    status: '403',
  },
  version: {
    request: `GET /echo HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\nSec-WebSocket-Version: 12\r\n${KEY}\r\n\r\n`,
    status: '426',
  },
  key: { request: `GET /echo HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\nSec-WebSocket-Version: 13\r\n\r\n`, status: '400' },
  origin: {
    request: `GET /echo HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n${UPGRADE}\r\nSec-WebSocket-Version: 13\r\n${KEY}\r\n\r\n`,
    status: '403',
  },
  path: {
    request: `GET /nowhere HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\nSec-WebSocket-Version: 13\r\n${KEY}\r\n\r\n`,
    status: '404',
  },
  http: { request: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', status: '426' },
  noise: { request: '\x16\x03\x01\x02\x00\r\n\r\n', status: '400' },
  /** Goes away in the middle. */
  half: { request: `GET /echo HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\n`, status: '' },
}

/** One handshake that comes to nothing. */
export async function refused({ port, tally }: Crowd, random: Random): Promise<void> {
  const kind = random.pick({ hook: 4, version: 1, key: 1, origin: 2, path: 1, http: 1, noise: 1, half: 2 })
  const { request, status } = REFUSALS[kind]
  const stream = connect(port, '127.0.0.1')
  let answer = ''
  const closed = new Promise<true>((resolve) => stream.on('error', () => {}).once('close', () => resolve(true)))
  stream.setEncoding('latin1').on('data', (text: string) => {
    answer += text
  })
  stream.write(request, () => status === '' && stream.resetAndDestroy())
  if ((await within(closed)) !== true) stream.destroy()
  const found = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? ''
  if (found === status) tally.refused++
  else tally.wrong(`a handshake that is to be refused (${kind}) was answered "${found}", not "${status}"`)
}
