// The push run as a program, with few clients. Figures are only asked to be there; what is delivered has to be exact.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { RateResult, Report } from '../../proof/push/report.ts'
import { run } from './program.ts'

const scratch = mkdtempSync(join(tmpdir(), 'heartwire-push-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

async function push(...args: string[]): Promise<{ report: Report; stdout: string }> {
  const json = join(scratch, 'report.json')
  const { code, stdout, stderr } = await run('push', '--json', json, ...args)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return { report: JSON.parse(readFileSync(json, 'utf8')) as Report, stdout }
}

/** What has to be exact of a measured time. */
function delivered({ rate, published, expected, received, wrong, dead }: RateResult) {
  return { rate, published, expected, received, wrong, dead }
}

test('every message comes to every subscriber, without TLS and with it', { timeout: 120_000 }, async () => {
  const markdown = join(scratch, 'table.md')
  const { report, stdout } = await push(
    ...['--clients', '200', '--topics', '10', '--rate', '50,100', '--seconds', '1'],
    ...['--processes', '2', '--markdown', markdown],
  )
  expect(report.results.map(({ mode }) => mode)).toEqual(['plain', 'tls'])
  for (const { rates, connections, causes } of report.results) {
    // 200 clients and 10 topics: each message goes to 20.
    expect(rates.map(delivered)).toEqual([
      { rate: 50, published: 50, expected: 1000, received: 1000, wrong: 0, dead: 0 },
      { rate: 100, published: 100, expected: 2000, received: 2000, wrong: 0, dead: 0 },
    ])
    expect({ connections, causes }).toEqual({ connections: 200, causes: {} })
  }
  expect(readFileSync(markdown, 'utf8')).toBe(stdout)
  expect(stdout.match(/^\| (plain|tls) \| (50\.0|100) \| /gm)).toHaveLength(4)
})

test.each(['close', 'drop', 'coalesce'])(
  'clients that do not read hold up nobody: overflow %s',
  { timeout: 120_000 },
  async (overflow) => {
    const { report } = await push(
      ...['--clients', '60', '--topics', '10', '--rate', '100', '--seconds', '1'],
      ...['--stuck', '10', '--overflow', overflow, '--mode', 'plain'],
    )
    const [result] = report.results
    // Of the 6 subscribers of each topic one is stuck.
    expect(result?.rates.map(delivered)).toEqual([
      { rate: 100, published: 100, expected: 500, received: 500, wrong: 0, dead: 0 },
    ])
    // What the kernel has no room for waits.
    expect(result?.stuckMost).toBeGreaterThan(0)
    expect({ connections: result?.connections, causes: result?.causes }).toEqual({ connections: 60, causes: {} })
  },
)

test('a mistake on the command line is one sentence and exit code 2', async () => {
  expect(await run('push', '--mode', 'plain,quic')).toEqual({
    code: 2,
    stdout: '',
    stderr: 'push: --mode takes some of plain, tls, not "quic"\n',
  })
  expect(await run('push', '--clients', '10', '--topics', '11')).toMatchObject({
    code: 2,
    stderr: 'push: --topics takes a whole number from 1 to 10, not "11"\n',
  })
})

test('--help', async () => {
  const { code, stdout, stderr } = await run('push', '--help')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^Usage: npm run push -- \[options\]\n/)
})
