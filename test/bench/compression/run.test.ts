// The benchmark of compression as a program, in its smallest form. Figures are only asked to be there.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Report } from '../../../bench/compression/report.ts'

const project = fileURLToPath(new URL('../../../', import.meta.url))
// Inside the project, so that compiled servers find the packages they import; not where another test compiles to.
const built = join(project, 'build', 'test-bench-compression')
const scratch = mkdtempSync(join(tmpdir(), 'heartwire-compression-'))

function node(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
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

const bench = (...args: string[]) => node(join(built, 'compression', 'run.js'), ...args)

beforeAll(async () => {
  const tsc = join(project, 'node_modules', 'typescript', 'bin', 'tsc')
  const { code, stdout } = await node(tsc, '-p', 'bench', '--outDir', built, '--noCheck')
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
}, 60_000)

afterAll(() => rmSync(scratch, { recursive: true, force: true }))

test('ws in all modes: the shape of the report', { timeout: 60_000 }, async () => {
  const [json, markdown] = [join(scratch, 'report.json'), join(scratch, 'report.md')]
  const { code, stdout, stderr } = await bench(
    ...['--quick', '--servers', 'ws', '--sizes', '200B,2KiB', '--connections', '10', '--held', '20'],
    ...['--json', json, '--markdown', markdown],
  )
  expect({ code, failed: stderr.match(/failed.*/)?.[0] }).toEqual({ code: 0, failed: undefined })
  const report = JSON.parse(readFileSync(json, 'utf8')) as Report
  expect(report).toMatchObject({ format: 'heartwire-compression/1', skipped: [], failures: [] })
  expect(Object.keys(report.versions)).toEqual(['node', 'zlib', 'ws', 'bufferutil'])
  expect(report.settings).toEqual({ rounds: 1, memoryRounds: 1, amount: 0.1, seed: 1, connections: 10, held: 20 })

  expect(report.echo.map(({ size }) => size.label)).toEqual(['200B', '2KiB'])
  for (const { results } of report.echo) {
    expect(results.map(({ name }) => name)).toEqual(['ws/takeover', 'ws/shared', 'ws/off'])
    const [takeover, shared, off] = results.map(({ samples }) => samples[0])
    if (takeover === undefined || shared === undefined || off === undefined) throw new Error('a sample is missing')
    // The same messages, so this is exact: a context saves bytes in both directions, and the server's zlib is the client's.
    expect(takeover.toClient).toBeLessThan(shared.toClient)
    expect(takeover.toServer).toBeLessThan(shared.toServer)
    expect(shared.toClient).toBeLessThan(off.toClient)
    expect([takeover, shared, off].map(({ compressed }) => compressed)).toEqual([1, 1, 0])
    expect(off.ratio).toBeGreaterThan(0.97)
    expect(off.ratio).toBeLessThan(1)
    for (const sample of [takeover, shared, off]) {
      for (const key of ['perCpuSecond', 'perSecond', 'cpu', 'p50', 'p99'] as const) {
        expect(sample[key], key).toBeGreaterThan(0)
      }
    }
  }
  expect(report.memory.map(({ name, samples }) => [name, samples.length])).toEqual([
    ['ws/takeover', 1],
    ['ws/shared', 1],
    ['ws/off', 1],
  ])
  expect(report.memory[0]?.agreed).toBe('permessage-deflate')
  expect(stdout).toContain('200B      ws/takeover')
  expect(readFileSync(markdown, 'utf8')).toContain('| 200B | ws/takeover |')
  expect(stderr).toContain('[3/3] memory  ws/off  round 1/1\n')
})

test('a mistake on the command line is one sentence and exit code 2', async () => {
  expect(await bench('--sizes', 'all')).toEqual({
    code: 2,
    stdout: '',
    stderr: 'bench:compression: --sizes takes some of 200B, 2KiB, 64KiB, not "all"\n',
  })
})
