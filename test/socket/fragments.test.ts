import { setTimeout } from 'node:timers/promises'
import { ArgumentError } from 'heartwire'
import { type Frame, Opcode } from 'heartwire/protocol'
import { describe, expect, test } from 'vitest'
import { rawPair, wsClosed, wsPair } from '../support/servers.ts'

/** A source of parts that the test gives one by one. */
class Source implements AsyncIterable<string | Uint8Array> {
  asked = 0
  returned = false
  private answer: ((result: IteratorResult<string | Uint8Array>) => void) | undefined
  private refuse: ((error: unknown) => void) | undefined
  private whenAsked: (() => void) | undefined;

  [Symbol.asyncIterator](): AsyncIterator<string | Uint8Array> {
    return {
      next: () => {
        this.asked++
        this.whenAsked?.()
        return new Promise((resolve, reject) => {
          this.answer = resolve
          this.refuse = reject
        })
      },
      return: async () => {
        this.returned = true
        return { done: true, value: undefined }
      },
    }
  }

  /** Resolves when part number `count` is asked for. */
  async wanted(count: number): Promise<void> {
    while (this.asked < count) {
      await new Promise<void>((resolve) => {
        this.whenAsked = resolve
      })
    }
  }

  part(value: string | Uint8Array): void {
    this.answer?.({ done: false, value })
  }

  end(): void {
    this.answer?.({ done: true, value: undefined })
  }

  fail(error: Error): void {
    this.refuse?.(error)
  }
}

function short({ fin, opcode, payload }: Frame): [fin: boolean, opcode: number, payload: string] {
  return [fin, opcode, Buffer.from(payload).toString()]
}

describe('the frames', () => {
  test('are one for each part, and one that ends the message', async () => {
    const { socket, peer } = await rawPair()
    expect(await socket.sendFragments(['Hello', ' ', 'world'])).toBe('ok')
    expect(short(await peer.frame())).toEqual([false, Opcode.Text, 'Hello'])
    expect(short(await peer.frame())).toEqual([false, Opcode.Continuation, ' '])
    expect(short(await peer.frame())).toEqual([false, Opcode.Continuation, 'world'])
    expect(short(await peer.frame())).toEqual([true, Opcode.Continuation, ''])
  })

  test('go out as the parts come', async () => {
    const { socket, peer } = await rawPair()
    const source = new Source()
    const sent = socket.sendFragments(source)
    await source.wanted(1)
    source.part(Buffer.from('one'))
    expect(short(await peer.frame())).toEqual([false, Opcode.Binary, 'one'])
    source.part(Buffer.from('two'))
    expect(short(await peer.frame())).toEqual([false, Opcode.Continuation, 'two'])
    source.end()
    expect(short(await peer.frame())).toEqual([true, Opcode.Continuation, ''])
    expect(await sent).toBe('ok')
  })

  test('are an empty binary message where there are no parts', async () => {
    const { socket, peer } = await rawPair()
    expect(await socket.sendFragments([])).toBe('ok')
    expect(short(await peer.frame())).toEqual([true, Opcode.Binary, ''])
  })

  test('keep a character together that is split between parts', async () => {
    const { socket, client, messages } = await wsPair()
    const [high, low] = ['\ud83d', '\ude00']
    expect(await socket.sendFragments([`a${high}`, low, high, '', `${low}b`])).toBe('ok')
    expect(await messages.next()).toBe('a😀😀b')
    // Half of a character that never gets its other half is what it is in any text: U+FFFD.
    expect(await socket.sendFragments([`a${high}`])).toBe('ok')
    expect(await messages.next()).toBe('a\ufffd')
    expect(client.readyState).toBe(client.OPEN)
  })
})

describe('what is sent meanwhile', () => {
  test('goes out behind the message, in order', async () => {
    const { socket, peer } = await rawPair()
    const source = new Source()
    const first = socket.sendFragments(source)
    await source.wanted(1)
    expect(socket.send('second')).toBe('ok')
    const third = socket.sendFragments(['third'])
    expect(socket.send(Buffer.from('fourth'))).toBe('ok')
    source.part('first')
    source.part('ignored: not asked for')
    await source.wanted(2)
    source.end()
    expect(await first).toBe('ok')
    expect(await third).toBe('ok')
    const frames = []
    for (let i = 0; i < 6; i++) frames.push(short(await peer.frame()))
    expect(frames).toEqual([
      [false, Opcode.Text, 'first'],
      [true, Opcode.Continuation, ''],
      [true, Opcode.Text, 'second'],
      [false, Opcode.Text, 'third'],
      [true, Opcode.Continuation, ''],
      [true, Opcode.Binary, 'fourth'],
    ])
  })

  test('as a control frame goes out between the fragments', async () => {
    const { socket, peer } = await rawPair()
    const source = new Source()
    const sent = socket.sendFragments(source)
    await source.wanted(1)
    source.part('a')
    await peer.frame()
    peer.send(Opcode.Ping, 'x')
    expect(short(await peer.frame())).toEqual([true, Opcode.Pong, 'x'])
    source.end()
    expect(short(await peer.frame())).toEqual([true, Opcode.Continuation, ''])
    expect(await sent).toBe('ok')
  })

  test('does not stop the fragments, however much it is', async () => {
    let drained = 0
    const { socket, messages } = await wsPair({ highWaterMark: 1000, drain: () => void drained++ })
    const source = new Source()
    const sent = socket.sendFragments(source)
    await source.wanted(1)
    source.part('a')
    await source.wanted(2)
    expect(socket.send('x'.repeat(5000))).toBe('slow')
    source.part('b')
    await source.wanted(3)
    const allGone = socket.drained()
    source.end()
    expect(await sent).toBe('ok')
    expect(await messages.take(2)).toEqual(['ab', 'x'.repeat(5000)])
    await allGone
    expect(socket.bufferedAmount).toBe(0)
    expect(drained).toBe(1)
  })
})

describe('a slow peer', () => {
  test('is not sent more than the high-water mark at once', async () => {
    const { socket, peer } = await rawPair()
    peer.stream.pause()
    const part = Buffer.alloc(64 * 1024, 7)
    const parts = 512
    let given = 0
    const sent = socket.sendFragments(
      (function* () {
        for (; given < parts; given++) yield part
      })(),
    )
    // The kernel takes a few MiB of the 32; the source is not asked for the rest.
    let before = -1
    while (before !== given) {
      before = given
      await setTimeout(50)
    }
    expect(given).toBeLessThan(parts)
    expect(socket.bufferedAmount).toBeLessThanOrEqual(3 * 64 * 1024)
    peer.discard()
    expect(await sent).toBe('ok')
    expect(given).toBe(parts)
  })
})

describe('a source that fails', () => {
  test('closes the connection with 1011, since the message cannot be finished', async () => {
    const { socket, peer } = await rawPair()
    const source = new Source()
    const sent = socket.sendFragments(source)
    await source.wanted(1)
    source.part('half')
    await source.wanted(2)
    const failure = new Error('The disk is gone.')
    source.fail(failure)
    await expect(sent).rejects.toBe(failure)
    expect(short(await peer.frame())).toEqual([false, Opcode.Text, 'half'])
    expect(await peer.closeFrame()).toEqual([1011, 'message not finished'])
    peer.stream.end()
    expect(await socket.closed).toMatchObject({ cause: 'handler-error', sent: 1011, error: failure })
  })

  test.each([
    { name: 'text and bytes in one message', parts: ['text', Buffer.from('bytes')] },
    { name: 'bytes and text in one message', parts: [Buffer.from('bytes'), 'text'] },
  ])('for one: $name', async ({ parts }) => {
    const { socket, peer } = await rawPair()
    await expect(socket.sendFragments(parts)).rejects.toThrow(
      new ArgumentError('The parts of one message are all strings or all bytes.'),
    )
    await peer.frame()
    expect(await peer.closeFrame()).toEqual([1011, 'message not finished'])
  })
})

describe('a connection that ends', () => {
  test('by close: the message is finished first', async () => {
    const { socket, peer } = await rawPair()
    const source = new Source()
    const sent = socket.sendFragments(source)
    await source.wanted(1)
    source.part('a')
    await source.wanted(2)
    socket.close(4000, 'done')
    expect(socket.send('too late')).toBe('closed')
    expect(await socket.sendFragments(['too late'])).toBe('closed')
    source.part('b')
    await source.wanted(3)
    source.end()
    expect(await sent).toBe('ok')
    expect(short(await peer.frame())).toEqual([false, Opcode.Text, 'a'])
    expect(short(await peer.frame())).toEqual([false, Opcode.Continuation, 'b'])
    expect(short(await peer.frame())).toEqual([true, Opcode.Continuation, ''])
    expect(await peer.closeFrame()).toEqual([4000, 'done'])
  })

  test('by close, and the source never goes on: the Close frame goes out between its fragments', async () => {
    const { socket, peer } = await rawPair({ closeTimeout: 60 })
    const source = new Source()
    const sent = socket.sendFragments(source)
    await source.wanted(1)
    source.part('a')
    await source.wanted(2)
    expect(socket.send('behind it')).toBe('ok')
    socket.close(4000, 'done')
    expect(short(await peer.frame())).toEqual([false, Opcode.Text, 'a'])
    expect(await peer.closeFrame()).toEqual([4000, 'done'])
    peer.sendClose(4000)
    peer.stream.end()
    expect(await sent).toBe('closed')
    expect(source.returned).toBe(true)
    expect(await socket.closed).toMatchObject({ cause: 'local-close', sent: 4000, wasClean: true, error: undefined })
  })

  test('by close, and the source never ends: as well', async () => {
    const { socket, client } = await wsPair({ closeTimeout: 60 })
    let given = 0
    const sent = socket.sendFragments(
      (async function* () {
        for (; ; given++) {
          await setTimeout(1)
          yield 'on and on'
        }
      })(),
    )
    const closed = wsClosed(client)
    socket.close(4000, 'done')
    expect(await closed).toEqual({ code: 4000, reason: 'done' })
    expect(await sent).toBe('closed')
    expect(given).toBeGreaterThan(0)
    expect(await socket.closed).toMatchObject({ sent: 4000, wasClean: true })
  })

  test('by close, and the source of a message behind another never goes on: as well', async () => {
    const { socket, peer } = await rawPair({ closeTimeout: 60 })
    const source = new Source()
    const first = socket.sendFragments(source)
    await source.wanted(1)
    const second = socket.sendFragments(new Source())
    socket.close(4000, 'done')
    source.end()
    expect(await first).toBe('ok')
    expect(short(await peer.frame())).toEqual([true, Opcode.Binary, ''])
    expect(await peer.closeFrame()).toEqual([4000, 'done'])
    peer.sendClose(4000)
    peer.stream.end()
    expect(await second).toBe('closed')
  })

  test('does not matter to what is no source', async () => {
    const { socket, peer } = await rawPair()
    // @ts-expect-error: numbers are not iterable
    await expect(socket.sendFragments(7)).rejects.toThrow(
      new ArgumentError('The parts of a message are iterable, which number is not.'),
    )
    socket.send('still open')
    expect(await peer.text()).toEqual([Opcode.Text, 'still open'])
  })

  test('by close, and then the source fails', async () => {
    const { socket, peer } = await rawPair()
    const source = new Source()
    const sent = socket.sendFragments(source)
    await source.wanted(1)
    source.part('a')
    await source.wanted(2)
    socket.close()
    source.fail(new Error('gone'))
    await expect(sent).rejects.toThrow('gone')
    await peer.frame()
    expect(await peer.closeFrame()).toEqual([1011, 'message not finished'])
  })

  test('by the peer: the source is not waited for', async () => {
    const { socket, peer } = await rawPair()
    const source = new Source()
    const sent = socket.sendFragments(source)
    await source.wanted(1)
    source.part('a')
    await source.wanted(2)
    peer.sendClose(1000)
    await peer.frame()
    expect(await peer.closeFrame()).toEqual([1000, ''])
    peer.stream.end()
    expect(await sent).toBe('closed')
    expect(source.returned).toBe(true)
    expect(source.asked).toBe(2)
  })

  test('by a reset, before the message could begin', async () => {
    const { socket, peer } = await rawPair()
    const source = new Source()
    const first = socket.sendFragments(source)
    const second = socket.sendFragments(['never'])
    await source.wanted(1)
    peer.stream.resetAndDestroy()
    expect(await first).toBe('closed')
    expect(await second).toBe('closed')
    expect(await socket.sendFragments(['never'])).toBe('closed')
  })
})
