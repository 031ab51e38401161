/** What is profiled: scenarios of the benchmark, each of which shows another side of the server. */
import { SCENARIOS, type Scenario } from '../scenarios.ts'

export interface Workload {
  /** Of the picture: `flame-echo.svg`. */
  name: string
  title: string
  scenario: Scenario
}

export const WORKLOADS: readonly Workload[] = [
  workload('echo', 'Echo of 64 bytes, one message in flight on each of 100 connections', '64B/1/binary/sync'),
  workload('burst', 'Echo of 64 bytes, 32 messages in flight on each of 100 connections', '64B/32/binary/sync'),
  workload('large', 'Echo of 64 KiB, 4 messages in flight on each of 10 connections', '64KiB/4/binary/sync'),
  workload('publish', 'Publish of 64 bytes to 1,000 subscribers', 'publish/64B/1000'),
  workload('handshake', 'Handshakes, 64 at a time', 'handshake/64'),
]

function workload(name: string, title: string, scenario: string): Workload {
  const found = SCENARIOS.find((one) => one.name === scenario)
  if (found === undefined) throw new Error(`There is no scenario "${scenario}".`)
  return { name, title, scenario: found }
}
