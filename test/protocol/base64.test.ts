import fc from 'fast-check'
import { expect, test } from 'vitest'
import { base64Of16Problem, encodeBase64 } from '../../src/protocol/base64.ts'

test.each([
  ['', ''],
  ['f', 'Zg=='],
  ['fo', 'Zm8='],
  ['foo', 'Zm9v'],
  ['foob', 'Zm9vYg=='],
  ['fooba', 'Zm9vYmE='],
  ['foobar', 'Zm9vYmFy'],
])('RFC 4648 section 10: %j is %j', (text, encoded) => {
  expect(encodeBase64(Buffer.from(text))).toBe(encoded)
})

test('encodes every byte as Buffer does', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
    }),
  )
})

test('every 16 bytes make a key without a problem', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      expect(base64Of16Problem(encodeBase64(bytes))).toBeUndefined()
    }),
  )
})

test('any other number of bytes has one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      fc.pre(bytes.length !== 16)
      expect(base64Of16Problem(encodeBase64(bytes))).toMatch(/^it /)
    }),
  )
})

test.each([
  ['', 'it has 0 characters, not 24'],
  ['dGhlIHNhbXBsZSBub25jZQ=', 'it has 23 characters, not 24'],
  ['dGhlIHNhbXBsZSBub25jZQ===', 'it has 25 characters, not 24'],
  ['dGhlIHNhbXBsZSBub25jZQAA', 'it does not end in "=="'],
  ['dGhlIHNhbXBsZSBub25jZQA=', 'it does not end in "=="'],
  ['dGhlIHNhbXBsZSBub25jZQ=A', 'it does not end in "=="'],
  ['dGhlIHNhbXBs-SBub25jZQ==', 'character 13 is not of the base64 alphabet'],
  ['dGhlIHNhbXBsZSBub25jZ===', 'character 22 is not of the base64 alphabet'],
  [' GhlIHNhbXBsZSBub25jZQ==', 'character 1 is not of the base64 alphabet'],
  ['dGhlIHNhbXBsZSBub25jZR==', 'its last character says more than 16 bytes can'],
  ['dGhlIHNhbXBsZSBub25jZf==', 'its last character says more than 16 bytes can'],
])('%j: %s', (text, problem) => {
  expect(base64Of16Problem(text)).toBe(problem)
})

test.each(['A', 'Q', 'g', 'w'])('a key may end in %s==', (last) => {
  expect(base64Of16Problem(`dGhlIHNhbXBsZSBub25jZ${last}==`)).toBeUndefined()
})
