// The benchmark as a program, in its smallest form. Figures are only asked to be there: nothing here is about speed.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Figure } from '../../bench/figures.ts'
import type { Report } from '../../bench/report.ts'

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
  const charts = join(scratch, 'charts')
  const ended = await bench(
    '--quick',
    '--seconds',
    '0.1',
    '--warmup',
    '0.1',
    '--json',
    json,
    '--charts',
    charts,
    ...args,
  )
  if (ended.code !== 0) throw new Error(`exit code ${ended.code}: ${ended.stderr}`)
  return { report: JSON.parse(readFileSync(json, 'utf8')) as Report, ended }
}

const FIGURES: Figure[] = ['perSecond', 'perCpuSecond', 'cpu', 'wait', 'rss', 'p50', 'p99', 'p999', 'loadIdle']

describe.each([
  ['the load generator it finds', []],
  ['the load generator in TypeScript', ['--load', 'ts']],
])('with %s', (_, load) => {
  test('one scenario against two servers: the shape of the report', { timeout: 60_000 }, async () => {
    const { report: found, ended } = await report(
      ...['--only', '64B/1/binary/sync', '--servers', 'heartwire-node,ws', ...load],
    )
    expect(found).toMatchObject({ format: 'heartwire-bench/2', subjects: ['heartwire-node'], missing: [] })
    expect(found.settings).toEqual({ rounds: 1, seconds: 0.1, warmup: 0.1 })
    expect(['wsload', 'ts']).toContain(found.load.generator)
    if (load.length > 0) expect(found.load).toEqual({ generator: 'ts', why: 'asked for' })
    expect(Object.keys(found.versions)).toEqual(['node', 'heartwire', 'ws', 'bufferutil'])
    expect(found.versions.node).toBe(process.versions.node)
    expect(new Date(found.date).toISOString()).toBe(found.date)

    expect(found.scenarios).toHaveLength(1)
    const scenario = found.scenarios[0]
    expect(scenario).toMatchObject({
      name: '64B/1/binary/sync',
      connections: 100,
      payload: 64,
      rounds: 1,
      failures: [],
    })
    expect(scenario?.results.map(({ server }) => server)).toEqual(['heartwire-node', 'ws'])
    const [own, peer] = scenario?.results ?? []
    expect(own?.ratios).toEqual({})
    const [ownSample, peerSample] = [own?.samples[0], peer?.samples[0]]
    if (ownSample === undefined || peerSample === undefined) throw new Error('a sample is missing')
    for (const sample of [ownSample, peerSample]) {
      expect(Object.keys(sample).toSorted()).toEqual(FIGURES.toSorted())
      for (const figure of FIGURES.filter((one) => one !== 'wait' && one !== 'loadIdle')) {
        expect(sample[figure], figure).toBeGreaterThan(0)
      }
    }
    for (const figure of FIGURES) expect(peer?.summary[figure]?.median, figure).toBe(peerSample[figure])
    expect(peer?.ratios['heartwire-node']?.perSecond?.median).toBe(
      (ownSample.perSecond ?? 0) / (peerSample.perSecond ?? 0),
    )

    expect(ended.stdout).toContain('64B/1/binary/sync (100 conns)  heartwire-node')
    expect(ended.stderr).toContain('[1/1] 64B/1/binary/sync  ws  round 1/1\n')
    expect(readFileSync(join(scratch, 'charts', 'throughput.svg'), 'utf8')).toContain('</svg>')
  })

  test('publish, handshakes, a fixed rate, memory and a storm', { timeout: 120_000 }, async () => {
    const wanted = 'publish/64B/1000,handshake,latency,idle,storm'
    const { report: found } = await report('--only', wanted, '--servers', 'ws', '--rate', '500', ...load)
    const sample = (name: string) => found.scenarios.find((one) => one.name.startsWith(name))?.results[0]?.samples[0]
    expect(found.scenarios.flatMap(({ failures }) => failures)).toEqual([])
    expect(sample('publish')?.perSecond).toBeGreaterThan(0)
    expect(sample('handshake')?.perSecond).toBeGreaterThan(0)
    expect(found.scenarios.find(({ mode }) => mode === 'latency')?.rate).toBe(500)
    expect(sample('latency')?.p999).toBeGreaterThan(0)
    // A connection of ws takes several KiB, and 1,000 of them are open.
    expect(sample('idle')?.perConnection).toBeGreaterThan(1024)
    expect(sample('storm')?.untilAll).toBeGreaterThan(0)
    expect(sample('storm')?.perCpuSecond).toBeGreaterThan(0)
  })
})

test('whoever is there sends back what it was sent, from every handler, and to all', { timeout: 300_000 }, async () => {
  const wanted = '64B/4/binary,1KiB/4/text/sync,publish/64B/1000'
  const { report: found } = await report('--seconds', '0.05', '--warmup', '0', '--only', wanted)
  // Before the rounds every byte that comes back is compared.
  expect(found.scenarios.flatMap(({ failures }) => failures)).toEqual([])
  const missing = found.missing.map(({ server }) => server)
  for (const { server, why } of found.missing) expect(why, server).not.toMatch(/did not start/)
  expect(missing).not.toContain('heartwire-node')
  expect(missing).not.toContain('ws')
  expect(missing).not.toContain('net')
  const servers = (name: string) =>
    found.scenarios.find((one) => one.name === name)?.results.map(({ server }) => server) ?? []
  for (const handler of ['sync', 'async', 'timer']) {
    expect(servers(`64B/4/binary/${handler}`)).toEqual(expect.arrayContaining(['heartwire-node', 'ws']))
  }
  expect(servers('64B/4/binary/sync')).toContain('net')
  expect(servers('publish/64B/1000')).toHaveLength(servers('64B/4/binary/sync').length)
})

test('a server that was asked for and is not there is one sentence and exit code 2', async () => {
  expect(await bench('--servers', 'uws,ws', '--json', join(scratch, 'x.json'), '--charts', scratch)).toEqual({
    code: 2,
    stdout: '',
    stderr: 'bench: uws is not there: uWebSockets.js is not on npm; --uws names the directory it is in\n',
  })
})

/** What the benchmark uses of uWebSockets.js, over ws: it cannot be installed for a test. */
const UWS = `
const { WebSocketServer } = require('${join(project, 'node_modules', 'ws').replaceAll('\\', '/')}')
exports.us_socket_local_port = (listener) => listener.address().port
exports.App = () => {
  let behavior
  const subscribers = new Set()
  const app = {
    ws: (_, given) => ((behavior = given), app),
    publish: (topic, message, binary) => {
      for (const socket of subscribers) socket.send(Buffer.from(message.slice(0)), { binary })
    },
    listen: (host, port, listening) => {
      const server = new WebSocketServer({ host, port }, () => listening(server))
      server.on('connection', (socket) => {
        const face = {
          send: (message, binary) => socket.send(Buffer.from(message.slice(0)), { binary }),
          subscribe: () => subscribers.add(socket),
        }
        socket.on('error', () => {}).on('close', () => subscribers.delete(socket))
        behavior.open(face)
        socket.on('message', (data, binary) => {
          const bytes = Uint8Array.from(data)
          behavior.message(face, bytes.buffer, binary)
          bytes.fill(0)
        })
      })
      return app
    },
  }
  return app
}
`

test('uWebSockets.js is taken from where --uws says', { timeout: 120_000 }, async () => {
  const directory = join(scratch, 'uws')
  mkdirSync(directory)
  writeFileSync(join(directory, 'index.js'), UWS)
  writeFileSync(join(directory, 'package.json'), '{"version":"20.0.0"}')
  const { report: found } = await report(
    ...['--servers', 'uws', '--uws', directory, '--only', '64B/4/text,publish/64B/1000', '--seconds', '0.05'],
  )
  expect(found.versions['uWebSockets.js']).toBe('20.0.0')
  expect(found.scenarios.flatMap(({ failures }) => failures)).toEqual([])
  expect(found.scenarios.map(({ name, results }) => [name, results.length])).toEqual([
    ['64B/4/text/sync', 1],
    ['64B/4/text/async', 1],
    ['64B/4/text/timer', 1],
    ['publish/64B/1000', 1],
  ])
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
