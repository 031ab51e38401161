import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ArgumentError } from '../../src/protocol/error.ts'
import { compileOriginRule } from '../../src/server/origin.ts'

describe("'same'", () => {
  const check = compileOriginRule('same')

  test.each([
    ['https://example.com', 'example.com'],
    ['https://example.com', 'example.com:443'],
    ['https://example.com:443', 'example.com'],
    ['http://example.com', 'example.com:80'],
    ['http://example.com', 'example.com:'],
    ['http://example.com:8080', 'example.com:8080'],
    ['HTTPS://Example.com', 'eXample.COM'],
    ['http://[::1]:3000', '[::1]:3000'],
    ['http://127.0.0.1', '127.0.0.1'],
  ])('%s of %s', (origin, host) => {
    expect(check(origin, host)).toBeUndefined()
  })

  test.each([
    ['https://evil.test', 'example.com'],
    ['https://example.com.evil.test', 'example.com'],
    ['https://evil-example.com', 'example.com'],
    ['https://www.example.com', 'example.com'],
    ['https://example.com:8443', 'example.com'],
    ['https://example.com', 'example.com:80'],
    ['http://example.com', 'example.com:443'],
    ['http://localhost:3000', 'localhost:8080'],
    ['null', 'example.com'],
    ['', 'example.com'],
    ['example.com', 'example.com'],
    ['https://example.com/', 'example.com'],
    ['https://user@example.com', 'example.com'],
    ['https://example.com, https://evil.test', 'example.com'],
    ['capacitor://localhost', 'localhost'],
    ['1http://example.com', 'example.com'],
    ['ht tp://example.com', 'example.com'],
    ['https://example.com', ''],
    ['https://', ''],
  ])('%j is not of %j', (origin, host) => {
    expect(check(origin, host)).toBe(
      `Origin "${origin.replace('user@', '***@')}" is not allowed: it is not the host asked for, "${host}". Add it to the \`origins\` option to allow it.`,
    )
  })

  test('a request without an origin is no page', () => {
    expect(check(undefined, 'example.com')).toBeUndefined()
  })

  test('what is quoted is bounded and escaped', () => {
    expect(check(`http://${'a'.repeat(100)}\n`, 'b\r\n')).toBe(
      `Origin "http://${'a'.repeat(57)}…" (108 characters) is not allowed: it is not the host asked for, "b\\r\\n". Add it to the \`origins\` option to allow it.`,
    )
  })

  test('only the same host and port, whatever else is tried', () => {
    const host = fc.constantFrom('a.com', 'b.com', 'xa.com', 'a.com.b.com', 'a.com@b.com', 'b.com/a.com', 'b.com#a.com')
    const port = fc.constantFrom('', ':80', ':443', ':8080')
    fc.assert(
      fc.property(fc.constantFrom('http', 'https'), host, port, port, (scheme, name, ours, theirs) => {
        const standard = scheme === 'http' ? ':80' : ':443'
        const same = name === 'a.com' && (ours || standard) === (theirs || standard)
        expect(check(`${scheme}://${name}${theirs}`, `a.com${ours}`) === undefined).toBe(same)
      }),
    )
  })
})

test("'any' allows every page", () => {
  const check = compileOriginRule('any')
  for (const origin of [undefined, 'null', 'https://evil.test', 'x'.repeat(16_384)]) {
    expect(check(origin, 'example.com')).toBeUndefined()
  }
})

describe('a list', () => {
  test.each<[string | RegExp, string]>([
    ['https://app.example.com', 'https://app.example.com'],
    ['https://app.example.com', 'https://app.example.com:443'],
    ['https://App.example.com:443', 'https://app.example.com'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['https://*.example.com', 'https://app.example.com'],
    ['https://*.example.com', 'https://a.b.example.com'],
    ['https://*.Example.com:443', 'https://app.example.com'],
    ['https://*.example.com:8443', 'https://app.example.com:8443'],
    ['null', 'null'],
    ['file://', 'file://'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['chrome-extension://abcdef', 'chrome-extension://abcdef'],
    ['same', 'https://example.com'],
    [/https:\/\/(a|ab)\.test/, 'https://ab.test'],
    [/https:\/\/a\.test/giy, 'HTTPS://a.test'],
    [/null/, 'null'],
    [/^https:\/\/a\.test$/m, 'https://a.test'],
  ])('%s matches %s', (entry, origin) => {
    const check = compileOriginRule([entry])
    expect(check(origin, 'example.com')).toBeUndefined()
    expect(check(origin, 'example.com')).toBeUndefined()
  })

  test.each<[string | RegExp, string]>([
    ['https://app.example.com', 'http://app.example.com'],
    ['https://app.example.com', 'https://app.example.com:8443'],
    ['https://app.example.com', 'https://app.example.com.evil.net'],
    ['https://app.example.com', 'https://example.com'],
    ['https://*.example.com', 'https://example.com'],
    ['https://*.example.com', 'https://.example.com'],
    ['https://*.example.com', 'https://evil-example.com'],
    ['https://*.example.com', 'https://example.com.evil.net'],
    ['https://*.example.com', 'https://evil.net/.example.com'],
    ['https://*.example.com', 'https://evil.net@a.example.com'],
    ['https://*.example.com', 'http://app.example.com'],
    ['https://*.example.com', 'https://app.example.com:8443'],
    ['https://*.example.com:8443', 'https://app.example.com'],
    ['https://*.example.com', 'null'],
    ['null', 'nullx'],
    ['null', ''],
    ['file://', 'file:///etc'],
    ['capacitor://localhost', 'capacitor://localhost:1'],
    ['same', 'https://evil.test'],
    [/https:\/\/a\.test/, 'https://a.test.evil.net'],
    [/https:\/\/a\.test/, 'xhttps://a.test'],
    [/https:\/\/a\.test|null/, 'https://a.test.evil.net'],
    [/https:\/\/a\.test/m, 'https://a.test\nx'],
    [/.*/, 'x'.repeat(513)],
  ])('%s does not match %s', (entry, origin) => {
    expect(compileOriginRule([entry])(origin, 'example.com')).toMatch(
      /^Origin ".*".* is not allowed: it matches none of those that are\. Add it to the `origins` option to allow it\.$/,
    )
  })

  test('any entry will do, and none is needed without an origin', () => {
    const check = compileOriginRule(['same', 'https://a.test', /https:\/\/b\.test/])
    for (const origin of [undefined, 'http://example.com', 'https://a.test', 'https://b.test']) {
      expect(check(origin, 'example.com')).toBeUndefined()
    }
    expect(compileOriginRule([])(undefined, 'example.com')).toBeUndefined()
    expect(compileOriginRule([])('http://example.com', 'example.com')).toBe(
      'Origin "http://example.com" is not allowed: it matches none of those that are. Add it to the `origins` option to allow it.',
    )
  })

  const scheme = "an origin has a scheme and a host: 'https://app.example.com'"
  const star = "a star stands for the labels at the front of a host, as in 'https://*.example.com'"
  test.each([
    ['', scheme],
    ['any', scheme],
    ['app.example.com', scheme],
    ['localhost:3000', scheme],
    ['//app.example.com', scheme],
    ['1x://app', scheme],
    ['*', "write origins: 'any' to allow every page"],
    ['https://*', star],
    ['*.example.com', star],
    ['https://a.*.com', star],
    ['https://*.*.com', star],
    ['https://*example.com', star],
    ['https://*.', star],
    ['https://*.[::1]', star],
    ['https://*.example.com/', star],
    ['https://example.com:*', star],
    ['https://app.example.com/', 'an origin ends before the path; write "https://app.example.com"'],
    ['http://localhost:3000/chat', 'an origin ends before the path; write "http://localhost:3000"'],
    ['https://', 'its host or its port cannot be one'],
    ['https:///chat', 'its host or its port cannot be one'],
    ['https://a:99999', 'its host or its port cannot be one'],
    ['https://a:99999/', 'its host or its port cannot be one'],
    ['https://user@a', 'its host or its port cannot be one'],
    ['https://büro.example', 'browsers write a host in ASCII, other letters as xn--'],
    ['file:// ', 'browsers write a host in ASCII, other letters as xn--'],
    ...['wss://a.test', 'wss://*.a.test', 'wss://a.test/'].map((entry): [string, string] => [
      entry,
      `it is compared with the page's origin, not with the server's address; write "${entry.replace('wss', 'https')}"`,
    ]),
    ['ws://a.test', 'it is compared with the page\'s origin, not with the server\'s address; write "http://a.test"'],
  ])('%j is refused', (entry, why) => {
    const shown = entry.replace('ü', '\\xfc').replace('user@', '***@')
    expect(() => compileOriginRule([entry])).toThrow(
      new ArgumentError(`The entry "${shown}" of \`origins\` cannot be used: ${why}.`),
    )
  })

  test.each([
    ['https://a.test', "`origins` is \"https://a.test\": it must be 'same', 'any' or a list of origins."],
    [null, "`origins` is \"null\": it must be 'same', 'any' or a list of origins."],
    [[1], 'An entry of `origins` is of type number: it must be a string or a RegExp.'],
  ])('%j is no rule', (rule, message) => {
    expect(() => compileOriginRule(JSON.parse(JSON.stringify(rule)))).toThrow(new ArgumentError(message))
  })

  test('an entry is taken or refused with ArgumentError, and a check throws nothing', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '.', '*', '://', ':', 'http', '/', '[', ']', '8', 'é') })
    fc.assert(
      fc.property(text, text, text, (entry, origin, host) => {
        try {
          const check = compileOriginRule([entry, 'same'])
          expect(['undefined', 'string']).toContain(typeof check(origin, host))
        } catch (error) {
          expect(error).toBeInstanceOf(ArgumentError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
