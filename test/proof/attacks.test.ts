// Every attack, small and short: what the attackers see, what the server counts, and that nobody else loses anything.
// Nothing here is about speed.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Result } from '../../proof/attacks/measure.ts'
import { findScenario, SCENARIOS } from '../../proof/attacks/scenarios.ts'
import { judge } from '../../proof/attacks/verdict.ts'
import { type Ended, run } from './program.ts'

const out = mkdtempSync(join(tmpdir(), 'heartwire-attacks-'))
afterAll(() => rmSync(out, { recursive: true, force: true }))

let ended: Ended
const results: Result[] = []
const quick = SCENARIOS.map(({ name }) => name).filter((name) => name !== 'never-reads')

beforeAll(async () => {
  const json = join(out, 'attacks.json')
  const measure = async (names: string[], seconds: string) => {
    ended = await run('attacks', '--scale', '0.02', '--seconds', seconds, '--json', json, '--markdown', ...names)
    results.push(...(JSON.parse(readFileSync(json, 'utf8')) as { results: Result[] }).results)
  }
  // What fills the queues of those who never read must not be too much in a time for those who do.
  await measure(['never-reads'], '3')
  await measure(quick, '0.5')
}, 180_000)

function resultOf(name: string): Result {
  const result = results.find((one) => one.name === name)
  if (result === undefined) throw new Error(`${name} was not measured: ${ended.stderr}`)
  return result
}

function sum(counts: object): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

/** What attackers see, and what `server.stats()` counts: why connections ended, and why handshakes were refused. */
const rows: { name: string; saw: string[]; closed: string[]; refused: string[] }[] = [
  { name: 'slow-handshake', saw: ['408'], closed: [], refused: ['HANDSHAKE_TIMEOUT'] },
  {
    name: 'handshake-flood',
    saw: ['403', '503', 'open'],
    closed: ['eof'],
    refused: ['ORIGIN_REFUSED', 'TOO_MANY_HANDSHAKES'],
  },
  { name: 'header-names', saw: ['431'], closed: [], refused: ['HEADERS_TOO_LARGE'] },
  { name: 'one-address', saw: ['503', 'open'], closed: ['eof'], refused: ['TOO_MANY_CONNECTIONS'] },
  { name: 'huge-header', saw: ['1009'], closed: ['message-too-large'], refused: [] },
  { name: 'tiny-fragments', saw: ['1008'], closed: ['protocol-error'], refused: [] },
  { name: 'empty-fragments', saw: ['1008', 'open'], closed: ['eof', 'protocol-error'], refused: [] },
  { name: 'ping-flood', saw: ['1008'], closed: ['rate-limit'], refused: [] },
  { name: 'invalid-utf8', saw: ['1007'], closed: ['protocol-error'], refused: [] },
  { name: 'never-reads', saw: ['1013'], closed: ['slow-consumer'], refused: [] },
  { name: 'close-storm', saw: ['1000'], closed: ['peer-close'], refused: [] },
  { name: 'reset-storm', saw: ['reset by the attacker'], closed: ['reset'], refused: [] },
]

test('there is a row for every scenario', () => {
  expect(rows.map(({ name }) => name)).toEqual(SCENARIOS.map(({ name }) => name))
})

describe.each(rows)('$name', ({ name, saw, closed, refused }) => {
  test('hurts nobody', () => {
    const { failures, clients } = resultOf(name)
    expect(failures).toEqual([])
    expect(clients).toMatchObject({ clients: 5, died: 0, deaths: [], disordered: 0, answers: true })
    expect(clients.sent).toBeGreaterThan(0)
    expect(clients.echoed).toBe(clients.sent)
    expect(clients.newsDue).toBeGreaterThan(0)
    expect(clients.newsReceived).toBe(clients.newsDue)
  })

  test('is answered as it should be', () => {
    const { attack, after } = resultOf(name)
    expect(Object.keys(attack.outcomes).toSorted()).toEqual(saw)
    expect(Object.keys(after.server.closed).toSorted()).toEqual(closed)
    expect(Object.keys(after.server.refused).toSorted()).toEqual(refused)
    // Each attacker's connection is counted, and once.
    expect(sum(after.server.closed) + sum(after.server.refused)).toBe(sum(attack.outcomes))
  })
})

test('one address gets as many connections as it may have', () => {
  expect(resultOf('one-address').attack.outcomes.open).toBe(20)
})

test('a row says what was done at its scale, and all of it was', () => {
  const { title, attack } = resultOf('handshake-flood')
  expect(title).toBe('300 handshakes: 200 with an `upgrade` hook that takes 0.1 s, 100 from a foreign origin')
  expect({ done: attack.done, got: sum(attack.outcomes) }).toEqual({ done: { handshakes: 300 }, got: 300 })
})

test('the table has a row for each, and the exit code is 0', () => {
  expect(ended.code).toBe(0)
  const lines = ended.stdout.trimEnd().split('\n')
  expect(lines).toHaveLength(2 + quick.length + 2)
  for (const [i, name] of quick.entries()) expect(lines[2 + i]).toMatch(`| \`${name}\`: `)
  const columns = lines.slice(0, -2).map((line) => line.split(' | ').length)
  expect(new Set(columns)).toEqual(new Set([6]))
  expect(lines.at(-1)).toMatch(
    /^Measured on \d{4}-\d\d-\d\d: .*; heartwire .*, Node\.js [\d.]+; scale 0\.02, 0\.5 s\.$/,
  )
})

describe('the verdict', () => {
  const verdict = (change: (result: Result) => void) => {
    const result = structuredClone(resultOf('huge-header'))
    change(result)
    return judge(result, findScenario('huge-header'))
  }

  test.each<[string, (result: Result) => void, string[]]>([
    ['nothing', () => {}, []],
    [
      'a client that died',
      ({ clients }) => Object.assign(clients, { died: 1, deaths: ['1006, reset'] }),
      [
        '1 of 5 well-behaved clients lost their connection: 1006, reset',
        'the server has 5 sockets after the attack, and 4 clients are there',
        'the server has 5 TCP connections after the attack, and 4 clients are there',
      ],
    ],
    [
      'an echo that is missing',
      ({ clients }) => Object.assign(clients, { sent: 100, echoed: 99 }),
      ['of 100 messages 99 were echoed'],
    ],
    [
      'a published message that is missing',
      ({ clients }) => Object.assign(clients, { newsDue: 100, newsReceived: 99 }),
      ['of 100 published messages 99 arrived'],
    ],
    [
      'no published message at all',
      ({ clients }) => Object.assign(clients, { newsDue: 0, newsReceived: 0 }),
      ['nothing was published'],
    ],
    [
      'messages out of order',
      ({ clients }) => Object.assign(clients, { disordered: 2 }),
      ['2 messages came twice or out of order'],
    ],
    [
      'a server that does not answer any more',
      ({ clients }) => Object.assign(clients, { answers: false }),
      ['a newcomer was not answered after the attack'],
    ],
    [
      'memory above the limits',
      ({ before, during }) => Object.assign(during.server, { peakRss: before.server.rss + 66 * 1024 * 1024 }),
      ['memory grew by 66.0 MiB; the limits allow 1.0 MiB, and 64.0 MiB is slack'],
    ],
    [
      'sockets that stay',
      ({ left }) => Object.assign(left, { webSocket: 6, tcp: 7 }),
      [
        'the server has 6 sockets after the attack, and 5 clients are there',
        'the server has 7 TCP connections after the attack, and 5 clients are there',
      ],
    ],
    [
      'a flooded log',
      (result) => {
        for (const { server } of [result.before, result.during, result.after]) server.seconds = 3
        result.after.server.logged = 25
      },
      ['25 lines were logged in 9 s'],
    ],
    [
      'another answer',
      ({ attack }) => Object.assign(attack, { outcomes: { 1009: 3, reset: 2 } }),
      ['2 attackers saw "reset"'],
    ],
    ['not the answer that is due', ({ attack }) => Object.assign(attack, { outcomes: {} }), ['no attacker saw "1009"']],
  ])('of %s', (_, change, failures) => {
    expect(verdict(change)).toEqual(failures)
  })
})

describe('the command line', () => {
  test('lists the scenarios, and runs those that are named', async () => {
    const { code, stdout } = await run('attacks', '--list')
    expect(code).toBe(0)
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(rows.map(({ name }) => name))

    const one = await run('attacks', 'close-storm', '--scale', '0.01', '--seconds', '0.2')
    expect(one.code).toBe(0)
    expect(one.stderr).toMatch(/^1 attacks, about 3 s\n\[1\/1\] close-storm: /)
    expect(one.stdout).toMatch(/^ok {5}close-storm: /)
  })

  test.each([
    [['--only', 'nothing'], 'no scenario is called "nothing"; --list prints their names'],
    [['--scale', '2'], '--scale takes a number from 0.001 to 1, not "2"'],
    [['--seconds', '0'], '--seconds takes a number from 0.2 to 600, not "0"'],
    [['--seconds', '-1'], '--seconds takes a number from 0.2 to 600, not "-1"'],
    [['--json', ''], '--json takes the name of a file'],
    [['--what'], "Unknown option '--what'; --help lists the options"],
  ])('%j is a mistake, exit code 2', async (args, message) => {
    expect(await run('attacks', ...args)).toEqual({ code: 2, stdout: '', stderr: `attacks: ${message}\n` })
  })
})
