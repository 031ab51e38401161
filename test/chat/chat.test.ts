import { once } from 'node:events'
import { explainFrame } from 'heartwire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type Chat, createChat } from '../../chat/chat.ts'
import { FAULTS, type Heartbeat } from '../../chat/wire.ts'
import { TestLab, TestMember } from './client.ts'

let chat: Chat
let port: number
const lines: string[] = []

/** For the tests that wait for a death. */
const QUICK: Heartbeat = { interval: 300, timeout: 300 }

async function start(heartbeat: Heartbeat): Promise<void> {
  chat = createChat({
    site: (_request, response) => response.end('the page'),
    heartbeat,
    pulse: 40,
    log: (line) => lines.push(line),
  })
  port = await chat.listen(0, '127.0.0.1')
}

beforeEach(() => start({ interval: 5_000, timeout: 5_000 }))

afterEach(async () => {
  await chat.close()
  lines.length = 0
})

describe('a room', () => {
  it('shows who joins and who leaves, with the cause', async () => {
    const ada = await TestMember.join(port, 'Ada')
    const bob = await TestMember.join(port, 'Bob')
    expect(await ada.entry('join', 'Bob')).toBe('Bob joined')
    expect(ada.members).toEqual(['Ada', 'Bob'])
    expect((await bob.welcome()).entries.map(({ text }) => text)).toEqual(['Ada joined', 'Bob joined'])

    bob.socket.close(1001)
    expect(await ada.entry('leave')).toBe('Bob closed the tab (1001)')
    expect(ada.members).toEqual(['Ada'])
    expect(lines).toEqual(['#lobby: Ada joined', '#lobby: Bob joined', '#lobby: Bob closed the tab (1001)'])
  })

  it('tells a connection that is cut off from one that is reset', async () => {
    const ada = await TestMember.join(port, 'Ada')
    const bob = await TestMember.join(port, 'Bob')
    bob.socket.terminate()
    expect(await ada.entry('death', 'Bob')).toMatch(/^Bob’s connection (ended without a goodbye|was reset) \(1006\)$/)
  })

  it('passes on what is said, to everybody in the room and nobody else', async () => {
    const ada = await TestMember.join(port, 'Ada')
    const bob = await TestMember.join(port, 'Bob')
    const eve = await TestMember.join(port, 'Eve', 'elsewhere')
    ada.send({ type: 'say', text: 'hello <b>' })
    expect(await Promise.all([ada.entry('say'), bob.entry('say')])).toEqual(['hello <b>', 'hello <b>'])
    eve.send({ type: 'say', text: 'nobody here' })
    expect(await eve.entry('say')).toBe('nobody here')
    expect(ada.notices.filter(({ type }) => type === 'entry')).toHaveLength(2)
  })

  it('gives a taken name a number, and lets a member take another name or go to another room', async () => {
    const ada = await TestMember.join(port, 'Ada')
    const other = await TestMember.join(port, 'ada')
    expect((await other.welcome()).you.name).toBe('ada 2')
    other.send({ type: 'join', room: 'lobby', name: 'Bob' })
    expect(await ada.entry('rename')).toBe('ada 2 is now Bob')
    other.send({ type: 'join', room: 'garden', name: 'Bob' })
    expect(await ada.entry('leave')).toBe('Bob moved to #garden')
    expect((await other.welcome('garden')).members.map(({ name }) => name)).toEqual(['Bob'])
  })

  it('keeps its history for those who come back', async () => {
    const ada = await TestMember.join(port, 'Ada')
    ada.socket.close(1000)
    await ada.closed()
    const back = await TestMember.join(port, 'Ada')
    const { entries, epoch } = await back.welcome()
    expect(entries.map(({ text }) => text)).toEqual(['Ada joined', 'Ada left (1000)', 'Ada joined'])
    expect(epoch).toBe((await ada.welcome()).epoch)
  })

  it('answers nonsense with an explanation, and lives on', async () => {
    const ada = await TestMember.join(port, 'Ada')
    ada.socket.send('nonsense')
    expect(await ada.error()).toMatch(/^The message is no JSON: /)
    const guest = new TestMember(`ws://127.0.0.1:${port}/chat`)
    await once(guest.socket, 'open')
    guest.send({ type: 'say', text: 'hello' })
    expect(await guest.error()).toBe('Join a room before you say something.')
    ada.send({ type: 'say', text: 'still here' })
    expect(await ada.entry('say')).toBe('still here')
  })

  it('shows the round-trip time of everybody', async () => {
    const ada = await TestMember.join(port, 'Ada')
    const bob = await TestMember.join(port, 'Bob')
    const trips = await ada.find(
      (notice) =>
        notice.type === 'pulse' &&
        notice.members.length === 2 &&
        notice.members.every(({ roundTrip }) => roundTrip !== null) &&
        notice,
    )
    expect(trips.members.map(({ id }) => id)).toEqual([(await ada.welcome()).you.id, (await bob.welcome()).you.id])
    for (const { roundTrip } of trips.members) expect(roundTrip).toBeLessThan(1_000)
    expect(trips.rooms).toEqual([{ name: 'lobby', members: 2 }])
  })
})

describe('a network that stays broken', () => {
  beforeEach(async () => {
    await chat.close()
    await start(QUICK)
  })

  it.each(FAULTS)('%s: is seen by the others when no pong came', async (fault) => {
    const ada = await TestMember.join(port, 'Ada')
    const bob = await TestMember.join(port, 'Bob')
    const lab = await TestLab.of(port, bob)
    const { deadIn, patience } = await lab.set(fault)
    expect(patience).toBe(600)
    expect(deadIn).toBeGreaterThan(0)
    expect(deadIn).toBeLessThanOrEqual(600)
    const told = 'Bob’s network went silent (no pong for 0.6 s)'
    const [text, { text: shown, after }, { code }] = await Promise.all([ada.entry('death'), lab.dead(), bob.closed()])
    expect(text).toBe(told)
    expect(shown).toBe(told)
    expect(after).toBeGreaterThan(0)
    expect(code).toBe(1006)
    expect(ada.members).toEqual(['Ada'])
  })

  it('hides what the silent one says, which still hears', async () => {
    const ada = await TestMember.join(port, 'Ada')
    const bob = await TestMember.join(port, 'Bob')
    const lab = await TestLab.of(port, bob)
    await lab.set('silent')
    bob.send({ type: 'say', text: 'into the void' })
    ada.send({ type: 'say', text: 'can you hear me?' })
    expect(await bob.entry('say')).toBe('can you hear me?')
    await ada.entry('death')
    expect(
      ada.notices.filter(
        (notice) => notice.type === 'entry' && notice.entry.name === 'Bob' && notice.entry.kind === 'say',
      ),
    ).toEqual([])
  })

  it('lets the others hear the one who does not read, for whom bytes pile up', async () => {
    const ada = await TestMember.join(port, 'Ada')
    const bob = await TestMember.join(port, 'Bob')
    const lab = await TestLab.of(port, bob)
    await lab.set('stalled')
    bob.send({ type: 'say', text: 'still talking' })
    expect(await ada.entry('say')).toBe('still talking')
    const waiting = await lab.find((notice) => notice.type === 'fault' && notice.waiting > 100 && notice.waiting)
    expect(waiting).toBeGreaterThan(100)
    await ada.entry('death')
    expect(bob.notices.filter((notice) => notice.type === 'entry' && notice.entry.kind === 'say')).toEqual([])
  })
})

describe('a broken network', () => {
  it('that is mended in time is seen by nobody, and loses nothing', async () => {
    const ada = await TestMember.join(port, 'Ada')
    const bob = await TestMember.join(port, 'Bob')
    const lab = await TestLab.of(port, bob)
    await lab.set('cut')
    ada.send({ type: 'say', text: 'to Bob' })
    bob.send({ type: 'say', text: 'to Ada' })
    await ada.entry('say', 'Ada')
    await lab.set(null)
    expect(await ada.entry('say', 'Bob')).toBe('to Ada')
    expect(await bob.entry('say', 'Ada')).toBe('to Bob')
    expect(ada.notices.filter((notice) => notice.type === 'entry' && notice.entry.kind === 'death')).toEqual([])
  })
})

describe('the laboratory', () => {
  it('shows the frames of its connection in both directions, as they were on the wire', async () => {
    const ada = await TestMember.join(port, 'Ada')
    const lab = await TestLab.of(port, ada)
    const join = await lab.frame(({ direction, opcode }) => direction === 'in' && opcode === 1)
    const payload = JSON.stringify({ type: 'join', room: 'lobby', name: 'Ada' })
    expect(join.length).toBe(payload.length)
    const drawing = explainFrame(Buffer.from(join.bytes, 'hex'))
    expect(drawing).toContain('masking key')
    expect(drawing).toContain(JSON.stringify(payload.slice(0, 32)))

    const ping = await lab.frame(({ direction, opcode }) => direction === 'out' && opcode === 9)
    const pong = await lab.frame(({ direction, opcode }) => direction === 'in' && opcode === 10)
    expect(pong.length).toBe(ping.length)
    const welcome = await lab.frame(({ direction, opcode }) => direction === 'out' && opcode === 1)
    expect(explainFrame(Buffer.from(welcome.bytes, 'hex'))).toContain('text = "{\\"type\\":\\"welcome\\"')
    expect(welcome.bytes).toHaveLength(2 * (4 + 64))
  })

  it('opens for its own token only, and to one viewer', async () => {
    const ada = await TestMember.join(port, 'Ada')
    const stranger = new WebSocket(`ws://127.0.0.1:${port}/lab?token=guess`)
    const [error] = await once(stranger, 'error')
    expect(String(error)).toContain('403')
    const first = await TestLab.of(port, ada)
    const second = await TestLab.of(port, ada)
    expect(await first.closed()).toEqual({ code: 1000, reason: 'watched from elsewhere' })
    expect(await second.set('cut')).toMatchObject({ fault: 'cut' })
  })

  it('answers nonsense with an explanation', async () => {
    const ada = await TestMember.join(port, 'Ada')
    const lab = await TestLab.of(port, ada)
    lab.socket.send('{"type":"fault","fault":"fire"}')
    expect(await lab.find((notice) => notice.type === 'error' && notice.message)).toContain('"fire"')
  })
})

describe('the server', () => {
  it('serves the page beside the sockets, and no other socket', async () => {
    const response = await fetch(`http://127.0.0.1:${port}/`)
    expect(await response.text()).toBe('the page')
    const [error] = await once(new WebSocket(`ws://127.0.0.1:${port}/other`), 'error')
    expect(String(error)).toContain('404')
  })

  it('refuses pages of other sites', async () => {
    const [error] = await once(new WebSocket(`ws://127.0.0.1:${port}/chat`, { origin: 'http://evil.example' }), 'error')
    expect(String(error)).toContain('403')
  })

  it('says goodbye to everybody with 1001, also through a broken network', async () => {
    const ada = await TestMember.join(port, 'Ada')
    const bob = await TestMember.join(port, 'Bob')
    const lab = await TestLab.of(port, bob)
    await lab.set('cut')
    expect(chat.connections).toBe(3)
    const closed = Promise.all([ada.closed(), bob.closed(), lab.closed()])
    await chat.close()
    const goodbye = { code: 1001, reason: 'the server is going away' }
    expect((await closed).slice(0, 2)).toEqual([goodbye, goodbye])
    expect(chat.connections).toBe(0)
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow()
  })

  it('rejects when the port is taken', async () => {
    const other = createChat({ site: () => {} })
    await expect(other.listen(port, '127.0.0.1')).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
