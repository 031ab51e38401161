/** What the native transport has to be careful of. What any transport does is in transport.test.ts. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { findAddon } from '../../src/transport/addon.ts'
import { NativeTransport } from '../../src/transport/native.ts'
import type { TransportSink } from '../../src/transport/transport.ts'
import { Recorder } from './recorder.ts'

/** Two ends of a TCP connection; nothing is read of either. */
async function sockets(): Promise<[near: Socket, far: Socket]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(far, 'connect')
  const near = await accepted
  onTestFinished(() => {
    near.destroy()
    far.destroy()
  })
  return [near, far]
}

function takeOver(socket: Socket, early: readonly Uint8Array[] = []): NativeTransport {
  const transport = NativeTransport.takeOver(socket, early)
  onTestFinished(() => transport?.destroy())
  return transport!
}

async function pair(): Promise<[NativeTransport, Socket]> {
  const [near, far] = await sockets()
  return [takeOver(near), far]
}

/** A sink that does nothing but what it is told to. */
function sink(own: Partial<TransportSink>): TransportSink {
  return { onData() {}, onProgress() {}, onWritten() {}, onEnd() {}, onClose() {}, ...own }
}

/** The event loop stands still for so long that what was written to all has arrived when it goes on. */
function stall(): void {
  for (const until = performance.now() + 50; performance.now() < until; );
}

describe.runIf(findAddon().addon !== undefined)('the native transport', () => {
  describe('takes over a socket', () => {
    test('with what came before, what Node has read, and what the kernel has, in this order', async () => {
      const [near, far] = await sockets()
      far.write('read by Node, ')
      await once(near, 'readable')
      near.unshift(Buffer.from('given back, '))
      far.write('in the kernel')
      stall()
      const recorder = new Recorder(takeOver(near, [Buffer.from('a head, '), Buffer.from('more of it, ')]))
      await recorder.until(() => recorder.text.endsWith('kernel'))
      expect(recorder.text).toBe('a head, more of it, given back, read by Node, in the kernel')
    })

    test('which is destroyed, and whose address it still knows', async () => {
      const [near] = await sockets()
      const transport = takeOver(near)
      expect(near.destroyed).toBe(true)
      await once(near, 'close')
      expect(transport.remoteAddress).toBe('127.0.0.1')
    })

    test('but not one that has something to write still: it is left as it was', async () => {
      const [near, far] = await sockets()
      const size = 32 * 1024 * 1024
      near.write(Buffer.alloc(size, 'x'))
      expect(near.writableLength).toBeGreaterThan(0)
      expect(NativeTransport.takeOver(near, [])).toBeUndefined()
      expect(near.destroyed).toBe(false)
      let length = 0
      far.on('data', (chunk) => {
        length += chunk.length
      })
      near.end()
      await once(far, 'end')
      expect(length).toBe(size)
    })

    test('nor one that has ended or is destroyed', async () => {
      const [near, far] = await sockets()
      far.end()
      near.resume()
      await once(near, 'end')
      expect(NativeTransport.takeOver(near, [])).toBeUndefined()
      near.destroy()
      expect(NativeTransport.takeOver(near, [])).toBeUndefined()
    })

    test('that no child process holds open', async () => {
      const [transport, far] = await pair()
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
      onTestFinished(() => void child.kill())
      await once(child, 'spawn')
      transport.destroy()
      far.resume()
      await once(far, 'end')
      expect(child.exitCode).toBeNull()
    })
  })

  describe('in one turn', () => {
    test('may have any other connection closed by a handler: it hears no more than its end', async () => {
      const [[a, farA], [b, farB]] = await Promise.all([pair(), pair()])
      const told: string[] = []
      const closed: Promise<void>[] = []
      const start = (name: string, own: NativeTransport, other: NativeTransport) =>
        closed.push(
          new Promise((resolve) => {
            own.start(
              sink({
                onData() {
                  told.push(`${name} data`)
                  other.destroy()
                },
                onClose(reset, error) {
                  told.push(`${name} close ${reset} ${error}`)
                  resolve()
                },
              }),
            )
          }),
        )
      start('a', a, b)
      start('b', b, a)
      farA.write('x')
      farB.write('x')
      stall()
      await Promise.race(closed)
      // Whoever came first has closed the other.
      const [first] = told
      expect(told).toEqual([first, first === 'a data' ? 'b close false undefined' : 'a close false undefined'])
    })

    test('may have any other paused by a handler: what came before is told, and then nothing', async () => {
      const [[a, farA], [b, farB]] = await Promise.all([pair(), pair()])
      const told: string[] = []
      const both = new Promise<void>((resolve) => {
        const onData = (name: string, other: NativeTransport) => (chunk: Uint8Array) => {
          told.push(`${name} ${Buffer.from(chunk)}`)
          other.pause()
          if (told.length === 2) resolve()
        }
        a.start(sink({ onData: onData('a', b) }))
        b.start(sink({ onData: onData('b', a) }))
      })
      farA.write('1')
      farB.write('1')
      stall()
      await both
      farA.write('2')
      farB.write('2')
      stall()
      // Two turns of the loop.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      expect(told.toSorted()).toEqual(['a 1', 'b 1'])
      const again = new Promise<void>((resolve) => {
        a.start(sink({ onData: (chunk) => resolve(void told.push(`a ${Buffer.from(chunk)}`)) }))
      })
      await again
      expect(told.at(-1)).toBe('a 2')
    })

    test('delivers nothing from within resume', async () => {
      const [a, far] = await pair()
      let depth = 0
      let deepest = 0
      let length = 0
      await new Promise<void>((resolve) => {
        a.start(
          sink({
            onData(chunk) {
              deepest = Math.max(deepest, ++depth)
              length += chunk.length
              a.pause()
              a.resume()
              depth--
              if (length === 1 << 20) resolve()
            },
          }),
        )
        far.write(Buffer.alloc(1 << 20))
      })
      expect(deepest).toBe(1)
    })

    test('reads 64 KiB of one connection at most, so that no other waits for long', async () => {
      const [[greedy, flood], [other, far]] = await Promise.all([pair(), pair()])
      let before = 0
      let largest = 0
      flood.write(Buffer.alloc(2 << 20))
      far.write('hello')
      stall()
      await new Promise<void>((resolve) => {
        greedy.start(
          sink({
            onData(chunk) {
              before++
              largest = Math.max(largest, chunk.length)
            },
          }),
        )
        other.start(sink({ onData: () => resolve() }))
      })
      expect(before).toBeLessThanOrEqual(2)
      expect(largest).toBe(64 * 1024)
    })

    test('receives more than fits in the memory that all of them share', async () => {
      const pairs = await Promise.all(Array.from({ length: 12 }, pair))
      const size = 200_000
      const recorders = pairs.map(([transport, far], at) => {
        far.write(Buffer.alloc(size, at + 1))
        return transport
      })
      stall()
      await Promise.all(
        recorders.map(async (transport, at) => {
          const recorder = new Recorder(transport)
          await recorder.until(() => recorder.received === size)
          expect(Buffer.concat(recorder.chunks).equals(Buffer.alloc(size, at + 1))).toBe(true)
        }),
      )
    })

    test('gives what a sink throws to the process, and the others what is theirs', async () => {
      const [[a, farA], [b, farB]] = await Promise.all([pair(), pair()])
      const others = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException')
      const uncaught: unknown[] = []
      process.on('uncaughtException', (error) => uncaught.push(error))
      const boom = new Error('boom')
      try {
        const heard = new Promise<void>((resolve) => {
          let count = 0
          const onData = () => {
            if (++count === 2) resolve()
            throw boom
          }
          a.start(sink({ onData }))
          b.start(sink({ onData }))
        })
        farA.write('x')
        farB.write('x')
        stall()
        await heard
        await new Promise((resolve) => setImmediate(resolve))
        expect(uncaught).toEqual([boom, boom])
      } finally {
        process.removeAllListeners('uncaughtException')
        for (const other of others) process.on('uncaughtException', other)
      }
    })
  })

  test.runIf(process.platform === 'linux')('has the kernel hold little for a peer that reads nothing', async () => {
    const [a] = await pair()
    const piece = Buffer.alloc(4096)
    let taken = 0
    while (a.write(piece)) taken += piece.length
    // Without a limit it takes megabytes.
    expect(taken).toBeGreaterThan(64 * 1024)
    expect(taken).toBeLessThan(1024 * 1024)
  })

  test('tells what is left of the bytes before a reset, and then the reset', async () => {
    const [a, far] = await pair()
    far.write('the last words')
    far.resetAndDestroy()
    stall()
    const recorder = new Recorder(a)
    await recorder.until(() => recorder.ends.length > 0)
    expect(recorder.text).toBe('the last words')
    expect(recorder.ends).toEqual(['reset'])
    expect(recorder.error).toMatchObject({ code: 'ECONNRESET', syscall: 'read', message: 'read ECONNRESET' })
  })
})
