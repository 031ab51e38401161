/** Checks the links inside a project's documents. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { proseOf } from './markdown.ts'

/**
 * What is wrong with the links of a document to other files and to headings. Links to other sites are not looked at.
 * @param document its name, relative to `root`
 */
export function linkProblems(document: string, markdown: string, root: string): string[] {
  const problems: string[] = []
  const prose = proseOf(markdown).replace(/`[^`\n]*`/g, '')
  for (const [, target = ''] of prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)) {
    if (/^[a-z][a-z+.-]*:/i.test(target)) continue
    const [path = '', anchor] = decodeURIComponent(target).split('#')
    const file = join(root, path === '' ? document : join(dirname(document), path))
    if (path !== '' && !existsSync(file)) problems.push(`${document}: there is no ${target}`)
    else if (anchor && file.endsWith('.md')) {
      const headings = anchorsOf(path === '' ? markdown : readFileSync(file, 'utf8'))
      if (!headings.has(anchor)) problems.push(`${document}: no heading has the anchor ${target}`)
    }
  }
  return problems
}

/** The anchors that GitHub gives the headings of a document. */
function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of proseOf(markdown).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = text.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-')
    let unique = anchor
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`
    anchors.add(unique)
  }
  return anchors
}
