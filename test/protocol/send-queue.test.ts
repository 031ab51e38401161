import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { Opcode } from '../../src/protocol/opcode.ts'
import { SendQueue, type Waiting } from '../../src/protocol/send-queue.ts'

function message(data: string | Uint8Array, key?: string): Waiting {
  return { firstByte: 0x80 | Opcode.Binary, data, size: data.length, begin: undefined, key, asIs: false, since: 0 }
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describe('a queue', () => {
  test('is first in, first out, however long it becomes', () => {
    const queue = new SendQueue()
    let next = 0
    for (let i = 0; i < 5000; i++) {
      queue.push(message(String(i)))
      if (i % 3 !== 0) expect(queue.shift()?.data).toBe(String(next++))
    }
    expect(queue.length).toBe(5000 - next)
    while (queue.length > 0) expect(queue.shift()?.data).toBe(String(next++))
    expect([next, queue.size, queue.first, queue.shift()]).toEqual([5000, 0, undefined, undefined])
  })

  test('holds nothing of what has left it', async () => {
    const queue = new SendQueue()
    const references = Array.from({ length: 100 }, () => {
      const data = new Uint8Array(1000)
      queue.push(message(data))
      return new WeakRef(data)
    })
    queue.push(message('last'))
    for (let i = 0; i < 100; i++) queue.shift()
    // What a WeakRef was made for is held until the turn is over.
    await new Promise(setImmediate)
    collectGarbage()
    expect(references.filter((reference) => reference.deref() !== undefined)).toHaveLength(0)
    expect(queue.first?.data).toBe('last')
  })

  test('gives up what is taken out of it, wherever it stands', () => {
    const queue = new SendQueue()
    for (let i = 0; i < 10; i++) queue.push(message(String(i), `key ${i}`))
    for (let i = 0; i < 3; i++) queue.shift()
    const removed = queue.remove(({ data }) => Number(data) % 2 === 0)
    expect(removed.map(({ data }) => data)).toEqual(['4', '6', '8'])
    expect([queue.length, queue.size]).toEqual([4, 4])
    expect([queue.withKey('key 4'), queue.withKey('key 5')?.data]).toEqual([undefined, '5'])
    queue.push(message('last'))
    const rest = Array.from({ length: 5 }, () => queue.shift()?.data)
    expect([...rest, queue.length, queue.size]).toEqual(['3', '5', '7', '9', 'last', 0, 0])
  })

  test('a newer message with the same key stands where the older one stood', () => {
    const queue = new SendQueue()
    queue.push(message('EUR 1', 'EUR'))
    queue.push(message('USD 1', 'USD'))
    queue.replace(queue.withKey('EUR')!, message('EUR 22', 'EUR'))
    expect(queue.size).toBe(11)
    expect([queue.shift()?.data, queue.withKey('EUR'), queue.shift()?.data]).toEqual(['EUR 22', undefined, 'USD 1'])
  })
})
