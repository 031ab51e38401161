// The fuzzer as a program: it has to find what was put there to be found. What holds is in test/proof/fuzz/.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { run } from './program.ts'

/** A folder that is empty, so that nothing is known from earlier runs. */
function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'heartwire-fuzz-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test('what is there to be found is found, made small, saved, and seen again', { timeout: 120_000 }, async () => {
  const out = emptyFolder()
  const targets = 'planted,planted-endless,planted-out-of-turn'
  const { code, stdout } = await run(
    'fuzz',
    ...['--target', targets, '--seconds', '60', '--timeout', '3', '--seed', '5', '--out', out],
  )
  expect(code).toBe(1)
  expect(stdout.match(/^\| `planted[\w-]*` \| .* \| \*\*a fault\*\* \|$/gm)?.length).toBe(3)
  expect(stdout).toContain('\nplanted: Broken: the fault on purpose\n')
  expect(stdout).toContain('\nplanted-endless: Timeout: the input was not done within 3 s.\n')
  expect(stdout).toContain('\nplanted-out-of-turn: Thrown out of turn: Broken: out of turn\n')

  const findings = readdirSync(join(out, 'findings')).map((name) => join(out, 'findings', name))
  const path = (target: RegExp) => findings.find((one) => target.test(one))!
  const input = (target: RegExp) => readFileSync(path(target), 'latin1')
  expect(input(/planted-[\da-f]+$/)).toMatch(/^.;.=...$/)
  expect(input(/endless/)[0]).toBe('\x01')
  expect(input(/out-of-turn/)[0]).toBe('\x01')

  const fault = path(/planted-[\da-f]+$/)
  expect(stdout).toContain(`npm run fuzz -- --target planted --replay ${fault}\n`)
  const again = await run('fuzz', '--target', 'planted', '--replay', fault)
  expect(again.stdout).toContain('\nBroken: the fault on purpose\n')
  expect(again.code).toBe(1)
  const elsewhere = await run('fuzz', '--target', 'frame', '--replay', fault)
  expect(elsewhere.stdout).toContain('\nEverything holds.')
  expect(elsewhere.code).toBe(0)
})

test('a short run goes through the corpus and beyond, and finds nothing', { timeout: 120_000 }, async () => {
  const out = emptyFolder()
  const { code, stdout } = await run(
    'fuzz',
    ...['--target', 'receiver,client-handshake', '--runs', '600', '--seconds', '100', '--seed', '1', '--out', out],
  )
  // As many new inputs as were asked for, whatever the corpus has.
  expect(
    stdout.match(/^\| `[\w-]+` \| \d{2,} \| 600 \| \d+ \| \d{3,} of \d{4,} \| \d+ \| \d+ \| nothing \|$/gm)?.length,
  ).toBe(2)
  expect(code).toBe(0)
})

test('a mistake on the command line is one sentence and exit code 2', async () => {
  for (const args of [
    ['--target', 'moon'],
    ['--replay', 'x'],
    ['--target', 'frame', '--replay', 'no such file'],
  ]) {
    const { code, stdout, stderr } = await run('fuzz', ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^fuzz: .*\n$/)
  }
})
