import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { run } from './program.ts'

test.each([
  ['attacks', '--json'],
  ['chaos', '--json'],
  ['fuzz', '--out'],
  ['push', '--json'],
  ['push', '--markdown'],
  ['soak', '--out'],
])('%s %s that cannot be written: one sentence, before anything is done, and exit code 2', async (name, option) => {
  const { code, stdout, stderr } = await run(name, option, join(fileURLToPath(import.meta.url), 'below'))
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(new RegExp(`^${name}: cannot write .*\\n$`))
})
