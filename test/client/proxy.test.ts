import { ArgumentError } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { isExempt, proxyFor } from '../../src/client/proxy.ts'
import { parseTarget } from '../../src/client/target.ts'

const plain = parseTarget('ws://chat.example')
const secure = parseTarget('wss://chat.example')

describe('the option', () => {
  test.each<[string, object]>([
    ['http://proxy.example', { secure: false, host: 'proxy.example', port: 80, name: 'proxy.example:80 (the proxy)' }],
    [
      'https://proxy.example',
      { secure: true, host: 'proxy.example', port: 443, name: 'proxy.example:443 (the proxy)' },
    ],
    ['http://[::1]:3128/', { secure: false, host: '::1', port: 3128, name: '[::1]:3128 (the proxy)' }],
    ['127.0.0.1:3128', { secure: false, host: '127.0.0.1', port: 3128, name: '127.0.0.1:3128 (the proxy)' }],
    [
      'proxy.example:3128',
      { secure: false, host: 'proxy.example', port: 3128, name: 'proxy.example:3128 (the proxy)' },
    ],
  ])('%s', (url, expected) => {
    expect(proxyFor(plain, url, {})).toEqual({ ...expected, authorization: undefined })
  })

  test('with user name and password', () => {
    const proxy = proxyFor(plain, new URL('http://ann:s%40cret@proxy.example'), {})
    expect(proxy).toEqual({
      secure: false,
      host: 'proxy.example',
      port: 80,
      name: 'proxy.example:80 (the proxy)',
      authorization: `Basic ${btoa('ann:s@cret')}`,
    })
  })

  test('is stronger than the environment', () => {
    const env = { HTTP_PROXY: 'http://other.example', NO_PROXY: '*' }
    expect(proxyFor(plain, false, env)).toBe(undefined)
    expect(proxyFor(plain, 'http://proxy.example', env)?.host).toBe('proxy.example')
  })

  test.each([
    [
      'socks5://ann:secret@x',
      '"socks5://***@x", the proxy, cannot be used: its scheme is "socks5:", not "http:" or "https:". Other ways can be opened by createConnection.',
    ],
    ['http://', '"http://", the proxy, is not a URL.'],
    ['', '"", the proxy, is not a URL.'],
  ])('%j is refused', (url, message) => {
    expect(() => proxyFor(plain, url, {})).toThrow(new ArgumentError(message))
  })
})

describe('the environment', () => {
  test.each<[Record<string, string>, string | undefined, string | undefined]>([
    [{}, undefined, undefined],
    [{ HTTP_PROXY: 'a' }, 'a:80 (the proxy in HTTP_PROXY)', undefined],
    [{ HTTPS_PROXY: 'a' }, undefined, 'a:80 (the proxy in HTTPS_PROXY)'],
    [
      { http_proxy: 'a', https_proxy: 'https://b' },
      'a:80 (the proxy in http_proxy)',
      'b:443 (the proxy in https_proxy)',
    ],
    [{ http_proxy: 'a', HTTP_PROXY: 'b' }, 'a:80 (the proxy in http_proxy)', undefined],
    [{ http_proxy: '', HTTP_PROXY: 'b' }, 'b:80 (the proxy in HTTP_PROXY)', undefined],
    // A CGI program's environment has the request's header "Proxy" in HTTP_PROXY.
    [{ HTTP_PROXY: 'a', HTTPS_PROXY: 'b', REQUEST_METHOD: 'GET' }, undefined, 'b:80 (the proxy in HTTPS_PROXY)'],
    [{ HTTP_PROXY: 'a', HTTPS_PROXY: 'b', NO_PROXY: 'chat.example' }, undefined, undefined],
    [{ HTTP_PROXY: 'a', HTTPS_PROXY: 'b', no_proxy: 'chat.example:443' }, 'a:80 (the proxy in HTTP_PROXY)', undefined],
    [{ HTTP_PROXY: 'a', no_proxy: 'x', NO_PROXY: 'chat.example' }, 'a:80 (the proxy in HTTP_PROXY)', undefined],
    [{ HTTP_PROXY: 'a', no_proxy: '', NO_PROXY: 'chat.example' }, undefined, undefined],
  ])('%j', (env, forPlain, forSecure) => {
    expect(proxyFor(plain, undefined, env)?.name).toBe(forPlain)
    expect(proxyFor(secure, undefined, env)?.name).toBe(forSecure)
  })

  test('names the variable that is wrong', () => {
    expect(() => proxyFor(secure, undefined, { https_proxy: 'socks4://x' })).toThrow(
      new ArgumentError(
        '"socks4://x", the proxy in https_proxy, cannot be used: its scheme is "socks4:", not "http:" or "https:". Other ways can be opened by createConnection.',
      ),
    )
  })
})

describe('no_proxy', () => {
  test.each<[string, string, boolean]>([
    ['', 'ws://a.example', false],
    ['*', 'ws://a.example', true],
    ['a.example', 'ws://a.example', true],
    ['A.Example', 'ws://a.EXAMPLE', true],
    ['a.example', 'ws://b.example', false],
    ['a.example', 'ws://x.a.example', true],
    ['a.example', 'ws://xa.example', false],
    ['.a.example', 'ws://x.a.example', true],
    ['.a.example', 'ws://a.example', true],
    ['.a.example', 'ws://xa.example', false],
    ['*.a.example', 'ws://x.y.a.example', true],
    ['a.example.', 'ws://a.example', true],
    ['a.example', 'ws://a.example.', true],
    ['.', 'ws://a.example', false],
    ['b.example, a.example', 'ws://a.example', true],
    ['b.example a.example', 'ws://a.example', true],
    [',,a.example,', 'ws://a.example', true],
    ['a.example:80', 'ws://a.example', true],
    ['a.example:80', 'wss://a.example', false],
    ['a.example:8080', 'ws://a.example:8080', true],
    ['.a.example:8080', 'ws://x.a.example:8080', true],
    ['a.example:8080', 'ws://a.example:8081', false],
    ['a.example:http', 'ws://a.example', false],
    ['127.0.0.1', 'ws://127.0.0.1', true],
    ['127.0.0.1', 'ws://127.1', true],
    ['127.0.0.1:81', 'ws://127.0.0.1', false],
    ['127.0.0.1:81', 'ws://127.0.0.1:81', true],
    ['0.0.1', 'ws://127.0.0.1', false],
    ['10.0.0.0/8', 'ws://10.200.3.4', true],
    ['10.0.0.0/8', 'ws://11.0.0.1', false],
    ['10.0.0.0/33', 'ws://10.0.0.0', false],
    ['10.0.0.0/x', 'ws://10.0.0.0', false],
    ['10.0.0.0/8/8', 'ws://10.0.0.0', false],
    ['0.0.0.0/0', 'ws://10.0.0.0', true],
    ['0.0.0.0/0', 'ws://[::1]', false],
    ['::1', 'ws://[::1]', true],
    ['::1', 'ws://[::2]', false],
    ['[::1]', 'ws://[::1]', true],
    ['[::1]:81', 'ws://[::1]:81', true],
    ['[::1]:81', 'ws://[::1]:82', false],
    ['0:0:0:0:0:0:0:1', 'ws://[::1]', true],
    ['fe80::/10', 'ws://[fe90::1]', true],
    ['fe80::/10', 'ws://[ff00::1]', false],
    ['localhost', 'ws://127.0.0.1', false],
  ])('%j and %s: %s', (list, url, exempt) => {
    expect(isExempt(parseTarget(url), list)).toBe(exempt)
  })
})
