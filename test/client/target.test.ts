import { ArgumentError } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { parseTarget, quoteUrl } from '../../src/client/target.ts'

/** What of a target differs from one URL to another. */
function parsed(url: string | URL, socketPath?: string) {
  const { url: normalized, ...target } = parseTarget(url, socketPath)
  return { ...target, href: normalized.href }
}

const local = {
  secure: false,
  host: 'localhost',
  port: 80,
  socketPath: undefined,
  path: '/',
  authority: 'localhost',
  name: 'localhost:80',
  authorization: undefined,
  href: 'ws://localhost/',
}

describe('a URL', () => {
  test.each<[string, Partial<typeof local> | Record<string, unknown>]>([
    ['ws://localhost', {}],
    ['WS://LOCALHOST:80/', {}],
    ['http://localhost', {}],
    [
      'ws://localhost:8080',
      { port: 8080, authority: 'localhost:8080', name: 'localhost:8080', href: 'ws://localhost:8080/' },
    ],
    ['wss://localhost', { secure: true, port: 443, name: 'localhost:443', href: 'wss://localhost/' }],
    ['https://localhost:443', { secure: true, port: 443, name: 'localhost:443', href: 'wss://localhost/' }],
    [
      'ws://localhost:443',
      { port: 443, authority: 'localhost:443', name: 'localhost:443', href: 'ws://localhost:443/' },
    ],
    ['http://localhost/a b?c=d e', { path: '/a%20b?c=d%20e', href: 'ws://localhost/a%20b?c=d%20e' }],
    ['ws://[::1]:81/', { host: '::1', port: 81, authority: '[::1]:81', name: '[::1]:81', href: 'ws://[::1]:81/' }],
    [
      'ws://bücher.example',
      {
        host: 'xn--bcher-kva.example',
        authority: 'xn--bcher-kva.example',
        name: 'xn--bcher-kva.example:80',
        href: 'ws://xn--bcher-kva.example/',
      },
    ],
    ['ws://ann:s%3Acret@localhost', { authorization: `Basic ${btoa('ann:s:cret')}` }],
    ['ws://ann@localhost', { authorization: `Basic ${btoa('ann:')}` }],
    ['ws+unix:/run/a.sock', { socketPath: '/run/a.sock', name: '/run/a.sock' }],
    ['ws+unix:///run/a.sock', { socketPath: '/run/a.sock', name: '/run/a.sock' }],
    [
      'ws+unix:/run/a.sock:/chat?room=1',
      { socketPath: '/run/a.sock', name: '/run/a.sock', path: '/chat?room=1', href: 'ws://localhost/chat?room=1' },
    ],
    ['ws+unix:/run/my%20own.sock', { socketPath: '/run/my own.sock', name: '/run/my own.sock' }],
    ['ws+unix:./a.sock:/x', { socketPath: './a.sock', name: './a.sock', path: '/x', href: 'ws://localhost/x' }],
    ['wss+unix:/a.sock', { secure: true, port: 443, socketPath: '/a.sock', name: '/a.sock', href: 'wss://localhost/' }],
  ])('%s', (url, expected) => {
    expect(parsed(url)).toEqual({ ...local, ...expected })
    expect(parsed(new URL(url))).toEqual({ ...local, ...expected })
  })

  test('with a Unix socket beside it', () => {
    expect(parsed('ws://localhost', '/a.sock')).toEqual({ ...local, socketPath: '/a.sock', name: '/a.sock' })
    expect(() => parseTarget('ws+unix:/b.sock', '/a.sock')).toThrow(
      new ArgumentError('The URL "ws+unix:/b.sock" names a Unix socket, and so does the option socketPath.'),
    )
  })

  test.each([
    ['', '"" is not a URL.'],
    ['/chat', '"/chat" is not a URL.'],
    ['ws://', '"ws://" is not a URL.'],
    ['ws://localhost:70000', '"ws://localhost:70000" is not a URL.'],
    ['ws://ann:secret@', '"ws://***@" is not a URL.'],
    [
      'localhost:8080',
      'The URL "localhost:8080" is not one of a WebSocket: its scheme is "localhost:", not "ws:" or "wss:".',
    ],
    [
      'ftp://ann:secret@x/',
      'The URL "ftp://***@x/" is not one of a WebSocket: its scheme is "ftp:", not "ws:" or "wss:".',
    ],
    ['ws://x/#top', 'The URL "ws://x/#***" has a fragment, which one of a WebSocket cannot have (RFC 6455 section 3).'],
    ['ws://x/#', 'The URL "ws://x/#" has a fragment, which one of a WebSocket cannot have (RFC 6455 section 3).'],
    ['ws://%zz:a@x/', '"ws://***@x/" has a percent sign that encodes nothing.'],
    ['ws+unix:', 'The URL "ws+unix:" does not name a Unix socket, as "ws+unix:/path/to.sock:/path" does.'],
    [
      'ws+unix://host/a.sock',
      'The URL "ws+unix://host/a.sock" does not name a Unix socket, as "ws+unix:/path/to.sock:/path" does.',
    ],
    [
      'ws+unix:/a.sock:chat',
      'The URL "ws+unix:/a.sock:chat" does not name a Unix socket, as "ws+unix:/path/to.sock:/path" does.',
    ],
  ])('%j is refused', (url, message) => {
    expect(() => parseTarget(url)).toThrow(ArgumentError)
    expect(() => parseTarget(url)).toThrow(
      new ArgumentError(message.startsWith('"ws://***@x') ? `The URL ${message}` : message),
    )
  })
})

test.each([
  ['ws://example.com:8080/chat', '"ws://example.com:8080/chat"'],
  ['ws://example.com/@ann', '"ws://example.com/@ann"'],
  ['wss://ann:secret@example.com/chat?secret#secret', '"wss://***@example.com/chat?***"'],
  ['ws:ann:secret@example.com', '"ws:***@example.com"'],
  [' ws:\\\\ann:secret@example.com', '" ws:\\\\\\\\***@example.com"'],
  ['ann:secret@proxy.example.com', '"ann:***@proxy.example.com"'],
  // Not URLs.
  ['ws://ann:sec/ret@example.com', '"ws://***@example.com"'],
  ['ws://ann:sec?ret@example.com:x', '"ws://***@example.com:x"'],
  ['ws://[?secret', '"ws://[?***"'],
])('a URL in a sentence keeps its secrets: %j', (url, shown) => {
  expect(quoteUrl(url)).toBe(shown)
})
