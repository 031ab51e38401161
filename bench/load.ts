/**
 * The load generator for where there is no C compiler. It takes the arguments of `wsload` that the benchmark uses and
 * prints the same lines, but it is a Node program itself: it is busy long before a fast server is, and says so in
 * `client_idle`.
 *
 *   load [--text] [--verify] [--raw] [--warmup S] HOST PORT CONNECTIONS IN_FLIGHT PAYLOAD SECONDS
 *   load --broadcast [...] HOST PORT CONNECTIONS IN_FLIGHT PAYLOAD SECONDS
 *   load --rate R [...] HOST PORT CONNECTIONS IN_FLIGHT PAYLOAD SECONDS
 *   load --connect [--warmup S] HOST PORT CONCURRENCY SECONDS
 *   load --idle N HOST PORT
 *   load --storm N HOST PORT
 */
import type { Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { open, type Target } from './load/connection.ts'
import { FrameCounter } from './load/frame-counter.ts'
import { Latency } from './load/latency.ts'
import { encodeMaskedFrame, makePayload, repeat } from './load/messages.ts'
import { type Measured, measuredTime, reportAndHold } from './load/window.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    text: { type: 'boolean', default: false },
    binary: { type: 'boolean', default: false },
    verify: { type: 'boolean', default: false },
    raw: { type: 'boolean', default: false },
    broadcast: { type: 'boolean', default: false },
    connect: { type: 'boolean', default: false },
    rate: { type: 'string' },
    idle: { type: 'string' },
    storm: { type: 'string' },
    marks: { type: 'boolean', default: false },
    block: { type: 'boolean', default: false },
    warmup: { type: 'string', default: '1' },
  },
})
const [host = '127.0.0.1', ...rest] = positionals
const many = values.idle ?? values.storm
const [port, connections, ...others] = [...rest, ...(many === undefined ? [] : [many])].map(Number)
if (port === undefined || connections === undefined || rest.some((value) => !(Number(value) > 0))) {
  fail('HOST PORT CONNECTIONS ... are needed, the numbers above 0')
}
const rate = values.rate === undefined ? undefined : Number(values.rate)
const target: Target = { host, port }
const warmup = Number(values.warmup)
const type = values.text ? 'text' : 'binary'

const latency = new Latency()
const counters = { messages: 0, errors: 0, dead: 0 }

function reset(): void {
  counters.messages = 0
  latency.clear()
}

const some = (): boolean => counters.messages > 0

/** One connection of an echo or broadcast run. */
interface Peer {
  socket: Socket | undefined
  /** When messages that are still under way were sent, and how many at that moment. */
  sent: { at: number; count: number }[]
}

if (values.idle !== undefined) await runIdle()
else if (values.storm !== undefined) await runStorm()
else if (values.connect) await runConnect(others[0] ?? fail('SECONDS is missing'))
else await runMessages(...messageArguments())
process.exit(counters.errors > 0 || counters.messages === 0 ? 1 : 0)

function messageArguments(): [inFlight: number, payload: number, seconds: number] {
  const [inFlight, payload, seconds] = others
  if (inFlight === undefined || payload === undefined || seconds === undefined)
    fail('IN_FLIGHT PAYLOAD SECONDS are missing')
  return [inFlight, payload, seconds]
}

async function runMessages(inFlight: number, length: number, seconds: number): Promise<void> {
  const opcode = type === 'text' ? 1 : 2
  const payload = makePayload(type, length)
  const frame = encodeMaskedFrame(opcode, payload)
  const frames = repeat(frame, inFlight)
  const peers: Peer[] = []
  let copies = 0

  const send = (peer: Peer, count: number, at = performance.now()): void => {
    peer.sent.push({ at, count })
    for (let left = count; left > 0; left -= inFlight) {
      peer.socket?.write(frames.subarray(0, Math.min(left, inFlight) * frame.length))
    }
  }
  const settle = (peer: Peer, count: number): void => {
    const now = performance.now()
    for (let left = count; left > 0; ) {
      const first = peer.sent[0]
      if (first === undefined) return
      const some = Math.min(left, first.count)
      latency.record((now - first.at) * 1e3, some)
      first.count -= some
      left -= some
      if (first.count === 0) peer.sent.shift()
    }
  }
  const received = (peer: Peer, count: number): void => {
    if (count === 0) return
    counters.messages += count
    if (!values.broadcast) {
      settle(peer, count)
      if (rate === undefined) send(peer, count)
      return
    }
    copies += count
    for (const sender = peers[0]; sender !== undefined && copies >= peers.length; copies -= peers.length) {
      settle(sender, 1)
      send(sender, 1)
    }
  }

  // A hundred at once, as `wsload` does it: more would not fit into the server's backlog.
  while (peers.length < (connections as number)) {
    const some = Math.min(100, (connections as number) - peers.length)
    peers.push(...(await Promise.all(Array.from({ length: some }, () => openPeer(received, opcode, payload, frame)))))
  }
  for (const peer of values.broadcast ? peers.slice(0, 1) : peers) {
    if (rate !== undefined) break
    if (values.broadcast) for (let i = 0; i < inFlight; i++) send(peer, 1)
    else send(peer, inFlight)
  }
  // Open loop: a message is sent when it is due, or as soon after that as this program can, and counts from when it was due.
  const stop = rate === undefined ? () => {} : sendAtRate(rate, (i, at) => send(peers[i % peers.length] as Peer, 1, at))
  const measured = await measuredTime(warmup, seconds, { reset, some })
  stop()
  const perSecond = counters.messages / measured.seconds
  const kind = values.broadcast ? 'broadcast' : values.raw ? 'rawecho' : 'echo'
  await reportAndHold(
    [
      `${kind} conns=${connections} depth=${inFlight} payload=${length} type=${type} secs=${measured.seconds.toFixed(2)}`,
      `msgs/s=${perSecond.toFixed(0)} ${commonFigures(measured)} dead=${counters.dead}`,
      ...(values.broadcast ? [`broadcasts/s=${(perSecond / peers.length).toFixed(1)}`] : []),
      ...(counters.messages === 0 ? ['NOTHING-RECEIVED'] : []),
    ].join(' '),
  )
}

/** @returns what ends it. */
function sendAtRate(rate: number, send: (index: number, at: number) => void): () => void {
  const start = performance.now()
  let sent = 0
  let over = false
  const sendDue = (): void => {
    if (over) return
    for (const now = performance.now(); start + (sent / rate) * 1e3 <= now; sent++)
      send(sent, start + (sent / rate) * 1e3)
    setImmediate(sendDue)
  }
  sendDue()
  return () => {
    over = true
  }
}

async function runIdle(): Promise<void> {
  const silent = { onData() {}, onClose() {} }
  for (let left = connections as number; left > 0; left -= 100) {
    await Promise.all(Array.from({ length: Math.min(100, left) }, () => open(target, { rotate: true, ...silent })))
  }
  process.stdout.write(`ready ${connections}\n`)
  await new Promise((resolve) => process.stdin.once('end', resolve).resume())
  process.exit(0)
}

async function runStorm(): Promise<void> {
  process.stdout.write('begin\n')
  const start = performance.now()
  const loop = performance.eventLoopUtilization()
  let afterSecond = 0
  let all = 0
  const attempt = async (): Promise<void> => {
    try {
      await open(target, { rotate: true, onData() {}, onClose() {} })
      counters.messages++
      all = performance.now() - start
      if (all <= 1e3) afterSecond++
    } catch {
      counters.dead++
    }
  }
  await Promise.all(Array.from({ length: connections as number }, attempt))
  const { utilization } = performance.eventLoopUtilization(loop)
  await reportAndHold(
    [
      `storm conns=${connections} open=${counters.messages} open_1s=${afterSecond} all_s=${(all / 1e3).toFixed(4)}`,
      `errors=0 dead=${counters.dead} client_idle=${(100 * (1 - utilization)).toFixed(0)}%`,
    ].join(' '),
  )
}

async function openPeer(
  received: (peer: Peer, count: number) => void,
  opcode: number,
  payload: Buffer,
  frame: Buffer,
): Promise<Peer> {
  const peer: Peer = { socket: undefined, sent: [] }
  const counter = new FrameCounter(
    { opcode, payload, verify: values.verify },
    {
      ping: (body) => peer.socket?.write(encodeMaskedFrame(10, body)),
      close: () => counters.errors++,
    },
  )
  let rawBytes = 0
  peer.socket = await open(target, {
    onData(bytes) {
      if (values.raw) {
        rawBytes += bytes.length
        const count = Math.floor(rawBytes / frame.length)
        rawBytes -= count * frame.length
        received(peer, count)
        return
      }
      const before = counter.errors
      try {
        received(peer, counter.push(bytes))
      } catch (error) {
        counters.errors++
        peer.socket?.destroy()
        process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
      }
      counters.errors += counter.errors - before
    },
    onClose: () => counters.dead++,
  })
  return peer
}

/** Handshake, Close frame, the server's end of the connection, and again. */
async function runConnect(seconds: number): Promise<void> {
  let handshakes = 0
  const closeFrame = encodeMaskedFrame(8, Buffer.from([0x03, 0xe8]))
  const cycle = async (): Promise<void> => {
    const start = performance.now()
    let ended = () => {}
    const closed = new Promise<void>((resolve) => {
      ended = resolve
    })
    try {
      const socket = await open(target, { rotate: true, onData() {}, onClose: () => ended() })
      handshakes++
      latency.record((performance.now() - start) * 1e3, 1)
      socket.write(closeFrame)
      await closed
      counters.messages++
    } catch {
      counters.errors++
    }
  }
  const repeatCycle = async (): Promise<never> => {
    for (;;) await cycle()
  }
  for (let i = 0; i < (connections as number); i++) void repeatCycle()
  const measured = await measuredTime(warmup, seconds, {
    reset() {
      reset()
      handshakes = 0
    },
    some,
  })
  const perSecond = (count: number) => (count / measured.seconds).toFixed(0)
  await reportAndHold(
    [
      `connect conc=${connections} secs=${measured.seconds.toFixed(2)}`,
      `handshakes/s=${perSecond(handshakes)} closed/s=${perSecond(counters.messages)} ${commonFigures(measured)}`,
    ].join(' '),
  )
}

function commonFigures({ idle, cpu }: Measured): string {
  const at = (q: number) => latency.quantile(q).toFixed(1)
  return [
    `p50_us=${at(0.5)} p99_us=${at(0.99)} p999_us=${at(0.999)} errors=${counters.errors}`,
    `client_cpu=${(100 * cpu).toFixed(0)}% client_idle=${(100 * idle).toFixed(0)}%`,
  ].join(' ')
}

function fail(sentence: string): never {
  process.stderr.write(`load: ${sentence}\n`)
  process.exit(2)
}
