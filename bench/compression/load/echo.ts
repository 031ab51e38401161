/** An echo run: a warm-up and the measured messages, counted over all connections. */
import { setImmediate } from 'node:timers/promises'
import { Latency } from '../../load/latency.ts'
import type { Command, Measured } from '../commands.ts'

import { type Agreement, readAgreement } from './agreement.ts'
import { Answers } from './answers.ts'
import { type Answer, Peer } from './peer.ts'
import { prepared } from './prepared.ts'

export type EchoCommand = Extract<Command, { do: 'echo' }>

/** Seconds without an answer after which the server is given up. */
const STALLED = 20

export interface EchoRun {
  peers: Peer[]
  agreement: Agreement | undefined
  measured: Measured
}

/** @throws {Error} when the server breaks a rule, ends a connection or stops answering. */
export async function runEcho(command: EchoCommand, begin: () => void): Promise<EchoRun> {
  const { port, connections } = command
  const probe = new Peer(0, { answer() {}, done() {}, failed() {} }, undefined)
  const agreed = await probe.open(port)
  probe.release()
  const agreement = readAgreement(agreed)
  const streams = await prepared(command, agreement)

  const latency = new Latency()
  const from = command.warmup * connections
  const to = from + command.messages * connections
  const counts = { answers: 0, messages: 0, plain: 0, toServer: 0, toClient: 0, compressed: 0 }
  let start = 0
  let loop = performance.eventLoopUtilization()
  let finish = (_seconds: number): void => {}
  let fail = (_error: Error): void => {}
  const ended = new Promise<number>((resolve, reject) => {
    finish = resolve
    fail = reject
  })
  // It may fail before anybody waits for it.
  ended.catch(() => {})
  const events = {
    answer({ connection, index, microseconds, toServer, toClient, compressed }: Answer): void {
      counts.answers++
      if (counts.answers > to) return
      if (counts.answers > from) {
        counts.messages++
        counts.plain += streams[connection]?.lengths[index] ?? 0
        counts.toServer += toServer
        counts.toClient += toClient
        if (compressed) counts.compressed++
        latency.record(microseconds, 1)
      }
      if (counts.answers === from) {
        begin()
        loop = performance.eventLoopUtilization()
        start = performance.now()
      } else if (counts.answers === to) finish((performance.now() - start) / 1e3)
    },
    done() {},
    failed: (error: Error) => fail(error),
  }

  const peers = Array.from(
    { length: connections },
    (_, number) => new Peer(number, events, command.verify || number === 0 ? new Answers() : undefined),
  )
  for (const found of await Promise.all(peers.map((peer) => peer.open(port)))) {
    if (found !== agreed) throw new Error('the server does not agree to the same on all connections')
  }
  if (from === 0) {
    begin()
    start = performance.now()
  }
  for (const [i, peer] of peers.entries()) {
    peer.start(streams[i]?.frames ?? [])
    // Not all at once: a run does not begin with a burst.
    await setImmediate()
  }
  const seconds = await unlessStalled(ended, () => counts.answers)
  const { utilization } = performance.eventLoopUtilization(loop)
  return {
    peers,
    agreement,
    measured: {
      seconds,
      messages: counts.messages,
      plain: counts.plain,
      toServer: counts.toServer,
      toClient: counts.toClient,
      compressed: counts.compressed,
      latency: latency.counts,
      idle: 1 - utilization,
      agreed: agreed ?? '',
    },
  }
}

/** @throws {Error} when `count` stays the same for too long. */
export async function unlessStalled<T>(work: Promise<T>, count: () => number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const stalled = new Promise<never>((_, reject) => {
    let last = -1
    timer = setInterval(() => {
      if (count() === last) reject(new Error('the server stopped sending'))
      last = count()
    }, STALLED * 1e3)
  })
  try {
    return await Promise.race([work, stalled])
  } finally {
    clearInterval(timer)
  }
}
