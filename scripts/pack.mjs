// npm run pack [-- --to <folder>]          heartwire, as it is published
// npm run pack:native [-- --to <folder>]   the package with the native addon for the platform this runs on
//
// Makes tarballs in build/packages/; both need a build. heartwire depends on the packages of all platforms, optionally, so
// that a package manager installs the one that fits; they are named only in what is published, because where heartwire is
// developed they are built. `npm publish build/packages/<tarball>` publishes, those of the platforms first.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildNative, builtAddon } from './build-native.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Of the oldest system that Node 20 runs on. */
const NEWEST_GLIBC = 28

const { PLATFORMS, packageFor, thisPlatform } = await import('../dist/transport/addon.js').catch(() =>
  stop('run npm run build first'),
)
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const [, , what, ...args] = process.argv
const to = resolve(args[0] === '--to' && args[1] ? args[1] : join(root, 'build/packages'))
const stage = mkdtempSync(join(tmpdir(), 'heartwire-pack-'))
process.on('exit', () => rmSync(stage, { recursive: true, force: true }))

if (what === 'native') await stageNative(thisPlatform())
else if (what === 'heartwire') stageHeartwire()
else stop('what to pack is heartwire or native')
mkdirSync(to, { recursive: true })
const [{ filename }] = JSON.parse(npm('pack', stage, '--json', '--ignore-scripts', '--pack-destination', to))
console.log(join(to, filename))

/** What `npm pack` takes of the repository, with the packages of the platforms added. */
function stageHeartwire() {
  const [{ files }] = JSON.parse(npm('pack', root, '--json', '--dry-run', '--ignore-scripts'))
  for (const { path } of files) {
    mkdirSync(dirname(join(stage, path)), { recursive: true })
    cpSync(join(root, path), join(stage, path))
  }
  const packages = PLATFORMS.map((platform) => [packageFor(platform), manifest.version])
  write('package.json', json({ ...manifest, optionalDependencies: Object.fromEntries(packages) }))
}

async function stageNative(platform) {
  if (!PLATFORMS.includes(platform)) stop(`there is no package for ${platform}`)
  if (!(await buildNative())) stop('the addon is not built')
  const newest = neededGlibc()
  if (newest > NEWEST_GLIBC)
    stop(`the addon needs glibc 2.${newest}; build it where that is 2.${NEWEST_GLIBC} or older`)
  const [os, cpu, libc] = platform.split('-')
  cpSync(builtAddon, join(stage, 'heartwire.node'))
  cpSync(join(root, 'LICENSE'), join(stage, 'LICENSE'))
  write('README.md', readme(platform))
  const { version, license, engines, author, repository } = manifest
  const description = `The native transport of heartwire for ${platform}.`
  const limits = { os: [os], cpu: [cpu], ...(libc && { libc: [libc === 'gnu' ? 'glibc' : libc] }) }
  const files = ['heartwire.node']
  const name = packageFor(platform)
  const main = 'heartwire.node'
  // Yarn keeps packages zipped, and the system loads no addon from there.
  const preferUnplugged = true
  write(
    'package.json',
    json({ name, version, description, license, author, repository, main, files, engines, ...limits, preferUnplugged }),
  )
}

/** 28 for 2.28: the newest version of its symbols that the addon asks for. */
function neededGlibc() {
  const versions = readFileSync(builtAddon, 'latin1').matchAll(/GLIBC_2\.(\d+)/g)
  return Math.max(0, ...Array.from(versions, ([, minor]) => Number(minor)))
}

function readme(platform) {
  return `# ${packageFor(platform)}

The native transport of heartwire, a WebSocket server and client for Node.js, compiled for ${platform}.

It is installed with heartwire, which depends on it optionally: there is nothing to do. heartwire works without it as well, on
Node's own sockets. What it is, how it is built and how it is switched off is in heartwire's documentation, in
\`docs/guide/native.md\`.
`
}

function write(file, text) {
  writeFileSync(join(stage, file), text)
}

function json(value) {
  return `${JSON.stringify(value, undefined, 2)}\n`
}

/** Runs npm: the one that runs this, if one does. */
function npm(...args) {
  const cli = process.env.npm_execpath
  const [command, ...before] = cli ? [process.execPath, cli] : ['npm']
  return execFileSync(command, [...before, ...args, '--loglevel=error'], { cwd: stage, encoding: 'utf8' })
}

function stop(line) {
  console.error(`pack: ${line}`)
  process.exit(2)
}
