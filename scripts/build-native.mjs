// Builds native/ to native/build/Release/heartwire.node with node-gyp, where there are a compiler and Node's headers:
// those that npm's `nodedir` (npm_config_nodedir, --nodedir) names, or those of this Node's own installation. Told where they
// are, node-gyp downloads nothing. Where it cannot be built, a line says why, and with CI=true that is a failure.
//
// node scripts/build-native.mjs [--nodedir=/usr]
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const native = join(root, 'native')

/** Where src/transport/addon.ts and dist/transport/addon.js look for it. */
export const builtAddon = join(native, 'build/Release/heartwire.node')

/**
 * @param {object} [options]
 * @param {string} [options.target] where the binary goes
 * @param {Record<string, string>} [options.env] of the compiler, as CFLAGS
 * @returns {Promise<boolean>} whether there is a binary of these sources now; if not, it was said why
 */
export async function buildNative({ target = builtAddon, env = {} } = {}) {
  const started = new Date()
  if (isNewer(target, sources())) return true
  const problem = await build(target, env)
  if (problem === undefined) {
    // What is edited while it is built is newer than it.
    utimesSync(target, started, started)
    return true
  }
  console.error(`native: not built, so that there are Node's sockets only: ${problem}`)
  return false
}

const named = process.argv.find((arg) => arg.startsWith('--nodedir='))

/** Whether a missing addon is a failure of the build: there is none for Windows. */
export const needsNative = Boolean(process.env.CI) && process.env.CI !== 'false' && process.platform !== 'win32'

/** Resolves to what keeps it from being built; undefined when it was. */
async function build(target, env) {
  if (process.platform === 'win32') return 'it is not for Windows'
  const gyp = join(root, 'node_modules/node-gyp/bin/node-gyp.js')
  if (!existsSync(gyp)) return 'node-gyp is not installed'
  const homes = [
    named?.slice('--nodedir='.length),
    process.env.npm_config_nodedir,
    dirname(dirname(process.execPath)),
  ].filter(Boolean)
  const complete = (home) =>
    ['node_api.h', 'uv.h', 'common.gypi'].every((file) => existsSync(join(home, 'include/node', file)))
  const headers = homes.find(complete)
  if (headers === undefined) {
    return `Node's headers are not in ${homes.map((home) => join(home, 'include/node')).join(' or ')}`
  }
  // In a folder of its own, and renamed into its place: something may use the one that is there.
  const made = join(root, 'build', `making-native-${process.pid}`)
  try {
    mkdirSync(made, { recursive: true })
    cpSync(join(native, 'binding.gyp'), join(made, 'binding.gyp'))
    cpSync(join(native, 'src'), join(made, 'src'), { recursive: true })
    const output = await run([gyp, 'rebuild'], made, { ...env, npm_config_nodedir: headers })
    if (output !== undefined) return reasonIn(output)
    mkdirSync(dirname(target), { recursive: true })
    renameSync(join(made, 'build/Release/heartwire.node'), target)
    return undefined
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
}

/** Resolves to all that was said when it fails, and to undefined when it does not. */
function run(args, cwd, env) {
  return new Promise((settle, fail) => {
    const child = spawn(process.execPath, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('error', fail)
    child.on('close', (code) => {
      if (code !== 0 && needsNative) process.stderr.write(output)
      settle(code === 0 ? undefined : output)
    })
  })
}

/** The line that says what is wrong: of the compiler, or of node-gyp. */
function reasonIn(output) {
  const kinds = [
    /^.*\berror: .*$/m,
    /^gyp: .*$/m,
    /^make: .*(?:not found|No such file).*$/m,
    /(?<=^gyp ERR! stack Error: ).*$/m,
  ]
  const line = kinds.map((kind) => kind.exec(output)?.[0]).find((found) => found !== undefined)
  return line?.trim() ?? 'node-gyp failed'
}

function sources() {
  const files = readdirSync(join(native, 'src')).map((file) => join(native, 'src', file))
  return [...files, join(native, 'binding.gyp'), fileURLToPath(import.meta.url)]
}

function isNewer(target, files) {
  if (!existsSync(target)) return false
  const { mtimeMs } = statSync(target)
  return files.every((file) => statSync(file).mtimeMs < mtimeMs)
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !(await buildNative()) && needsNative) process.exitCode = 1
