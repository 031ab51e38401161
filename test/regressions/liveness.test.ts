import { setTimeout } from 'node:timers/promises'
import { memoryPair } from 'heartwire/testing'
import { expect, it } from 'vitest'

it('a peer that answers is pinged again after the interval, also where the timeout is the longer one', async () => {
  let pings = 0
  const { server } = memoryPair({
    server: { heartbeat: { interval: 40, timeout: 60_000 } },
    client: { heartbeat: false, ping: () => void pings++ },
  })
  await setTimeout(500)
  expect(pings).toBeGreaterThanOrEqual(3)
  server.terminate()
})
