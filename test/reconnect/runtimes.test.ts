import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { serve } from '../support/servers.ts'

const program = fileURLToPath(new URL('runtime.mjs', import.meta.url))

const runtimes: { name: string; command: string; args: string[] }[] = [
  { name: 'Node.js', command: process.execPath, args: ['--no-warnings', '--experimental-websocket'] },
  { name: 'Bun', command: 'bun', args: ['run'] },
  { name: 'Deno', command: 'deno', args: ['run', '--allow-net', '--no-config'] },
]

/** Those that are not there are left out. */
const isThere = (command: string) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0

describe.each(runtimes)('with the WebSocket of $name', ({ command, args }) => {
  it.skipIf(!isThere(command))(
    'comes back, sends what has waited, has a heartbeat, and lets the process end',
    async () => {
      let connections = 0
      let pings = 0
      const { server, url } = await serve({
        autoResponse(message) {
          if (message !== 'ping') return undefined
          if (++pings === 3) server.sockets.forEach((socket) => void socket.send('enough'))
          return 'pong'
        },
        open: (socket) => void (++connections === 1 && socket.terminate()),
        message: (socket, message) => void socket.send(message),
      })
      const { stdout } = await promisify(execFile)(command, [...args, program, url])
      expect(stdout.trim().split('\n')).toEqual([
        'connecting 0',
        'open 0',
        'waiting 1',
        'connecting 1',
        'open 1',
        'message: hello',
        'message: object',
        'message: enough',
        'close: 4000 local-close',
      ])
    },
  )
})
