import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { UsageMeter } from '../../../proof/support/usage.ts'

test('measures from mark to mark', async () => {
  const meter = new UsageMeter()
  await sleep(20)
  const start = performance.now()
  while (performance.now() - start < 100);
  await sleep(20)
  const busy = meter.mark()
  expect(busy.seconds).toBeGreaterThanOrEqual(0.135)
  expect(busy.cpu).toBeGreaterThan(0)
  expect(busy.loopDelay.max).toBeGreaterThan(80)
  expect(busy.loopDelay.max).toBeGreaterThanOrEqual(busy.loopDelay.p99)
  expect(busy.peakRss).toBeGreaterThanOrEqual(busy.rss)

  const next = meter.mark()
  expect(next.seconds).toBeLessThan(busy.seconds)
})
