import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import {
  ArgumentError,
  type CloseReport,
  connect,
  createServer,
  handleSignals,
  type Server,
  type SignalOptions,
} from 'heartwire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { RawPeer } from '../support/raw-peer.ts'

/** A server that handles signals, in a process of its own. */
async function start(options: object = {}) {
  const file = fileURLToPath(new URL('programs/signals.mjs', import.meta.url))
  const child = spawn(process.execPath, [file, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  const printed = text(child.stderr)
  const told = new Mailbox<unknown>()
  createInterface(child.stdout).on('line', (line) => told.put(JSON.parse(line)))
  const failed = ended.then(async () => {
    throw new Error(`The process ended before it listened: ${await printed}`)
  })
  const { ports } = (await Promise.race([told.next(), failed])) as { ports: [number, ...number[]] }
  return { child, ended, printed, told, ports, url: `ws://127.0.0.1:${ports[0]}` }
}

/** Sends a signal, and waits for the server's Close frame: its first byte. */
async function signalAndSeeClose(child: ChildProcess, peer: RawPeer, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal)
  await peer.until(() => (peer.bytes[0] === 0x88 ? true : undefined))
}

const report = (connections: number, clean: number, cut = 0) => ({ closed: { connections, clean, cut, lost: 0 } })

// Windows has no signals: a process that is sent one just ends.
describe.skipIf(process.platform === 'win32')('handleSignals in a process', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('closes at %s, and lets the process end of it', async (signal) => {
    const { child, ended, printed, told, url } = await start({ reason: 'bye' })
    const socket = await connect(url)
    child.kill(signal)
    expect(await socket.closed).toMatchObject({ code: 1001, reason: 'bye', wasClean: true })
    expect(await ended).toEqual({ code: null, signal })
    expect(told.all.slice(1)).toEqual([report(1, 1), 'tidied up'])
    expect(await printed).toBe('')
  })

  test('closes several servers at once, and gives all their reports', async () => {
    const { child, ended, told, ports } = await start({ servers: 2, array: true, code: 1012 })
    const [first, second, third] = await Promise.all(
      [ports[0], ports[1], ports[1]].map((port) => connect(`ws://127.0.0.1:${port}`)),
    )
    child.kill('SIGTERM')
    for (const socket of [first, second, third]) expect(await socket?.closed).toMatchObject({ code: 1012 })
    expect(await ended).toEqual({ code: null, signal: 'SIGTERM' })
    expect(told.all.slice(1)).toEqual([{ closed: [report(1, 1).closed, report(2, 2).closed] }, 'tidied up'])
  })

  test('that is called for each of several servers: the process ends when the last one has closed', async () => {
    const { child, ended, told, ports } = await start({ servers: 2, separate: true, deadline: 600_000 })
    const slow = await RawPeer.open(ports[1] ?? 0)
    await signalAndSeeClose(child, slow, 'SIGTERM')
    expect((await told.reach(3)).slice(1)).toEqual([report(0, 0), 'tidied up'])
    const [code] = await slow.closeFrame()
    slow.sendClose(code)
    await slow.end()
    slow.stream.end()
    expect(await ended).toEqual({ code: null, signal: 'SIGTERM' })
    expect(told.all.slice(3)).toEqual([report(1, 1), 'tidied up'])
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('ends at once at a second signal, %s', async (second) => {
    const { child, ended, told, ports } = await start({ deadline: 600_000 })
    const silent = await RawPeer.open(ports[0])
    await signalAndSeeClose(child, silent, 'SIGTERM')
    child.kill(second)
    expect(await ended).toEqual({ code: null, signal: second })
    expect(told.all).toHaveLength(1)
  })

  test('cuts who does not answer by the deadline', async () => {
    const { child, ended, told, ports } = await start({ deadline: 50 })
    await RawPeer.open(ports[0])
    child.kill('SIGTERM')
    expect(await ended).toEqual({ code: null, signal: 'SIGTERM' })
    expect(told.all[1]).toEqual(report(1, 0, 1))
  })

  test('prints what `closed` throws, and ends all the same', async () => {
    const { child, ended, printed } = await start({ fail: true })
    child.kill('SIGTERM')
    expect(await ended).toEqual({ code: null, signal: 'SIGTERM' })
    expect(await printed).toContain('Error: could not tidy up')
  })

  test('listens for the signals that it is given, and for no other', async () => {
    const { child, ended, told } = await start({ signals: ['SIGHUP', 'SIGHUP'] })
    child.kill('SIGHUP')
    expect(await ended).toEqual({ code: null, signal: 'SIGHUP' })
    expect(told.all.slice(1)).toEqual([report(0, 0), 'tidied up'])

    const other = await start({ signals: ['SIGHUP'] })
    other.child.kill('SIGTERM')
    expect(await other.ended).toEqual({ code: null, signal: 'SIGTERM' })
    expect(other.told.all).toHaveLength(1)
  })

  test('is undone', async () => {
    const { child, ended, told, url } = await start({ undo: true })
    const socket = await connect(url)
    child.kill('SIGTERM')
    expect((await socket.closed).received).toBe(undefined)
    expect(await ended).toEqual({ code: null, signal: 'SIGTERM' })
    expect(told.all).toHaveLength(1)
  })
})

describe('handleSignals', () => {
  test('leaves no listener behind when it is undone', () => {
    const count = () => process.listenerCount('SIGTERM') + process.listenerCount('SIGINT')
    const before = count()
    const undo = handleSignals(createServer())
    expect(count()).toBe(before + 2)
    undo()
    expect(count()).toBe(before)
  })

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [{}, 'an object'],
    [5, '5'],
    [[], 'an empty array'],
    [[createServer(), {}], 'an array with an object'],
    [[undefined], 'an array with undefined'],
  ])('closes servers, and refuses %j', (servers, not) => {
    expect(() => handleSignals(servers as unknown as Server[])).toThrow(
      new ArgumentError(`handleSignals takes a server or an array of servers, not ${not}.`),
    )
  })

  test.each([
    ['spreadOver', { deadline: 10, spreadOver: 10 }],
    ['deadline', { deadline: 0 }],
    ['999', { code: 999 }],
    ['SIGKILL', { signals: ['SIGKILL' as const] }],
    ['not "SIGTERM"', { signals: 'SIGTERM' as unknown as NodeJS.Signals[] }],
    ['The option signals names one signal or more, not none.', { signals: [] }],
    ['SIGNOTHING', { signals: ['SIGNOTHING' as NodeJS.Signals] }],
    ['closed', { closed: 'later' as unknown as () => void }],
    ['There is no option "signal" of handleSignals. Did you mean signals?', { signal: 'SIGTERM' }],
  ])('refuses at once what cannot be: %s', (part, options) => {
    const before = process.listenerCount('SIGTERM')
    const handle = () => handleSignals([createServer()], options as SignalOptions<CloseReport[]>)
    expect(handle).toThrow(ArgumentError)
    expect(handle).toThrow(part)
    expect(process.listenerCount('SIGTERM')).toBe(before)
  })
})
