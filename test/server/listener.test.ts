import { describe, expect, test } from 'vitest'
import { Listener } from '../../src/server/listener.ts'

function httpServer(handshakeTimeout: number) {
  const headerLimits = { maxHeaders: 100, maxHeaderSize: 16_384 }
  return new Listener({}, { handshakeTimeout, headerLimits, http() {}, refuse() {} }).http
}

// Node refuses all that are overdue in one turn of the loop: the longer it waits, the more there are.
describe('slow requests are looked for', () => {
  test('ten times a second', () => {
    expect(httpServer(10_000)).toMatchObject({ headersTimeout: 10_000, connectionsCheckingInterval: 100 })
  })

  test('more often where there is less time', () => {
    expect(httpServer(50)).toMatchObject({ headersTimeout: 50, connectionsCheckingInterval: 13 })
  })
})
