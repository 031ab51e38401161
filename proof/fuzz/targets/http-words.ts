import fc from 'fast-check'
import { bytesOf, words } from '../target.ts'

/** The example of RFC 6455 section 1.3. */
export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

export const HTTP_WORDS = words(
  '\r\n',
  '\r\n\r\n',
  'Host: a.example:8080\r\n',
  'Upgrade: websocket\r\n',
  'Connection: keep-alive, Upgrade\r\n',
  `Sec-WebSocket-Key: ${KEY}\r\n`,
  `Sec-WebSocket-Accept: ${ACCEPT}\r\n`,
  'Sec-WebSocket-Version: 13\r\n',
  'Sec-WebSocket-Protocol: chat\r\n',
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n',
  'Origin: https://a.example\r\n',
  'X-Forwarded-For: 10.0.0.1, [::1]:80\r\n',
  'X-Forwarded-Host: b.example\r\n',
  'Forwarded: for="[2001:db8::1]:80";proto=https;host=b.example\r\n',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Expect: 100-continue\r\n',
  'Cookie: a=b\r\n',
  'HTTP/1.0',
  'HTTP/1.1',
  '\x81\x85\x00\x00\x00\x00hello',
  '\x88\x80\x00\x00\x00\x00',
)

/** Values of headers: what their grammars know, in any order, and some that are whole. */
export const headerValue = fc.oneof(
  fc.constantFrom(
    'websocket',
    'Upgrade',
    '13',
    KEY,
    ACCEPT,
    'chat, v2',
    'server.example',
    'https://server.example',
    '0',
  ),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(
          ',',
          ';',
          '=',
          '"',
          '\\',
          ' ',
          '\t',
          ':',
          '[',
          ']',
          '/',
          '.',
          '*',
          '@',
          '?',
          '#',
          '%',
          '-',
          '_',
        ),
        fc.constantFrom(
          'chat',
          'permessage-deflate',
          'for',
          'proto',
          'host',
          '::1',
          '10.0.0.1',
          '80',
          '65536',
          'https://',
        ),
        fc.constantFrom('a', 'b.example', 'x-y', 'W', '00', 'eyJhbGciOiJ', 'token', 'Basic'),
        fc.nat(255).map((byte) => String.fromCharCode(byte)),
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
)

const NAMES = [
  'Host',
  'Upgrade',
  'Connection',
  'Sec-WebSocket-Key',
  'Sec-WebSocket-Version',
  'Sec-WebSocket-Protocol',
  'Sec-WebSocket-Extensions',
  'Sec-WebSocket-Accept',
  'Origin',
  'Forwarded',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'Content-Length',
  'Transfer-Encoding',
  'Content-Type',
  'Location',
  'Set-Cookie',
]

/** Header lines: the ones given, some of them changed, left out or followed by others. */
export function headerSection(usual: Readonly<Record<string, string>>): fc.Arbitrary<string> {
  const line = fc.tuple(fc.constantFrom(...NAMES), headerValue)
  const lines = Object.entries(usual).map((own) =>
    fc.oneof({ weight: 9, arbitrary: fc.constant([own]) }, { weight: 1, arbitrary: fc.array(line, { maxLength: 2 }) }),
  )
  return fc
    .tuple(fc.tuple(...lines), fc.array(line, { maxLength: 3 }))
    .map(([own, more]) => [...own.flat(), ...more].map(([name, value]) => `${name}: ${value}\r\n`).join(''))
}

/** A head, and perhaps frames behind it. */
export function withBody(flags: fc.Arbitrary<number>, head: fc.Arbitrary<string>, masked: boolean) {
  const ping = masked ? '\x89\x80\x00\x00\x00\x00' : '\x89\x00'
  const hello = masked ? '\x81\x82\x00\x00\x00\x00hi' : '\x81\x02hi'
  const body = fc.constantFrom('', '', ping, hello, `${hello}${ping}`, 'body\n', '5\r\nchunk\r\n0\r\n\r\n')
  return fc
    .tuple(flags, head, body)
    .map(([flag, text, rest]) => Uint8Array.from([flag, ...bytesOf(`${text}\r\n${rest}`)]))
}
