import { expect, test } from 'vitest'
import { Topics } from '../../src/topics/topics.ts'

class Member {
  readonly got: string[] = []
  onDeliver = () => {}
  takes = true
}

class TestTopics extends Topics<Member> {
  send(topic: string, message: string, except?: Member): number {
    const deliver = (member: Member) => {
      member.got.push(message)
      member.onDeliver()
      return member.takes
    }
    return this.publish(topic, deliver, except)
  }
}

test('delivers to those who have subscribed', () => {
  const all = new TestTopics()
  const [a, b] = [new Member(), new Member()]
  expect(all.subscribe(a, 'x')).toBe(true)
  expect(all.subscribe(a, 'x')).toBe(false)
  expect(all.subscribe(b, 'x')).toBe(true)
  expect(all.subscribe(b, 'y')).toBe(true)
  expect(all.send('x', '1')).toBe(2)
  expect(all.send('y', '2')).toBe(1)
  expect(all.send('z', '3')).toBe(0)
  expect(all.send('x', '4', a)).toBe(1)
  expect(all.send('y', '5', a)).toBe(1)
  expect([a.got, b.got]).toEqual([['1'], ['1', '2', '4', '5']])
})

test('forgets who leaves, and topics that nobody is left in', () => {
  const all = new TestTopics()
  const [a, b] = [new Member(), new Member()]
  for (const topic of ['x', 'y']) for (const member of [a, b]) all.subscribe(member, topic)
  expect([...all.topicsOf(a)]).toEqual(['x', 'y'])
  all.leave(a)
  all.leave(a)
  expect([...all.topicsOf(a)]).toEqual([])
  expect(all.unsubscribe(a, 'x')).toBe(false)
  expect([all.subscriberCount('x'), all.subscriberCount('y')]).toEqual([1, 1])
  expect(all.unsubscribe(b, 'x')).toBe(true)
  expect(all.unsubscribe(b, 'x')).toBe(false)
  expect(all.subscriberCount('x')).toBe(0)
  expect(all.send('x', '1')).toBe(0)
  all.leave(b)
  expect(all.subscriberCount('y')).toBe(0)
  expect(all.subscribe(a, 'x')).toBe(true)
})

test('one who leaves while a message is delivered does not keep it from the others', () => {
  const all = new TestTopics()
  const members = [new Member(), new Member(), new Member()]
  for (const member of members) all.subscribe(member, 'x')
  const [first, second, third] = members
  if (!first || !second || !third) throw new Error('three were made')
  first.onDeliver = () => {
    all.leave(first)
    all.leave(second)
  }
  expect(all.send('x', '1')).toBe(2)
  expect([first.got, second.got, third.got]).toEqual([['1'], [], ['1']])
})

test('one who subscribes while a message is delivered does not get it, even if it had before', () => {
  const all = new TestTopics()
  const [a, b, late] = [new Member(), new Member(), new Member()]
  for (const member of [a, b]) all.subscribe(member, 'x')
  const again = (member: Member) => () => {
    // Else it would be visited for ever.
    if (member.got.length > 1) throw new Error('visited twice')
    all.unsubscribe(member, 'x')
    all.subscribe(member, 'x')
    all.subscribe(late, 'x')
  }
  a.onDeliver = again(a)
  b.onDeliver = again(b)
  expect(all.send('x', '1')).toBe(2)
  expect([a.got, b.got, late.got]).toEqual([['1'], ['1'], []])
  a.onDeliver = b.onDeliver = () => {}
  expect(all.send('x', '2')).toBe(3)
})

test('one who subscribes while a message is delivered gets what is published from then on', () => {
  const all = new TestTopics()
  const [a, late] = [new Member(), new Member()]
  all.subscribe(a, 'x')
  a.onDeliver = () => {
    a.onDeliver = () => {}
    all.subscribe(late, 'x')
    all.subscribe(late, 'y')
    expect(all.send('x', '2')).toBe(2)
    expect(all.send('y', '3')).toBe(1)
  }
  expect(all.send('x', '1')).toBe(1)
  expect([a.got, late.got]).toEqual([
    ['1', '2'],
    ['2', '3'],
  ])
})

test('what fails while a message is delivered changes nothing for the next one', () => {
  const all = new TestTopics()
  const [a, late] = [new Member(), new Member()]
  all.subscribe(a, 'x')
  a.onDeliver = () => {
    throw new Error('boom')
  }
  expect(() => all.send('x', '1')).toThrow('boom')
  a.onDeliver = () => all.subscribe(late, 'x')
  expect(all.send('x', '2')).toBe(1)
  expect(all.send('x', '3')).toBe(2)
})

test('counts those who took it', () => {
  const all = new TestTopics()
  const [a, b] = [new Member(), new Member()]
  for (const member of [a, b]) all.subscribe(member, 'x')
  a.takes = false
  expect(all.send('x', '1')).toBe(1)
})
