// npm run test:native-sanitized [-- what to pass on to vitest]
//
// Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer, with the same flags otherwise, and runs the tests over it
// that use it: transport, server, client, conformance, regressions, processes, chaos, fuzzing. What a sanitizer finds ends
// the process that did it, and fails this. Then it looks for memory that the addon has not freed when threads and a
// process end. All of that once more, with fewer tests, for the addon as it is where there is no epoll. Needs a build, Linux
// and gcc.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildNative } from './build-native.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'build/native-sanitized')
const flags = '-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g'
const folders = ['transport/', 'server/', 'client/', 'conformance/', 'regressions/']
const programs = ['faults/processes.test.ts', 'proof/chaos.test.ts', 'proof/fuzz.test.ts']
const tests = [
  '--project=src',
  '--project=built',
  '--testTimeout=60000',
  ...[...folders, ...programs].map((path) => `test/${path}`),
]

const testsOfPoller = [
  '--project=src',
  '--testTimeout=60000',
  ...['transport/', 'server/native-port.test.ts', 'server/transport.test.ts'].map((path) => `test/${path}`),
]

/** Connections that end in every way, in the process and in threads that end before them. */
const everyEnd = `
  import { once } from 'node:events'
  import { isMainThread, parentPort, Worker } from 'node:worker_threads'
  import { connect, createServer } from 'heartwire'
  const server = createServer({ message: (socket, message) => void socket.send(message), transport: 'native' })
  const { url } = await server.listen({ host: '127.0.0.1' })
  const sockets = await Promise.all(Array.from({ length: 100 }, () => connect(url, { transport: 'native' })))
  for (const socket of sockets) socket.send('a'.repeat(200_000))
  for (const socket of sockets) await socket.receive()
  for (const socket of sockets.slice(0, 50)) socket.close()
  for (const socket of sockets.slice(50, 80)) socket.terminate()
  if (isMainThread) {
    for (let round = 0; round < 3; round++) {
      const worker = new Worker(new URL(import.meta.url))
      await once(worker, 'message')
      await worker.terminate()
    }
    await server.close({ deadline: 1000 })
  } else parentPort.postMessage('open')`

if (process.platform !== 'linux') stop('works on Linux only')
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const args = process.argv.slice(2)
// With few frames kept of each allocation, those of the addon are the ones that it has made itself.
writeFileSync(join(folder, 'program.mjs'), everyEnd)
await testWith('epoll', args.length > 0 ? args : tests)
await testWith('uv', args.length > 0 ? args : testsOfPoller)
console.log('\nThe sanitizers have found nothing.')

/** @param poller the source of the addon that finds out which sockets are ready, as native/binding.gyp has it */
async function testWith(poller, tests) {
  const addon = join(folder, `heartwire-${poller}.node`)
  const env = { CFLAGS: flags, LDFLAGS: flags, GYP_DEFINES: `poller=${poller}` }
  if (!(await buildNative({ target: addon, env }))) process.exit(1)
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...tests]
  const tested = run(`tests-${poller}`, addon, vitest, 'detect_leaks=0')
  const leakOptions = 'detect_leaks=1:malloc_context_size=5:exitcode=0'
  const ended = run(`leaks-${poller}`, addon, [join(folder, 'program.mjs')], leakOptions)
  const leaks = ended.reports.flatMap((report) => report.split('\n\n').filter(isOfAddon))
  for (const report of [...tested.reports, ...(ended.status === 0 || leaks.length > 0 ? leaks : ended.reports)])
    console.error(report)
  if (tested.status !== 0 || tested.reports.length > 0) stop(`failed: tests, with ${poller}`)
  if (leaks.length > 0) stop(`failed: ${leaks.length} places in the addon whose memory was not freed, with ${poller}`)
  if (ended.status !== 0) stop(`failed: the program whose memory was looked at, with ${poller}`)
}

/** Runs Node with the sanitized addon. Reports go to files, so that one of a process that nobody looked at counts. */
function run(name, addon, args, options) {
  const common = `log_path=${join(folder, name)}:print_stacktrace=1`
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      HEARTWIRE_NATIVE: addon,
      LD_PRELOAD: ['libasan.so', 'libubsan.so'].map(library).join(':'),
      // V8 has a handler of its own for what WebAssembly does beyond its memory, and frees little when a process ends.
      // Some tests look at resident memory, so that not much that is freed is kept from being used again.
      ASAN_OPTIONS: `${options}:handle_segv=0:quarantine_size_mb=8:${common}`,
      UBSAN_OPTIONS: common,
    },
  })
  const files = readdirSync(folder).filter((file) => file.startsWith(`${name}.`))
  return { status, reports: files.map((file) => readFileSync(join(folder, file), 'utf8')) }
}

function isOfAddon(report) {
  return readdirSync(join(root, 'native/src')).some((file) => report.includes(` ../src/${file}:`))
}

function library(name) {
  return execFileSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim()
}

function stop(line) {
  console.error(`test:native-sanitized: ${line}`)
  process.exit(2)
}
