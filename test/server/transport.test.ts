import { existsSync } from 'node:fs'
import { createServer } from 'heartwire'
import { expect, test } from 'vitest'

const isBuilt = existsSync(new URL('../../native/build/Release/heartwire.node', import.meta.url))

// The tests of this folder run twice, which would mean nothing were the addon not used in one of the runs.
test.skipIf(!process.env.CI && !isBuilt)('these tests use the native transport, unless they are told not to', () => {
  const { transport, transportReason } = createServer()
  expect({ transport, transportReason }).toEqual(
    process.env.HEARTWIRE_NATIVE === '0'
      ? { transport: 'node', transportReason: 'HEARTWIRE_NATIVE is 0' }
      : { transport: 'native', transportReason: 'the native addon is there' },
  )
})

test("a server has Node's sockets when it asks for them", () => {
  const server = createServer({ transport: 'node' })
  expect(server.transport).toBe('node')
  expect(server.transportReason).toBe("the option transport is 'node'")
  expect(server.stats().transport).toBe('node')
})
