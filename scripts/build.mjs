// Compiles the package to dist/ and the programs around it to build/:
//
//   src/                     -> dist/              type-checked, with declarations
//   src/cli/hdr.ts           -> dist/cli/hdr.js    with the library that it stands for
//   chat/ bench/ examples/ proof/  -> build/...       at run time 'heartwire' is the package itself, that is dist/
//   chat/page/               -> build/chat/page/   'heartwire/...' is resolved in the browser by an import map
//   native/                  -> native/build/      where it can be built: scripts/build-native.mjs
//
// The programs are only translated here; `npm run types` checks them. All of it is made in a folder of its own and moved
// from there file by file, those that are the same left alone: a build may run while something uses the last one. What an
// earlier build left of sources that are gone is removed, and nothing else is. A build that fails changes nothing.
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildNative, needsNative } from './build-native.mjs'
import { bundleHdr } from './bundle-hdr.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const made = join(root, 'build', `making-${process.pid}`)
const programs = ['chat', 'bench', 'examples', 'proof'].filter((folder) => existsSync(join(root, folder)))
const page = existsSync(join(root, 'chat/page'))

/**
 * Runs the compiler once.
 * @param {string} project the tsconfig, from the root of the repository
 * @param {string} folder where to, in `made`
 * @param {string[]} [options] further compiler options
 * @returns {Promise<boolean>} whether all is well
 */
function compile(project, folder, options = []) {
  return new Promise((settle, fail) => {
    const args = [tsc, '--project', project, '--outDir', join(made, folder), ...options]
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', fail)
    child.on('close', (code) => settle(code === 0))
  })
}

/** Copies what a browser reads as it is: HTML, CSS, pictures. */
function copyPage() {
  for (const file of filesUnder(join(root, 'chat/page'))) {
    if (/\.ts$|tsconfig.*\.json$/.test(file)) continue
    cpSync(join(root, 'chat/page', file), join(made, 'build/chat/page', file))
  }
}

/** Every file in `folder` and below, by its path from there. */
function filesUnder(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}

/** Moves what was made of `folder` to its place, and removes the modules and declarations that were not made again. */
function install(folder) {
  const [from, to] = [join(made, folder), join(root, folder)]
  const files = filesUnder(from)
  for (const file of files) {
    const [source, target] = [join(from, file), join(to, file)]
    if (existsSync(target) && readFileSync(source).equals(readFileSync(target))) continue
    mkdirSync(dirname(target), { recursive: true })
    renameSync(source, target)
  }
  const kept = new Set(files)
  for (const file of filesUnder(to)) {
    if (/\.(js|d\.ts)$/.test(file) && !kept.has(file)) rmSync(join(to, file), { force: true })
  }
}

process.on('exit', () => rmSync(made, { recursive: true, force: true }))
// Its modules may import some of chat/, so they are laid out from there.
const translatePage = '--noCheck --noEmit false --paths null --rootDir chat'.split(' ')
const done = await Promise.all([
  buildNative().then((built) => built || !needsNative),
  compile('tsconfig.build.json', 'dist'),
  ...(programs.length > 0 ? [compile('tsconfig.programs.json', 'build', ['--noCheck'])] : []),
  ...(page ? [compile('chat/page', 'build/chat', translatePage)] : []),
])
if (done.every(Boolean)) {
  await bundleHdr(root, join(made, 'dist'))
  chmodSync(join(made, 'dist/cli/main.js'), 0o755)
  if (page) copyPage()
  // Of src/ there is what the fuzzer imports.
  for (const folder of ['dist', ...[...programs, 'src'].map((name) => join('build', name))]) install(folder)
} else {
  process.exitCode = 1
}
