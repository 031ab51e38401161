import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { findAddon } from '../../src/transport/addon.ts'
import { MemoryTransport } from '../../src/transport/memory.ts'
import { NativeTransport } from '../../src/transport/native.ts'
import { NodeTransport } from '../../src/transport/node.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { Recorder } from './recorder.ts'

interface Pair {
  a: Transport
  b: Transport
  /** Cuts the connection as the peer of `b` would with a RST; where there is such a thing. */
  reset: (() => void) | undefined
}

const fixture = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url))

/** Two ends of a TCP connection. */
async function sockets(): Promise<[near: Socket, far: Socket]> {
  const server = createServer({ allowHalfOpen: true })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const far = await accepted
  onTestFinished(() => {
    near.destroy()
    far.destroy()
  })
  return [near, far]
}

async function tcp(): Promise<Pair> {
  const [near, far] = await sockets()
  return { a: new NodeTransport(near), b: new NodeTransport(far), reset: () => near.resetAndDestroy() }
}

function native(socket: Socket): Transport {
  const transport = NativeTransport.takeOver(socket, [])
  if (transport === undefined) throw new Error('The socket was not taken over.')
  return transport
}

async function nativePair(): Promise<Pair> {
  const [near, far] = await sockets()
  return { a: native(near), b: native(far), reset: undefined }
}

/** With a peer that can reset the connection. */
async function nativeAndNode(): Promise<Pair> {
  const [near, far] = await sockets()
  return { a: new NodeTransport(near), b: native(far), reset: () => near.resetAndDestroy() }
}

async function nodeAndNative(): Promise<Pair> {
  const { a, b } = await nativeAndNode()
  return { a: b, b: a, reset: undefined }
}

async function tls(): Promise<Pair> {
  const server = createTlsServer({ key: fixture('server.key'), cert: fixture('server.crt'), allowHalfOpen: true })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>((resolve) => server.once('secureConnection', resolve))
  const { port } = server.address() as AddressInfo
  const options = { port, host: '127.0.0.1', ca: fixture('ca.crt'), servername: 'localhost', allowHalfOpen: true }
  const near = connectTls(options)
  const far = await accepted
  onTestFinished(() => {
    near.destroy()
    far.destroy()
  })
  return { a: new NodeTransport(near), b: new NodeTransport(far), reset: undefined }
}

async function duplexes(): Promise<Pair> {
  const [near, far] = duplexPair()
  return { a: new NodeTransport(near), b: new NodeTransport(far), reset: undefined }
}

async function memory(): Promise<Pair> {
  const [a, b] = MemoryTransport.pair()
  return { a, b, reset: () => a.reset() }
}

const kinds: Record<string, () => Promise<Pair>> = {
  tcp,
  tls,
  duplexes,
  memory,
  ...(findAddon().addon && {
    'native sockets': nativePair,
    'a native socket to a Node socket': nativeAndNode,
    'a Node socket to a native socket': nodeAndNative,
  }),
}

describe.each(Object.entries(kinds))('a transport over %s', (kind, pair) => {
  test('carries bytes in order, both ways', async () => {
    const { a, b } = await pair()
    const [near, far] = [new Recorder(a), new Recorder(b)]
    a.write(Buffer.from('one, '))
    a.writeAll([Buffer.from('two, '), Buffer.from(''), Buffer.from('three')])
    b.write(Buffer.from('back'))
    await far.until(() => far.text.length === 15)
    await near.until(() => near.text.length === 4)
    expect([near.text, far.text]).toEqual(['back', 'one, two, three'])
  })

  test('gives nothing before start, and loses nothing', async () => {
    const { a, b } = await pair()
    new Recorder(a)
    a.write(Buffer.from('early'))
    await setTimeout(20)
    const far = new Recorder(b)
    expect(far.chunks).toEqual([])
    await far.until(() => far.text === 'early')
  })

  test('keeps the memory of both sides apart', async () => {
    const { a, b } = await pair()
    new Recorder(a)
    const far = new Recorder(b)
    const bytes = Buffer.from('mine')
    let taken = a.write(bytes)
    for (let i = 0; !taken && i < 10; i++) {
      await setTimeout(1)
      taken = true
    }
    await far.until(() => far.received === 4)
    expect(bytes.toString()).toBe('mine')
    expect(far.text).toBe('mine')
  })

  test('says when it holds bytes, and once when it has let go of them', async () => {
    const { a, b } = await pair()
    const near = new Recorder(a)
    const far = new Recorder(b, false)
    b.pause()
    let written = 0
    let taken = true
    const chunk = Buffer.alloc(100_000, 1)
    for (; taken && written < 400; written++) {
      taken = a.write(chunk)
      if (!taken) {
        // What the buffers on the way take is let go of a little later.
        taken = await Promise.race([near.until(() => near.others.length > 0).then(() => true), setTimeout(100, false)])
        near.events.all.length = 0
      }
    }
    expect(taken).toBe(false)
    await setTimeout(20)
    expect(near.others).toEqual([])
    b.resume()
    await near.until(() => near.others.length > 0)
    await far.until(() => far.received === written * 100_000)
    await setTimeout(5)
    expect(near.others).toEqual(['written'])
  })

  test('carries much, from a reader that pauses again and again', async () => {
    const { a, b } = await pair()
    const near = new Recorder(a)
    const far = new Recorder(b, false)
    const size = 3_000_000
    let paused = 0
    const taken = a.writeAll([Buffer.alloc(size, 1), Buffer.from('end')])
    while (far.received < size + 3) {
      await far.events.next()
      if (paused < 20) {
        paused++
        b.pause()
        await setTimeout(1)
        b.resume()
      }
    }
    expect(far.received).toBe(size + 3)
    if (!taken) await near.until(() => near.others.includes('written'))
  })

  test('tells the end of one direction, and leaves the other open', async () => {
    const { a, b } = await pair()
    const [near, far] = [new Recorder(a), new Recorder(b)]
    a.write(Buffer.from('last'))
    a.end()
    await far.until(() => far.others.includes('end'))
    expect(far.text).toBe('last')
    b.write(Buffer.from('answer'))
    await near.until(() => near.text === 'answer')
    expect([near.ends, far.ends]).toEqual([[], ['end']])
    b.end()
    await near.until(() => near.others.includes('close'))
    await far.until(() => far.others.includes('close'))
    expect([near.ends, far.ends]).toEqual([
      ['end', 'close'],
      ['end', 'close'],
    ])
  })

  test('ends behind what is still to be written', async () => {
    const { a, b } = await pair()
    new Recorder(a)
    const far = new Recorder(b, false)
    b.pause()
    a.writeAll([Buffer.alloc(12_000_000), Buffer.alloc(12_000_000)])
    a.end()
    a.end()
    await setTimeout(10)
    expect(far.others).toEqual([])
    b.resume()
    await far.until(() => far.others.includes('end'))
    expect(far.received).toBe(24_000_000)
  })

  test('is gone at both ends, once, when one destroys it', async () => {
    const { a, b } = await pair()
    const [near, far] = [new Recorder(a), new Recorder(b)]
    a.destroy()
    a.destroy()
    await near.until(() => near.others.includes('close'))
    // The two streams of a duplexPair do not hear of each other's destruction.
    if (kind === 'duplexes') b.destroy()
    await far.until(() => far.others.length > 0)
    b.end()
    await far.until(() => far.others.includes('close'))
    // None of these may do any harm.
    a.write(Buffer.from('too late'))
    a.end()
    a.pause()
    a.resume()
    await setTimeout(5)
    expect(near.ends).toEqual(['close'])
    expect(far.ends.filter((event) => event === 'close')).toEqual(['close'])
  })

  test('that was destroyed before it started tells so', async () => {
    const { a, b } = await pair()
    new Recorder(b)
    a.destroy()
    const near = new Recorder(a)
    expect(near.others).toEqual([])
    await near.until(() => near.others.includes('close'))
  })

  test('tells a reset from an end', async () => {
    const { a, b, reset } = await pair()
    if (reset === undefined) return
    const [near, far] = [new Recorder(a), new Recorder(b)]
    reset()
    await far.until(() => far.others.includes('reset'))
    await near.until(() => near.others.length > 0)
    expect(far.others).toEqual(['reset'])
    expect(far.error).toMatchObject({ code: 'ECONNRESET' })
  })
})
