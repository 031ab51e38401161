import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'

const run = promisify(execFile)

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome.exe', 'msedge.exe']

/** Where macOS keeps what is not on PATH. */
const APPLICATIONS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** How each package manager installs a Chromium. The first one that is on PATH is used. */
const INSTALLERS: { command: string; needsRoot: boolean; steps: string[][] }[] = [
  {
    command: 'apt-get',
    needsRoot: true,
    steps: [['update'], ['install', '--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', 'chromium']],
  },
  { command: 'dnf', needsRoot: true, steps: [['install', '--assumeyes', 'chromium']] },
  { command: 'apk', needsRoot: true, steps: [['add', '--no-cache', 'chromium']] },
  { command: 'pacman', needsRoot: true, steps: [['-Sy', '--noconfirm', 'chromium']] },
  { command: 'brew', needsRoot: false, steps: [['install', '--cask', 'chromium']] },
]

/** A package download that takes longer than this is given up. */
const INSTALL_TIMEOUT = 5 * 60_000

/**
 * The Chromium to test with: what the environment variable CHROMIUM names, else the first on PATH that starts.
 * Resolves to undefined when there is none. Installs nothing.
 */
export async function findChromium(): Promise<string | undefined> {
  const named = process.env.CHROMIUM
  if (named) return named
  const onPath = NAMES.map(findOnPath).filter((file) => file !== undefined)
  for (const file of [...onPath, ...APPLICATIONS.filter((application) => existsSync(application))]) {
    if (await starts(file)) return file
  }
  return undefined
}

/**
 * Whether the tests that need a browser are to be skipped: there is no Chromium, and this is not CI. Under CI they run,
 * and fail in launchChromium, so that no green run has left them out.
 */
export async function skipWithoutChromium(): Promise<boolean> {
  return !process.env.CI && (await findChromium()) === undefined
}

/** Starts a headless Chromium. Throws when there is none. The caller closes it. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = await findChromium()
  if (executablePath === undefined) {
    throw new Error('no Chromium: put one on PATH or name it in the environment variable CHROMIUM')
  }
  const { chromium } = await import('playwright-core')
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** Vitest global setup: makes sure that there is a Chromium, or says why the browser tests cannot run. */
export default async function setup(): Promise<void> {
  if ((await findChromium()) !== undefined) return
  const problem = await installChromium()
  if (problem === undefined && (await findChromium()) !== undefined) return
  const outcome = process.env.CI ? 'fail, because CI is set' : 'are skipped'
  say(`${problem ?? 'what was installed does not start'}; the browser tests ${outcome}`)
}

/** Installs a Chromium with the machine's package manager. Resolves to the reason when that is not possible. */
async function installChromium(): Promise<string | undefined> {
  const installer = INSTALLERS.find(({ command }) => findOnPath(command) !== undefined)
  if (installer === undefined) return 'no Chromium, and no package manager known here to install it with'
  const { command, needsRoot, steps } = installer
  const sudo = needsRoot && process.getuid?.() !== 0
  if (sudo && !(await succeeds('sudo', ['-n', 'true']))) return `no Chromium, and no right to run ${command}`
  let failure: string | undefined
  for (const step of steps) {
    const line = [...(sudo ? ['sudo', '-n'] : []), command, ...step]
    say(`${line.join(' ')} ...`)
    failure = await runQuietly(line) // only the last step's counts: one dead package source fails an update
  }
  return failure && `no Chromium, and installing it failed:\n${failure}\n`
}

/** Runs a command. Resolves to undefined when it succeeded, else to the end of what it printed. */
function runQuietly([command = '', ...args]: string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: INSTALL_TIMEOUT,
    })
    let output = ''
    const keep = (text: Buffer) => {
      output = (output + text).slice(-2_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code, signal) => resolve(code === 0 ? undefined : `${output}(${signal ?? `exit code ${code}`})`))
  })
}

/** Ubuntu has a `chromium-browser` that only says to install a snap, so being on PATH is not enough. */
async function starts(file: string): Promise<boolean> {
  if (process.platform === 'win32') return true // there --version opens a window
  return succeeds(file, ['--version'])
}

async function succeeds(file: string, args: string[]): Promise<boolean> {
  try {
    await run(file, args, { timeout: 20_000 })
    return true
  } catch {
    return false
  }
}

function findOnPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file))
}

function say(line: string): void {
  process.stderr.write(`chromium: ${line}\n`)
}
