// Compiles the package to dist/ and the programs around it to build/:
//
//   src/                     -> dist/              type-checked, with declarations
//   chat/ bench/ examples/ proof/  -> build/...       at run time 'heartwire' is the package itself, that is dist/
//   chat/page/               -> build/chat/page/   'heartwire/protocol' is resolved in the browser by an import map
//
// The programs are only translated here; `npm run types` checks them. What an earlier build left
// of sources that are gone is removed, and nothing else is: a build may run while something uses the last one.
import { spawn } from 'node:child_process'
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const programs = ['chat', 'bench', 'examples', 'proof'].filter((folder) => existsSync(join(root, folder)))
const page = existsSync(join(root, 'chat/page'))

/**
 * Runs the compiler once.
 * @param {string} project the tsconfig, from the root of the repository
 * @param {string[]} [options] further compiler options
 * @returns {Promise<{ ok: boolean, written: string[] }>} `written`: absolute names of the files it wrote
 */
function compile(project, options = []) {
  return new Promise((settle, fail) => {
    const child = spawn(process.execPath, [tsc, '--project', project, '--listEmittedFiles', ...options], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
    })
    child.on('error', fail)
    child.on('close', (code) => {
      const marker = 'TSFILE: '
      const lines = output.split(/\r?\n/)
      const written = lines.filter((line) => line.startsWith(marker)).map((line) => resolve(line.slice(marker.length)))
      const rest = lines.filter((line) => line !== '' && !line.startsWith(marker))
      if (rest.length > 0) console.log(rest.join('\n'))
      settle({ ok: code === 0, written })
    })
  })
}

/** Copies what a browser reads as it is: HTML, CSS, pictures. */
function copyPage() {
  const from = join(root, 'chat/page')
  for (const file of filesUnder(from)) {
    if (/\.ts$|tsconfig.*\.json$/.test(file)) continue
    cpSync(file, join(root, 'build/chat/page', relative(from, file)))
  }
}

/** Every file in `folder` and below, absolute. */
function filesUnder(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Removes the modules and declarations in `folder` that this build did not write. */
function prune(folder, written) {
  const kept = new Set(written)
  for (const file of filesUnder(join(root, folder))) {
    if (/\.(js|d\.ts)$/.test(file) && !kept.has(file)) rmSync(file, { force: true })
  }
}

// Its modules may import some of chat/, so they are laid out from there.
const translatePage = '--noCheck --noEmit false --paths null --rootDir chat --outDir build/chat'.split(' ')
const [library, ...others] = await Promise.all([
  compile('tsconfig.build.json'),
  ...(programs.length > 0 ? [compile('tsconfig.programs.json', ['--noCheck'])] : []),
  ...(page ? [compile('chat/page', translatePage)] : []),
])
if (page) copyPage()

if (library.ok && others.every((other) => other.ok)) {
  const written = others.flatMap((other) => other.written)
  prune('dist', library.written)
  // Of src/ there is what the fuzzer imports.
  for (const folder of [...programs, 'src']) prune(join('build', folder), written)
} else {
  process.exitCode = 1
}
