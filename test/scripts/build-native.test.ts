import { spawnSync } from 'node:child_process'
import { constants, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const script = pathToFileURL(join(root, 'scripts/build-native.mjs')).href
const place = mkdtempSync(join(tmpdir(), 'heartwire-build-native-'))

afterAll(() => rmSync(place, { recursive: true, force: true }))

/** Builds the addon to a place of the test's own. Returns whether there is one then, whether there had to be, and what was said. */
function build(target: string, { node = process.execPath, env = {} as Record<string, string> } = {}) {
  const program = `
    import { buildNative, needsNative } from ${JSON.stringify(script)}
    const built = await buildNative({ target: ${JSON.stringify(target)} })
    console.log(JSON.stringify({ built, needed: needsNative }))`
  const { CI: _, npm_config_nodedir: nodedir, ...others } = process.env
  const { stdout, stderr } = spawnSync(node, ['--input-type=module', '--eval', program], {
    cwd: place,
    env: {
      ...others,
      ...(nodedir !== undefined && node === process.execPath && { npm_config_nodedir: nodedir }),
      ...env,
    },
    encoding: 'utf8',
  })
  return { ...JSON.parse(stdout), said: stderr.trimEnd() }
}

const isBuilt = existsSync(join(root, 'native/build/Release/heartwire.node'))
const timeout = 60_000

describe.skipIf(process.platform === 'win32' || (!process.env.CI && !isBuilt))('the addon', () => {
  test('is built once, and again only when a source is newer', { timeout }, () => {
    const target = join(place, 'once/heartwire.node')
    expect(build(target)).toEqual({ built: true, needed: false, said: '' })
    const { ino, mtimeMs } = statSync(target)
    expect(build(target)).toEqual({ built: true, needed: false, said: '' })
    expect(statSync(target)).toMatchObject({ ino, mtimeMs })
  })

  test('that cannot be compiled is one line with the reason, and leaves nothing behind', { timeout }, () => {
    const target = join(place, 'failed/heartwire.node')
    const { built, said } = build(target, { env: { CFLAGS: '-include /nowhere/missing.h' } })
    expect(built).toBe(false)
    expect(said).toMatch(
      /^native: not built, so that there are Node's sockets only: [^\n]*error: [^\n]*missing\.h[^\n]*$/,
    )
    expect(existsSync(target)).toBe(false)
    expect(readdirSync(join(root, 'build')).filter((name) => name === `making-native-${process.pid}`)).toEqual([])
  })

  test("without Node's headers is one line that says where they are not", { timeout }, () => {
    const folder = join(place, 'elsewhere/bin')
    mkdirSync(folder, { recursive: true })
    const node = join(folder, 'node')
    copyFileSync(process.execPath, node, constants.COPYFILE_FICLONE)
    const { built, said } = build(join(place, 'none/heartwire.node'), { node })
    const headers = join(dirname(folder), 'include/node')
    expect(built).toBe(false)
    expect(said).toBe(`native: not built, so that there are Node's sockets only: Node's headers are not in ${headers}`)
  })

  test('is needed in continuous integration', { timeout }, () => {
    const target = join(place, 'once/heartwire.node')
    expect(build(target, { env: { CI: 'true' } }).needed).toBe(true)
  })
})
