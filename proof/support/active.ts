import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/**
 * What is active in this process, as Node counts it by kind. On Linux sockets of TCP are as the system counts them: those of
 * heartwire's native transport are none of Node's.
 */
export function activeResources(): Record<string, number> {
  const active: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo().toSorted()) active[kind] = (active[kind] ?? 0) + 1
  if (process.platform !== 'linux') return active
  const { connections, listeners } = tcpSockets()
  for (const [kind, count] of [
    ['TCPSocketWrap', connections],
    ['TCPServerWrap', listeners],
  ] as const) {
    if (count > 0) active[kind] = count
    else delete active[kind]
  }
  return active
}

/** The state of a socket that listens, in the tables of the system. */
const LISTENS = '0A'

function tcpSockets(): { connections: number; listeners: number } {
  const own = new Set(readdirSync('/proc/self/fd').map(targetOf))
  const found = { connections: 0, listeners: 0 }
  for (const table of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    for (const line of rowsOf(table)) {
      const columns = line.trim().split(/\s+/)
      if (own.has(`socket:[${columns[9]}]`)) found[columns[3] === LISTENS ? 'listeners' : 'connections']++
    }
  }
  return found
}

function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    // That of the folder that was read is closed by now.
    return ''
  }
}

function rowsOf(table: string): string[] {
  try {
    return readFileSync(table, 'latin1').split('\n').slice(1)
  } catch {
    // There may be no IPv6.
    return []
  }
}
