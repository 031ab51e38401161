import type { Command } from '../command.ts'
import { untilInterrupted } from '../interrupt.ts'
import { styleFor } from '../terminal.ts'
import { LiveView } from './live.ts'
import { parseOptions, SECTIONS } from './options.ts'
import { startLoad } from './processes.ts'
import { reportOf } from './report.ts'
import { summary } from './summary.ts'

const ABOUT = `Puts load on a WebSocket server of any make, and says how it did. With several URLs connections go to one after
the other; {n} in a URL or in a header's value stands for the number of the connection, from 0 on.

The report goes to standard output, and a line each second to standard error. Ctrl-C ends a run before its time.`

const MORE = `TIME is in seconds, or with a unit: 500ms, 10s, 2m. BYTES may end in k or m, for KiB or MiB.

Exit code: 0 when all went well, 1 when there were errors, 2 when something is wrong with the command.

Examples:
  heartwire bench ws://127.0.0.1:8080 -c 100 -d 30s
  heartwire bench ws://127.0.0.1:8080 -c 1000 --rate 5000 --warmup 5s --size 1k --check
  heartwire bench 'wss://example.com/room/{n}' -c 15000 --open-rate 500 --mode listen -d 5m`

export const bench: Command = {
  name: 'bench',
  summary: 'puts load on a server, and says how it did',
  usage: '[options] URL...',
  about: ABOUT,
  sections: SECTIONS,
  more: MORE,
  run,
}

async function run(argv: readonly string[]): Promise<number> {
  const { plan, processes, json, quiet } = parseOptions(argv)
  let interrupted = false
  void untilInterrupted().then(() => {
    interrupted = true
    runner.stop()
  })
  const runner = startLoad(plan, processes)
  const live = quiet ? undefined : new LiveView(plan, runner, process.stderr)
  try {
    await runner.open()
    live?.beginRunning()
    await runner.run()
    live?.end()
    const report = reportOf(plan, await runner.close(), processes, interrupted)
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : summary(report, styleFor(process.stdout)))
    return report.errors.total > 0 ? 1 : 0
  } finally {
    live?.end()
    runner.end()
  }
}
