// The benchmark as a program, in its smallest form. Figures are only asked to be there: nothing here is about speed.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Report, Sample } from '../../bench/report.ts'

const project = fileURLToPath(new URL('../../', import.meta.url))
// Inside the project, so that compiled servers find the packages they import.
const built = join(project, 'build', 'test-bench')
const scratch = mkdtempSync(join(tmpdir(), 'heartwire-bench-'))

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

function node(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: project })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}

const bench = (...args: string[]) => node(join(built, 'run.js'), ...args)

beforeAll(async () => {
  // Types are the business of `npm run types`, and the library need not be built for this.
  const tsc = join(project, 'node_modules', 'typescript', 'bin', 'tsc')
  const { code, stdout } = await node(tsc, '-p', 'bench', '--outDir', built, '--noCheck')
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
}, 60_000)

afterAll(() => rmSync(scratch, { recursive: true, force: true }))

async function report(...args: string[]): Promise<{ report: Report; ended: Ended }> {
  const json = join(scratch, 'report.json')
  const ended = await bench('--quick', '--seconds', '0.1', '--warmup', '0.1', '--json', json, ...args)
  if (ended.code !== 0) throw new Error(`exit code ${ended.code}: ${ended.stderr}`)
  return { report: JSON.parse(readFileSync(json, 'utf8')) as Report, ended }
}

const SAMPLE_KEYS: (keyof Sample)[] = ['perSecond', 'perCpuSecond', 'cpu', 'wait', 'rss', 'p50', 'p99', 'loadIdle']
const POSITIVE: (keyof Sample)[] = ['perSecond', 'perCpuSecond', 'cpu', 'rss', 'p50', 'p99']

describe.each([
  ['the load generator it finds', []],
  ['the load generator in TypeScript', ['--load', 'ts']],
])('with %s', (_, load) => {
  test('one scenario against one server: the shape of the report', { timeout: 60_000 }, async () => {
    const { report: found, ended } = await report('--only', '64B/1/binary/sync', '--servers', 'ws', ...load)
    expect(found).toMatchObject({ format: 'heartwire-bench/1', baseline: 'ws' })
    expect(found.settings).toEqual({ rounds: 1, seconds: 0.1, warmup: 0.1 })
    expect(['wsload', 'ts']).toContain(found.load.generator)
    if (load.length > 0) expect(found.load).toEqual({ generator: 'ts', why: 'asked for' })
    expect(Object.keys(found.versions)).toEqual(['node', 'ws', 'bufferutil'])
    expect(found.versions.node).toBe(process.versions.node)
    expect(new Date(found.date).toISOString()).toBe(found.date)

    expect(found.scenarios).toHaveLength(1)
    const scenario = found.scenarios[0]
    expect(scenario).toMatchObject({ name: '64B/1/binary/sync', connections: 100, payload: 64, failures: [] })
    expect(scenario?.results.map(({ server }) => server)).toEqual(['ws'])
    const result = scenario?.results[0]
    expect(result).not.toHaveProperty('ratio')
    expect(result?.samples).toHaveLength(1)
    const sample = result?.samples[0]
    expect(Object.keys(sample ?? {}).toSorted()).toEqual(SAMPLE_KEYS.toSorted())
    for (const key of POSITIVE) expect(sample?.[key], key).toBeGreaterThan(0)
    for (const key of SAMPLE_KEYS) expect(result?.summary[key].median, key).toBe(sample?.[key])

    expect(ended.stdout).toContain('64B/1/binary/sync (100 conns)  ws')
    expect(ended.stderr).toContain('[1/1] 64B/1/binary/sync  ws  round 1/1\n')
  })
})

test('the load generator in TypeScript can do long text, publish and handshakes too', { timeout: 60_000 }, async () => {
  const { report: found } = await report(
    '--only',
    '1MiB/1/text/async,publish,handshake',
    '--servers',
    'ws',
    '--load',
    'ts',
  )
  expect(found.scenarios.map(({ name, unit }) => [name, unit])).toEqual([
    ['1MiB/1/text/async', 'messages'],
    ['publish/64B/1000', 'deliveries'],
    ['handshake/64', 'handshakes'],
  ])
  for (const { results } of found.scenarios) expect(results[0]?.summary.perSecond.median).toBeGreaterThan(0)
})

test('a mistake on the command line is one sentence and exit code 2', async () => {
  expect(await bench('--only', 'nothing')).toEqual({
    code: 2,
    stdout: '',
    stderr: 'bench: no scenario is called "nothing"; --list prints their names\n',
  })
})

test('a file that cannot be written is found before anything is measured', async () => {
  const { code, stdout, stderr } = await bench('--servers', 'ws', '--json', join(scratch, 'no', 'such', 'directory'))
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^bench: cannot write .*: ENOENT/)
})

test.skipIf(process.platform === 'win32')('an interrupt ends the benchmark and all of its processes', async () => {
  const child = spawn(
    process.execPath,
    [join(built, 'run.js'), '--only', '64B/1/binary/sync', '--servers', 'ws', '--json', join(scratch, 'x.json')],
    { cwd: project, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const ended = new Promise((resolve) => child.once('close', resolve))
  await new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => text.includes('round 1') && resolve())
  })
  child.kill('SIGINT')
  expect(await ended).toBe(130)
})
