import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

it('is less than 4 KiB of what a page has to load, minified and compressed', () => {
  const output = execFileSync(process.execPath, [`${root}node_modules/size-limit/bin.js`, '--json'], { cwd: root })
  expect(JSON.parse(output.toString())).toEqual([
    { name: 'heartwire/reconnect', passed: true, size: expect.any(Number), sizeLimit: 4_096 },
  ])
})
