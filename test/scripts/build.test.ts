import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** What identifies each file that the build makes: one that is written or replaced is another. */
function files(): Record<string, string> {
  const all: Record<string, string> = {}
  for (const folder of ['dist', 'build/bench', 'build/chat', 'build/examples', 'build/proof', 'build/src']) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
      const path = join(entry.parentPath, entry.name)
      const { ino, mtimeMs } = statSync(path)
      if (entry.isFile()) all[path] = `${ino} ${mtimeMs}`
    }
  }
  return all
}

test('a build when nothing has changed writes nothing, so that programs that run are left alone', {
  timeout: 120_000,
}, () => {
  const build = () => execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' })
  build()
  const before = files()
  build()
  expect(files()).toEqual(before)
  expect(Object.keys(before).length).toBeGreaterThan(100)
})
