import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { run } from './program.ts'

const OVERVIEW = `Usage: heartwire COMMAND [options]

Tools for WebSocket servers and clients of any make.

  bench  puts load on a server, and says how it did
  echo   a server that sends every message back

heartwire COMMAND --help says more of a command, heartwire --version which version this is.
`

describe('heartwire', () => {
  test.each([['--help'], ['-h'], ['help']])('%s lists the commands', async (asked) => {
    expect(await run(asked)).toEqual({ code: 0, stdout: OVERVIEW, stderr: '' })
  })

  test('alone is a mistake', async () => {
    expect(await run()).toEqual({ code: 2, stdout: '', stderr: OVERVIEW })
  })

  test('--version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    expect(await run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  test('with a command that there is not', async () => {
    const stderr = 'heartwire: there is no command "benhc"; heartwire --help says more\n'
    expect(await run('benhc')).toEqual({ code: 2, stdout: '', stderr })
  })

  test('COMMAND --help', async () => {
    const { code, stdout, stderr } = await run('echo', '--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(`Usage: heartwire echo [options]

Starts a WebSocket server that sends every message back as it came. Ctrl-C ends it.

Options:
  -p, --port PORT          where to listen; 0 for any free port (default 8080)
      --host ADDRESS       the address to listen at (default 127.0.0.1: this machine only)
      --compress           compress messages where the client does so as well
      --max-payload BYTES  the longest message that is taken: 64, 16k, 1m (default 16m)
      --json               print the line that says where it listens as JSON

Help:
  -h, --help               print this
`)
  })

  test('bench --help has everything', async () => {
    const { code, stdout } = await run('bench', '-h')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Usage: heartwire bench \[options\] URL\.\.\.\n\nPuts load on a WebSocket server/)
    expect(stdout.match(/--[a-z-]+(?= {2}| [A-Z']| (?:offer|for))/g)).toContain('--connections')
    expect(stdout).toContain('Exit code: 0 when all went well, 1 when there were errors, 2 when something is wrong')
    expect(stdout.split('\n').filter((line) => line.length > 120)).toEqual([])
  })

  test('a port that is taken', async () => {
    const taken = createServer()
    onTestFinished(() => void taken.close())
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const address = taken.address()
    const port = typeof address === 'object' ? address?.port : 0
    const stderr = `heartwire echo: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`
    expect(await run('echo', '--port', String(port))).toEqual({ code: 1, stdout: '', stderr })
  })
})

describe('what is wrong with a command', () => {
  test.each([
    [['bench'], 'a URL is missing, such as ws://127.0.0.1:8080'],
    [['bench', 'ws://x', '--conections', '4'], 'there is no option --conections, but there is --connections'],
    [['echo', 'ws://x'], '"ws://x" belongs to no option'],
    [['echo', '--port', '70000'], '--port is a whole number from 0 to 65535, not "70000"'],
  ])('%j', async (args, sentence) => {
    const stderr = `heartwire ${args[0]}: ${sentence}; heartwire ${args[0]} --help says more\n`
    expect(await run(...args)).toEqual({ code: 2, stdout: '', stderr })
  })
})
