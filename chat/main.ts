import { fileURLToPath } from 'node:url'
import { HELP, parseArguments, UsageError } from './arguments.ts'
import { type Chat, createChat } from './chat.ts'
import { loadSite } from './site.ts'

/**
 * A second Ctrl-C within this many milliseconds is the same one: `npm start` passes the signal on to a process that
 * has had it from the terminal already.
 */
const SAME_KEYSTROKE = 300

try {
  const { port, host, help } = parseArguments(process.argv.slice(2))
  if (help) process.stdout.write(HELP)
  else await start(port, host)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`${error.message}\n\n${HELP}`)
  process.exitCode = 2
}

async function start(port: number, host: string): Promise<void> {
  const here = fileURLToPath(new URL('.', import.meta.url))
  const built = (part: string) => fileURLToPath(new URL('.', import.meta.resolve(`heartwire/${part}`)))
  const site = await loadSite(here, { protocol: built('protocol'), reconnect: built('reconnect') })
  const chat = createChat({ site, log: (line) => console.log(`${time()}  ${line}`) })
  const listening = await listen(chat, port, host)
  if (listening === undefined) {
    process.exitCode = 1
    return
  }
  console.log(`heartwire chat: ${url(host, listening)}`)
  console.log('Open it in two windows, and cut the network of one. Ctrl-C ends it.\n')
  closeOnSignal(chat)
}

/** Undefined, with the reason printed, when that is not possible. */
async function listen(chat: Chat, port: number, host: string): Promise<number | undefined> {
  try {
    return await chat.listen(port, host)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const code = 'code' in error ? error.code : undefined
    if (code === 'EADDRINUSE') {
      console.error(`Port ${port} is taken by another program. Take another one: npm start -- --port ${port + 1}`)
    } else if (code === 'EACCES') {
      console.error(`Port ${port} is not allowed to you. Take one above 1023: npm start -- --port 8080`)
    } else if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      console.error(`${host} is no address of this machine.`)
    } else {
      throw error
    }
    return undefined
  }
}

function closeOnSignal(chat: Chat): void {
  let first: number | undefined
  const close = (signal: NodeJS.Signals) => {
    if (first !== undefined) {
      if (performance.now() - first < SAME_KEYSTROKE) return
      console.log('Leaving at once.')
      process.exit(130)
    }
    first = performance.now()
    const { connections } = chat
    const count = connections === 1 ? '1 connection' : `${connections} connections`
    console.log(`\n${signal}: closing ${count} with 1001 (going away).`)
    chat.close().then(
      // Nothing is left that would keep the process.
      () => console.log('Closed.'),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', close)
  process.on('SIGTERM', close)
}

function url(host: string, port: number): string {
  if (host === '127.0.0.1' || host === '0.0.0.0' || host === '::' || host === '::1') return `http://localhost:${port}`
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function time(): string {
  return new Date().toTimeString().slice(0, 8)
}
