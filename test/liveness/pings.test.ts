import { expect, test } from 'vitest'
import { Pings } from '../../src/liveness/pings.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

test('a pong answers its ping, and all before it', () => {
  const pings = new Pings()
  const settled: [string, number | undefined][] = []
  for (const [index, name] of ['a', 'b', 'c'].entries()) {
    pings.add(bytes(name), index * 10, (roundTrip) => settled.push([name, roundTrip]))
  }
  expect(pings.answered(bytes('b'), 100)).toBe(90)
  expect(settled).toEqual([
    ['a', 100],
    ['b', 90],
  ])
  expect(pings.answered(bytes('a'), 200)).toBeUndefined()
  expect(pings.answered(bytes('c'), 200)).toBe(180)
  expect(settled).toHaveLength(3)
})

test('a pong that answers none', () => {
  const pings = new Pings()
  expect(pings.answered(bytes('a'), 1)).toBeUndefined()
  pings.add(bytes('a'), 0)
  expect(pings.answered(bytes('ab'), 1)).toBeUndefined()
  expect(pings.answered(bytes(''), 1)).toBeUndefined()
  expect(pings.answered(bytes('a'), 1)).toBe(1)
})

test('the time runs from when the kernel has taken the ping', () => {
  const pings = new Pings()
  pings.add(bytes('a'), 0)
  pings.taken(50)
  pings.add(bytes('b'), 60)
  pings.taken(70)
  expect(pings.answered(bytes('a'), 100)).toBe(50)
  expect(pings.answered(bytes('b'), 100)).toBe(30)
})

test('payloads differ', () => {
  const pings = new Pings()
  const payloads = Array.from({ length: 1000 }, () => Buffer.from(pings.payload()).toString('hex'))
  expect(new Set(payloads).size).toBe(1000)
})

test('gives up the oldest of too many, and all in the end', () => {
  const pings = new Pings()
  const settled: (number | undefined)[] = []
  for (let i = 0; i < 1030; i++) pings.add(bytes(String(i)), i, () => settled.push(i))
  expect(settled).toEqual([0, 1, 2, 3, 4, 5])
  pings.giveUp()
  expect(settled).toHaveLength(1030)
  expect(pings.answered(bytes('1029'), 2000)).toBeUndefined()
})
