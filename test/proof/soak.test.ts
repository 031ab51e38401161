// The soak as a program, for a few seconds. Nothing here is about speed: only that all is there, and that nothing is lost.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Report } from '../../proof/soak/report.ts'
import { run } from './program.ts'

const out = mkdtempSync(join(tmpdir(), 'heartwire-soak-'))
afterAll(() => rmSync(out, { recursive: true, force: true }))

function read(): Report {
  return JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report
}

test('a short soak is passed, and reported', { timeout: 120_000 }, async () => {
  const { code, stdout } = await run('soak', '--minutes', '0.1', '--clients', '30', '--seed', '7', '--out', out)
  const report = read()
  expect(report.problems).toEqual([])
  expect(report.checks.filter(({ ok }) => !ok)).toEqual([])
  expect(report.checks).toHaveLength(13)
  expect({ code, ok: report.ok }).toEqual({ code: 0, ok: true })
  expect(report.settings).toEqual({ minutes: 0.1, clients: 30, seed: 7, settlingSeconds: 2 })

  expect(report.samples).toHaveLength(6)
  const { totals, closed } = report
  expect(totals.messages).toBeGreaterThan(0)
  // Each connection has one end, and the last five are those on which the server was closed.
  expect(Object.values(totals.causes).reduce((sum, count) => sum + count, 0)).toBe(totals.connections)
  expect(totals.causes.shutdown).toBe(5)
  expect(closed).toMatchObject({ connections: 0, opened: totals.connections })
  expect(closed.handles.TCPServerWrap).toBeUndefined()

  const table = readFileSync(join(out, 'report.md'), 'utf8')
  expect(table).toBe(stdout)
  expect(table).toMatch(/^# Soak: passed\n/)
  expect(table).toContain('![Memory, latency and throughput over time](soak.svg)')
  const picture = readFileSync(join(out, 'soak.svg'), 'utf8')
  expect(picture.match(/<path class="line s\d" d="M/g)).toHaveLength(6)
})

test('a server that keeps something of every connection does not pass', { timeout: 120_000 }, async () => {
  const { code } = await run(
    'soak',
    ...['--minutes', '0.1', '--clients', '30', '--seed', '7', '--leak', '1000000', '--out', out],
  )
  const report = read()
  expect({ code, ok: report.ok }).toEqual({ code: 1, ok: false })
  expect(report.checks.filter(({ ok }) => !ok).map(({ what }) => what)).toEqual(
    expect.arrayContaining(['growth: heap in use after garbage collection', 'heap in use when all clients were gone']),
  )
  expect(readFileSync(join(out, 'report.md'), 'utf8')).toMatch(/^# Soak: FAILED\n/)
})

test('a mistake on the command line is one sentence and exit code 2', async () => {
  expect(await run('soak', '--minutes', '0')).toEqual({
    code: 2,
    stdout: '',
    stderr: 'soak: --minutes takes a number from 0.05 to 1440, not "0"\n',
  })
  expect((await run('soak', '--minutes', '-1')).stderr).toBe(
    'soak: --minutes takes a number from 0.05 to 1440, not "-1"\n',
  )
  expect(await run('soak', '--hours', '1')).toEqual({
    code: 2,
    stdout: '',
    stderr: "soak: Unknown option '--hours'; --help lists the options\n",
  })
})

test('--help', async () => {
  const { code, stdout, stderr } = await run('soak', '--help')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^Usage: npm run soak -- \[options\]\n/)
})
