import { describe, expect, test } from 'vitest'
import { isSecretName, redact, redactHeaders } from '../../src/protocol/redact.ts'

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl'

describe('redact', () => {
  test.each([
    // URLs
    ['wss://ann:pw@example.com/chat', 'wss://***@example.com/chat'],
    ['http://ann@example.com', 'http://***@example.com'],
    ['ws://example.com/chat?room=1&key=abc', 'ws://example.com/chat?***'],
    ['GET /chat?abc HTTP/1.1', 'GET /chat?*** HTTP/1.1'],
    ['"/chat?filter[a]=(b)" was asked for', '"/chat?***" was asked for'],
    ['/callback#access_token=abc&state=1', '/callback#access_token=***&state=1'],
    // Headers
    ['Authorization: Digest username="ann", response="abc"', 'Authorization: ***'],
    ['Proxy-Authorization: Basic YW5uOnB3', 'Proxy-Authorization: ***'],
    ['Cookie: a=1; b=2\r\nHost: example.com', 'Cookie: ***\r\nHost: example.com'],
    ['set-cookie: sid=abc; Path=/; HttpOnly', 'set-cookie: ***'],
    ['X-Api-Key: abc', 'X-Api-Key: ***'],
    // Tokens
    ['it answered Bearer abc.def, which is old', 'it answered Bearer ***, which is old'],
    ['the bearer token has expired', 'the bearer token has expired'],
    ['Basic YW5uOnB3', 'Basic ***'],
    ['Basic authentication is needed', 'Basic authentication is needed'],
    ['Bearer realm="x"', 'Bearer realm="x"'],
    ['chat, base64url.bearer.authorization.example.abc', 'chat, base64url.bearer.***'],
    [`a ${jwt} b`, 'a *** b'],
    [`${jwt.slice(0, 30)}`, '***'],
    // Names and values
    ['password=abc', 'password=***'],
    ['user=ann;token=abc;x=1', 'user=ann;token=***;x=1'],
    ['note: password=abc', 'note: password=***'],
    ['api key: abc, then more', 'api key: ***, then more'],
    ['SECRET = abc', 'SECRET = ***'],
    ['connect.sid=s%3Aabc', 'connect.sid=***'],
    ['{"user":"ann","password":"a\\"b c"}', '{"user":"ann","password":***}'],
    ['{"note":"token=abc"}', '{"note":"token=***"}'],
    ['{"access_token": 123, "n": 1}', '{"access_token": ***, "n": 1}'],
    ['{"password":"cut o', '{"password":***'],
    ['{"session":{"id":"a}","of":[1,{"x":2}]},"n":1}', '{"session":***,"n":1}'],
    ['{"tokens":["a","b"],"n":1}', '{"tokens":***,"n":1}'],
    ['{"tokens":["a","b', '{"tokens":***'],
    ['"{\\"apiKey\\":\\"abc\\"}"', '"{\\"apiKey\\":***'],
    ["{ user: 'ann', sessionId: 'abc' }", "{ user: 'ann', sessionId: *** }"],
    // What is none
    ['hello, how are you? fine', 'hello, how are you? fine'],
    ['the client closed the connection: 1000', 'the client closed the connection: 1000'],
    ['author: ann, session', 'author: ann, session'],
    ['The subprotocol "a b" is not a token (RFC 6455).', 'The subprotocol "a b" is not a token (RFC 6455).'],
    ['token: ', 'token: '],
    ['', ''],
  ])('%j', (text, expected) => {
    expect(redact(text)).toBe(expected)
  })

  test('a value is gone wherever its text is cut off', () => {
    const texts = [
      `{"password":"SSSSSSSS"}`,
      `Authorization: Bearer SSSSSSSS`,
      `/a?b=SSSSSSSS`,
      `{"token":["SSSSSSSS"]}`,
    ]
    for (const text of texts) {
      for (let end = 0; end <= text.length; end++) expect(redact(text.slice(0, end))).not.toContain('S')
    }
  })

  // One that took time in proportion to the square of its length would not be done in the time of a test.
  test.each([
    '/',
    '//',
    '//a',
    '?',
    'eyJ',
    'eyJabcdefgh',
    'a',
    'token',
    'token=',
    'token={',
    'token="',
    '\\',
    '\\"',
    ' ',
    'bearer ',
    'cookie:',
    'authorization',
    'a:',
    'api ',
    '{',
    '[',
    "'",
    'token=[{"',
    '\n',
  ])('a long text of nothing but %j is no work', (piece) => {
    redact(piece.repeat(1_000_000 / piece.length))
  })
})

test.each([
  ['cookie', true],
  ['x-api-key', true],
  ['sec-websocket-key', false],
  ['x-auth', true],
  ['author', false],
  ['idToken', true],
])('a value by the name %s is secret: %s', (name, secret) => {
  expect(isSecretName(name)).toBe(secret)
})

test('headers are redacted by their names, and by what they say', () => {
  expect(
    redactHeaders({
      host: 'example.com',
      cookie: 'a=1',
      'x-auth-token': 'abc',
      'set-cookie': ['a=1', 'b=2'],
      referer: 'http://example.com/?a=1',
      'sec-websocket-protocol': `chat, ${jwt}`,
      location: undefined,
    }),
  ).toEqual({
    host: 'example.com',
    cookie: '***',
    'x-auth-token': '***',
    'set-cookie': ['***', '***'],
    referer: 'http://example.com/?***',
    'sec-websocket-protocol': 'chat, ***',
  })
})
