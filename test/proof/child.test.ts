import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { Child } from '../../proof/support/child.ts'

const scratch = mkdtempSync(join(tmpdir(), 'heartwire-child-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const built = fileURLToPath(new URL('../../build/proof/support/child.js', import.meta.url))
const program = join(scratch, 'program.mjs')
writeFileSync(
  program,
  `import { answer } from ${JSON.stringify(built)}
   answer({
     twice: (number) => number * 2,
     async later() { await new Promise((resolve) => setTimeout(resolve, 20)); return process.argv[2] },
     fail() { throw new Error('cannot do that') },
     end: () => process.exit(3),
   })`,
)

function start(): Child {
  const child = new Child(program, ['argument'])
  onTestFinished(() => child.stop())
  return child
}

test('answers several questions at a time', async () => {
  const child = start()
  expect(child.pid).toBeGreaterThan(0)
  const answers = [child.ask<string>('later'), child.ask<number>('twice', 21)]
  expect(await Promise.all(answers)).toEqual(['argument', 42])
})

test('what goes wrong in it is an error here', async () => {
  const child = start()
  await expect(child.ask('fail')).rejects.toThrow('cannot do that')
  expect(await child.ask('twice', 1)).toBe(2)
})

test('its end is an error of all that was asked, and of what is asked afterwards', async () => {
  const child = start()
  const asked = [child.ask('later'), child.ask('end')]
  for (const each of asked) await expect(each).rejects.toThrow('ended with exit code 3')
  await expect(child.ask('twice', 1)).rejects.toThrow()
  await child.stop()
})
