import { connect, createServer } from 'heartwire'
import { expect, test } from 'vitest'
import { activeResources } from '../../../proof/support/active.ts'

test.each(['auto', 'node'] as const)('sockets are counted, whoever reads them: transport %s', async (transport) => {
  const before = activeResources()
  const server = createServer({ transport, message() {} })
  const { url } = await server.listen({ host: '127.0.0.1' })
  const sockets = await Promise.all([connect(url, { transport }), connect(url, { transport })])
  const now = activeResources()
  expect((now.TCPServerWrap ?? 0) - (before.TCPServerWrap ?? 0)).toBe(1)
  expect((now.TCPSocketWrap ?? 0) - (before.TCPSocketWrap ?? 0)).toBe(4)
  await server.close()
  await Promise.all(sockets.map(({ closed }) => closed))
})
