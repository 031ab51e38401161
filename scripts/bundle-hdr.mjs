// Puts what the one module that imports hdr-histogram-js needs of it in the place of that module: the command line has no
// dependency to be installed, and who only imports the library has nothing to do with it.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

/**
 * @param {string} root the folder of node_modules
 * @param {string} dist what was compiled
 */
export async function bundleHdr(root, dist) {
  const file = join(dist, 'cli/hdr.js')
  const bundle = await rolldown({ input: file, platform: 'node', cwd: root })
  const { output } = await bundle.generate({ format: 'esm', minify: true, comments: false })
  await bundle.close()
  const [{ code, moduleIds }] = output
  const packages = new Set(
    moduleIds.flatMap((id) => /node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(id)?.[1] ?? []),
  )
  // Code without comments has no licences in it either, and they have to be there.
  const licences = [...packages].toSorted().map((name) => licenceOf(join(root, 'node_modules', name)))
  writeFileSync(file, `${licences.join('')}${code}`)
  // Nobody imports the command line.
  for (const name of readdirSync(join(dist, 'cli'), { recursive: true })) {
    if (String(name).endsWith('.d.ts')) rmSync(join(dist, 'cli', String(name)))
  }
}

/** The licence of a package in a comment. */
function licenceOf(folder) {
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file))
  if (file === undefined) throw new Error(`The package ${name} has no file with its licence.`)
  return `/*!\n${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n*/\n`
}
