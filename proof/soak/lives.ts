/** What clients do from their handshake to their end: each function is one life. */
import { Buffer } from 'node:buffer'
import type { Random } from '../support/random.ts'
import { Client, type Crowd, type End, pause, within } from './client.ts'
import { burstMessage, MAX_BUFFERED, publication } from './protocol.ts'

const ENDS: Record<End, number> = { close: 5, terminate: 2, reset: 2 }
/** Milliseconds between two things that a client does, at most. */
const GAP = 150

/** Contents of every length: characters of one to four bytes, and bytes. */
const TEXT = 'Price: 12,50 € – größer, 価格, Ωμέγα, 💹 up. '.repeat(2500)
const BYTES = Buffer.from(Uint8Array.from({ length: TEXT.length }, (_, i) => (i * 31 + (i >> 8)) & 0xff))

/** Mostly small, now and then large. */
function size(random: Random): number {
  const most = random.pick({ 200: 70, 4000: 25, 100000: 5 })
  return random.whole(0, Number(most))
}

function text(random: Random): string {
  const length = size(random)
  const from = random.whole(0, TEXT.length - length)
  return wellFormed(TEXT.slice(from, from + length))
}

/** A piece that begins or ends within a surrogate pair is no text. */
function wellFormed(piece: string): string {
  return Buffer.from(piece).toString()
}

function bytes(random: Random): Buffer {
  const length = size(random)
  const from = random.whole(0, BYTES.length - length)
  return BYTES.subarray(from, from + length)
}

/** Sends messages of all kinds, and checks that each comes back as it was, in its turn. */
export async function echo(crowd: Crowd, random: Random): Promise<void> {
  const { tally } = crowd
  const due: { data: string | Buffer; sent: number }[] = []
  let whenNone: (() => void) | undefined
  const client = await Client.open(crowd, '/echo', (_socket, data) => {
    const first = due.shift()
    if (first === undefined || !same(first.data, data)) {
      tally.corrupt(`connection ${client.id}: an echo that is not what was sent`)
    } else {
      tally.messages++
      tally.latency.add(performance.now() - first.sent)
    }
    if (due.length === 0) whenNone?.()
  })
  const { socket } = client
  const send = (data: string | Buffer): void => {
    due.push({ data, sent: performance.now() })
    socket.send(data)
  }
  const actions = {
    text: () => send(text(random)),
    binary: () => send(bytes(random)),
    burst() {
      for (let i = 0; i < 8; i++) send(wellFormed(text(random).slice(0, 100)))
    },
    async fragments() {
      const parts = Array.from({ length: random.whole(1, 6) }, () => bytes(random))
      due.push({ data: Buffer.concat(parts), sent: performance.now() })
      await socket.sendFragments(parts)
    },
    async ping() {
      await socket.ping()
    },
  }
  for (let left = random.whole(1, 100); left > 0 && !crowd.stop.aborted && socket.state === 'open'; left--) {
    await actions[random.pick({ text: 50, binary: 30, burst: 10, fragments: 5, ping: 5 })]()
    await pause(GAP, random, crowd)
  }
  const end = random.pick({ ...ENDS, asked: 1 })
  if (end === 'terminate' || end === 'reset') return client.end(end)
  if (due.length > 0) {
    const none = new Promise<true>((resolve) => {
      whenNone = () => resolve(true)
    })
    if ((await within(Promise.race([none, socket.closed]))) !== true) {
      tally.lose(due.length, `connection ${client.id}: ${due.length} messages without an echo`)
    }
  }
  if (end === 'close') return client.end('close')
  const closed = client.closedBy(4000, 'local-close')
  socket.send('close me')
  await closed
}

function same(a: string | Buffer, b: string | Uint8Array): boolean {
  return typeof a === 'string' || typeof b === 'string' ? a === b : a.equals(b)
}

/** Listens to a topic, publishes to it, and checks that nothing is missing between the first message and the last. */
export async function topic(crowd: Crowd, random: Random): Promise<void> {
  const { tally } = crowd
  const name = `topic-${random.whole(1, 10)}`
  let last: number | undefined
  let told: ((until: number) => void) | undefined
  const client = await Client.open(crowd, `/topic?topic=${name}`, (_socket, data) => {
    const [word, number] = String(data).split(' ', 2)
    if (word === 'from') {
      last = Number(number)
    } else if (word === 'until') {
      told?.(Number(number))
    } else {
      const n = Number(word)
      if (last === undefined || n !== last + 1) tally.lose(1, `connection ${client.id}: ${n} came after ${last}`)
      if (data === publication(name, n)) tally.messages++
      else tally.corrupt(`connection ${client.id}: publication ${n} is not what was published`)
      last = n
    }
  })
  const { socket } = client
  for (let left = random.whole(1, 25); left > 0 && !crowd.stop.aborted && socket.state === 'open'; left--) {
    socket.send('publish')
    await pause(4 * GAP, random, crowd)
  }
  const end = random.pick(ENDS)
  if (end !== 'close') return client.end(end)
  const until = new Promise<number>((resolve) => {
    told = resolve
  })
  socket.send('leave')
  const answer = await within(Promise.race([until, socket.closed]))
  if (answer !== last) tally.lose(1, `connection ${client.id}: the last message was ${last}, of ${String(answer)}`)
  await client.end('close')
}

/** Asks for a few megabytes, and reads them slowly. */
export async function slow(crowd: Crowd, random: Random): Promise<void> {
  const { tally } = crowd
  const count = random.whole(50, 350)
  const size = random.whole(4, 8 * 1024)
  let next = 0
  let arrived: (() => void) | undefined
  const client = await Client.open(crowd, '/burst', (socket, data) => {
    if (typeof data !== 'string' && same(burstMessage(next, size), data)) tally.messages++
    else tally.corrupt(`connection ${client.id}: message ${next} of a burst is another`)
    next++
    if (next === count) arrived?.()
    if (next % 30 !== 0) return
    socket.pause()
    void pause(GAP, random, crowd).then(() => socket.resume())
  })
  const { socket } = client
  const all = new Promise<true>((resolve) => {
    arrived = () => resolve(true)
  })
  socket.send(`${count} ${size}`)
  if ((await within(Promise.race([all, socket.closed]))) !== true) {
    tally.lose(count - next, `connection ${client.id}: ${next} messages of a burst of ${count}`)
  }
  await client.end(random.pick(ENDS))
}

/** Asks for more than may be queued and does not read, until it is closed for that. */
export async function stuck(crowd: Crowd, random: Random): Promise<void> {
  const client = await Client.open(crowd, '/burst', () => {})
  const { socket } = client
  const closed = client.closedBy(1013, 'slow-consumer')
  socket.pause()
  // The kernel takes some of it as well.
  socket.send(`${(8 * MAX_BUFFERED) / 8192} 8192`)
  await pause(2000, random, crowd)
  socket.resume()
  await closed
}
