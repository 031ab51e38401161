/** Checks the command lines of a document without running them: what they name is to exist. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Arguments } from '../../../src/cli/arguments.ts'
import { COMMANDS } from '../../../src/cli/commands.ts'

/** Commands of other projects, which are not looked into. */
const KNOWN = new Set(['cd', 'curl', 'export', 'git'])
/** What npm can do without a script of that name. */
const NPM = new Set(['ci', 'install', 'pack', 'version'])

/**
 * What is wrong with the commands of a `sh` block: npm scripts, files for node and tools for npx that are not there.
 * @param root the folder of package.json
 */
export function commandProblems(code: string, root: string, scripts: Readonly<Record<string, string>>): string[] {
  const problems: string[] = []
  for (const words of commandsOf(code)) {
    const [command = '', ...args] = words
    const [first = '', second = ''] = args.filter((arg) => !arg.startsWith('-'))
    if (command === 'npm') {
      const script = first === 'run' ? second : first
      if (!(script in scripts) && !(first !== 'run' && NPM.has(first))) {
        problems.push(`package.json has no script for '${words.join(' ')}'`)
      }
    } else if (command === 'npx') {
      if (first === 'heartwire') problems.push(...mistakesIn(args.slice(args.indexOf(first) + 1)))
      else if (!existsSync(join(root, 'node_modules/.bin', first)))
        problems.push(`no dependency has the command '${first}'`)
    } else if (command === 'node') {
      if (!existsSync(join(root, first))) problems.push(`there is no file '${first}'`)
    } else if (!KNOWN.has(command)) {
      problems.push(`nothing checks the command '${command}'; if it cannot be checked, make this a text block`)
    }
  }
  return problems
}

/** What is wrong with a command line of the package itself. */
function mistakesIn([name, ...argv]: string[]): string[] {
  const command = COMMANDS.find((command) => command.name === name)
  if (command === undefined) return [`heartwire has no command '${name}'`]
  try {
    new Arguments(argv, command.sections)
    return []
  } catch (error) {
    return [String(error)]
  }
}

/** The words of each command in a piece of shell, without comments and variable settings. */
function commandsOf(code: string): string[][] {
  return code
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.replace(/^\s*\$ /, '').replace(/(^|\s)#.*$/, ''))
    .flatMap((line) => line.split(/&&|\|\||[;|&]/))
    .map((command) =>
      command
        .trim()
        .replace(/^(\w+=\S*\s+)+/, '')
        .split(/\s+/),
    )
    .filter((words) => words[0] !== '')
}
