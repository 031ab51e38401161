import { describe, expect, it } from 'vitest'
import { QUEUE } from '../../src/reconnect/options.ts'
import { Queue } from '../../src/reconnect/queue.ts'

describe('Queue', () => {
  it('gives messages in their order, and counts text as UTF-8', () => {
    const queue = new Queue(QUEUE)
    const blob = new Blob(['blob'])
    for (const data of ['é', new ArrayBuffer(3), new Uint16Array(2), blob]) expect(queue.add(data)).toEqual([])
    expect(queue.bytes).toBe(2 + 3 + 4 + 4)
    expect([queue.take(), queue.take(), queue.take(), queue.take(), queue.take()]).toEqual([
      'é',
      new ArrayBuffer(3),
      new Uint8Array(4),
      blob,
      undefined,
    ])
    expect(queue.bytes).toBe(0)
  })

  it('keeps what a message was when it was given', () => {
    const queue = new Queue(QUEUE)
    const memory = new Uint8Array([0, 1, 2, 3])
    queue.add(memory.subarray(1, 3))
    queue.add(memory.buffer)
    memory.fill(9)
    expect(queue.takeAll()).toEqual([new Uint8Array([1, 2]), new Uint8Array([0, 1, 2, 3]).buffer])
    expect(queue.bytes).toBe(0)
  })

  it('throws when it is full', () => {
    const byCount = new Queue({ ...QUEUE, maxMessages: 2 })
    const bySize = new Queue({ ...QUEUE, maxBytes: 2 })
    for (const queue of [byCount, bySize]) {
      queue.add('a')
      queue.add('b')
      expect(() => queue.add('c')).toThrow(expect.objectContaining({ name: 'QuotaExceededError' }))
      expect(queue.takeAll()).toEqual(['a', 'b'])
    }
  })

  it('drops the oldest, as many as it takes', () => {
    const queue = new Queue({ maxMessages: 3, maxBytes: 4, overflow: 'drop-oldest' })
    for (const data of ['a', 'b', 'c']) queue.add(data)
    expect(queue.add('d')).toEqual(['a'])
    expect(queue.add('eee')).toEqual(['b', 'c'])
    expect(queue.takeAll()).toEqual(['d', 'eee'])
  })

  it('drops a message that can never have room, and nothing for it', () => {
    const small = new Queue({ maxMessages: 3, maxBytes: 4, overflow: 'drop-oldest' })
    small.add('a')
    expect(small.add('12345')).toEqual(['12345'])
    expect(small.takeAll()).toEqual(['a'])
    expect(new Queue({ maxMessages: 0, maxBytes: 4, overflow: 'drop-oldest' }).add('a')).toEqual(['a'])
  })

  it('drops the newest', () => {
    const queue = new Queue({ maxMessages: 1, maxBytes: 4, overflow: 'drop-newest' })
    queue.add('a')
    expect(queue.add('b')).toEqual(['b'])
    expect(queue.takeAll()).toEqual(['a'])
  })
})
