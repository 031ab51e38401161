import { describe, expect, it } from 'vitest'
import { ROOMS_KEPT, Room, Rooms } from '../../chat/room.ts'
import { HISTORY, LIMITS } from '../../chat/wire.ts'

describe('Room', () => {
  it('records who joins, speaks and leaves, numbered from 1', () => {
    let now = 1000
    const room = new Room('lobby', () => now++)
    room.join('a', 'Ada')
    room.say('a', 'hello')
    room.leave('a', 'leave', (name) => `${name} closed the tab (1001)`)
    expect(room.entries).toEqual([
      { n: 1, at: 1000, kind: 'join', from: 'a', name: 'Ada', text: 'Ada joined' },
      { n: 2, at: 1001, kind: 'say', from: 'a', name: 'Ada', text: 'hello' },
      { n: 3, at: 1002, kind: 'leave', from: 'a', name: 'Ada', text: 'Ada closed the tab (1001)' },
    ])
    expect(room.members).toEqual([])
  })

  it('gives everybody a name of their own, also where names only look different', () => {
    const room = new Room('lobby')
    const names = ['Ada', 'ada', 'ＡＤＡ', 'Ada 2', 'Bob'].map((name, id) => room.join(String(id), name).name)
    expect(names).toEqual(['Ada', 'ada 2', 'ＡＤＡ 3', 'Ada 2 2', 'Bob'])
  })

  it('keeps a numbered name within the limit, and well-formed', () => {
    const room = new Room('lobby')
    const long = 'x'.repeat(LIMITS.name)
    room.join('a', long)
    expect(room.join('b', long).name).toBe(`${'x'.repeat(LIMITS.name - 2)} 2`)
    const emoji = `x${'😀'.repeat(11)}x`
    room.join('c', emoji)
    const { name } = room.join('d', emoji)
    expect(name).not.toMatch(/\p{Cs}/u)
    expect(name.length).toBeLessThanOrEqual(LIMITS.name)
  })

  it('renames, but neither to the same name nor to a taken one', () => {
    const room = new Room('lobby')
    room.join('a', 'Ada')
    room.join('b', 'Bob')
    expect(room.rename('a', 'Ada')).toBeUndefined()
    expect(room.rename('a', 'Bob')?.text).toBe('Ada is now Bob 2')
    expect(room.rename('a', 'Bob')).toBeUndefined()
    expect(room.rename('a', 'BOB 2')?.text).toBe('Bob 2 is now BOB 2')
    expect(room.members).toEqual([
      { id: 'a', name: 'BOB 2' },
      { id: 'b', name: 'Bob' },
    ])
  })

  it('has nothing to record of those who are not in it', () => {
    const room = new Room('lobby')
    expect(room.say('a', 'hello')).toBeUndefined()
    expect(room.rename('a', 'Ada')).toBeUndefined()
    expect(room.leave('a', 'leave', String)).toBeUndefined()
    expect(room.entries).toEqual([])
  })

  it('keeps the last entries only', () => {
    const room = new Room('lobby')
    room.join('a', 'Ada')
    for (let i = 0; i < HISTORY + 5; i++) room.say('a', String(i))
    expect(room.entries).toHaveLength(HISTORY)
    expect(room.entries[0]?.n).toBe(7)
    expect(room.entries.at(-1)?.text).toBe(String(HISTORY + 4))
  })
})

describe('Rooms', () => {
  it('gives the same room for the same name, with its history after the last member has left', () => {
    const rooms = new Rooms()
    const room = rooms.get('lobby')
    room.join('a', 'Ada')
    room.leave('a', 'leave', (name) => `${name} left`)
    expect(rooms.get('lobby')).toBe(room)
    expect(rooms.sizes()).toEqual([])
    expect(room.entries).toHaveLength(2)
  })

  it('lists the fullest rooms first', () => {
    const rooms = new Rooms()
    for (const [room, count] of [
      ['b', 1],
      ['a', 1],
      ['c', 2],
    ] as const) {
      for (let i = 0; i < count; i++) rooms.get(room).join(String(i), 'Ada')
    }
    rooms.get('empty')
    expect(rooms.sizes()).toEqual([
      { name: 'c', members: 2 },
      { name: 'a', members: 1 },
      { name: 'b', members: 1 },
    ])
    expect(rooms.sizes(1)).toEqual([{ name: 'c', members: 2 }])
  })

  it('forgets the room that was empty for the longest time, and none with members', () => {
    const rooms = new Rooms()
    rooms.get('full').join('a', 'Ada')
    const first = rooms.get('first')
    const second = rooms.get('second')
    for (let i = 0; i < ROOMS_KEPT - 3; i++) rooms.get(`r${i}`)
    expect(rooms.get('first')).toBe(first)
    rooms.get('one too many')
    expect(rooms.get('full').size).toBe(1)
    expect(rooms.get('first')).toBe(first)
    expect(rooms.get('second')).not.toBe(second)
  })
})
