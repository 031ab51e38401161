/** A process with one end of all connections. Its arguments: `client` or `server`, and the settings of the plans as JSON. */
import { type CloseInfo, connect, createServer, type Socket } from 'heartwire'
import { answer } from '../support/child.ts'
import { LoopWatch, monotonic } from '../support/loop-watch.ts'
import { type EndReport, Party } from './party.ts'
import { type PlanSettings, planConnection } from './plan.ts'
import { countTimers, readResources } from './resources.ts'
import { socketOptions } from './settings.ts'

countTimers()
const [end, json = ''] = process.argv.slice(2)
const settings = JSON.parse(json) as PlanSettings
const options = socketOptions(settings)
const watch = new LoopWatch()
/** What came to light when the report of its connection had been made. */
const late: string[] = []

const handlers = {
  open: (socket: Socket<Party>) => socket.data.opened(socket),
  close: (socket: Socket<Party>, info: CloseInfo) => socket.data.closed(socket, info),
  error: (error: unknown) => void late.push(`${end}: a handler failed, or the listener: ${error}`),
}
const message = (socket: Socket<Party>, data: string | Uint8Array) => socket.data.handled(data)

function party(connection: number, report: (report: EndReport) => void): Party {
  const plan = planConnection(settings, connection)
  return new Party(end === 'server' ? 'server' : 'client', plan, watch, report, (wrong) => void late.push(wrong))
}

const common = {
  resources: () => {
    watch.forget()
    return readResources()
  },
  /** What came to light too late, since this was asked last. */
  late: () => late.splice(0),
}

if (end === 'server') {
  const awaited = new Map<number, (report: EndReport) => void>()
  const upgrade = ({ match }: { match: RegExpExecArray | undefined }) => {
    const connection = Number(match?.[1])
    return {
      data: party(connection, (report) => {
        awaited.get(connection)?.(report)
        awaited.delete(connection)
      }),
    }
  }
  const server = createServer<Party>({ ...options, ...handlers })
  server.route<Party>(/^\/handler\/(\d+)$/, { ...options, ...handlers, upgrade, message })
  server.route<Party>(/^\/pull\/(\d+)$/, { ...options, ...handlers, upgrade })
  const { port } = await server.listen({ host: '127.0.0.1' })
  answer({
    ...common,
    port: () => port,
    report: (connection: number) => new Promise((resolve) => awaited.set(connection, resolve)),
    open: () => server.sockets.size,
  })
} else {
  let open = 0
  answer({
    ...common,
    connect: ({ connection, port }: { connection: number; port: number }) =>
      new Promise<EndReport>((resolve) => {
        const { reads } = planConnection(settings, connection)
        const url = `ws://127.0.0.1:${port}/${reads.server}/${connection}`
        const data = party(connection, (report) => {
          open--
          resolve(report)
        })
        open++
        connect<Party>(url, {
          ...options,
          ...handlers,
          ...(reads.client === 'handler' && { message }),
          data,
          proxy: false,
        }).catch((error) => {
          open--
          resolve(notOpened(connection, error))
        })
      }),
    open: () => open,
  })
}

function notOpened(connection: number, error: unknown): EndReport {
  const now = monotonic()
  const wrong = [`could not connect: ${error}`]
  const at = { openedAt: now, closedAt: now, lastMessageAt: now }
  return { connection, ending: undefined, sent: 0, received: 0, wrong, ...at, stalls: [] }
}
