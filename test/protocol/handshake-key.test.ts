import { expect, test } from 'vitest'
import { acceptKey, createKey } from '../../src/protocol/handshake-key.ts'
import { countingPlatform } from './handshake-platform.ts'

test('the example of RFC 6455 section 1.3', () => {
  expect(acceptKey('dGhlIHNhbXBsZSBub25jZQ==', countingPlatform)).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
})

test('a key is the base64 of 16 bytes from the platform', () => {
  expect(createKey(countingPlatform)).toBe('AQIDBAUGBwgJCgsMDQ4PEA==')
})
