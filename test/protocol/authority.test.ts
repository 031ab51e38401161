import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAuthority } from '../../src/protocol/authority.ts'

test.each([
  ['example.com', { host: 'example.com', port: undefined }],
  ['Example.COM:8080', { host: 'example.com', port: 8080 }],
  ['example.com:', { host: 'example.com', port: undefined }],
  ['localhost:0', { host: 'localhost', port: 0 }],
  ['127.0.0.1:65535', { host: '127.0.0.1', port: 65_535 }],
  ['my_service.internal', { host: 'my_service.internal', port: undefined }],
  ['[::1]', { host: '[::1]', port: undefined }],
  ['[FE80::A]:443', { host: '[fe80::a]', port: 443 }],
  ['[::ffff:1.2.3.4]:', { host: '[::ffff:1.2.3.4]', port: undefined }],
])('%s', (text, expected) => {
  expect(parseAuthority(text)).toEqual(expected)
})

test.each([
  '',
  ':80',
  'a b',
  'a,b',
  'user@example.com',
  'example.com/path',
  'example.com?',
  'ex%61mple.com',
  'example.com:80:80',
  'example.com:+80',
  'example.com: 80',
  'example.com:65536',
  'example.com:000080',
  '::1',
  '[]',
  '[::1',
  '[::1]80',
  '[::g]',
  '[[::1]]',
  'bücher.example',
])('%j is none', (text) => {
  expect(parseAuthority(text)).toBeUndefined()
})

test('whatever is taken apart can be put together again', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'aB1.-_:[]@/ %'), maxLength: 12 }), (text) => {
      const authority = parseAuthority(text)
      fc.pre(authority !== undefined)
      const port = authority.port === undefined ? '' : `:${authority.port}`
      expect(parseAuthority(authority.host + port)).toEqual(authority)
    }),
  )
})

test('16 KiB of one character', () => {
  expect(parseAuthority(':'.repeat(16_384))).toBeUndefined()
  expect(parseAuthority('a'.repeat(16_384))).toEqual({ host: 'a'.repeat(16_384), port: undefined })
  expect(parseAuthority(`${'a'.repeat(16_384)}!`)).toBeUndefined()
  expect(parseAuthority('['.repeat(16_384))).toBeUndefined()
})
