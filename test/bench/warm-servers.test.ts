import { afterEach, expect, test } from 'vitest'
import { Child } from '../../bench/children.ts'
import { ServerProcess } from '../../bench/server-process.ts'
import { WarmServers } from '../../bench/warm-servers.ts'

const done: string[] = []
let started = 0

/** A process that says that it is a server, and ends with its input. */
function start(name: string): Promise<ServerProcess> {
  const port = ++started
  done.push(`start ${name} ${port}`)
  const program = `console.log('{"port":${port},"pid":1,"versions":{}}'); process.stdin.resume()`
  return ServerProcess.over(name, new Child(process.execPath, ['-e', program]))
}

const servers = new WarmServers(start, async (name, { ready }) => void done.push(`warm ${name} ${ready.port}`))

const port = async ({ ready }: ServerProcess) => ready.port

afterEach(() => servers.stopAll())

test('a process is warmed up once, kept for five rounds, and then replaced', async () => {
  const ports: number[] = []
  for (let round = 0; round < 7; round++) ports.push(await servers.use('ws', round, port))
  expect(ports).toEqual([1, 1, 1, 1, 1, 2, 2])
  expect(done).toEqual(['start ws 1', 'warm ws 1', 'start ws 2', 'warm ws 2'])
})

test('one that failed is not used again', async () => {
  const first = await servers.use('bun', 0, port)
  await expect(servers.use('bun', 1, () => Promise.reject(new Error('wrong answers')))).rejects.toThrow('wrong answers')
  expect(await servers.use('bun', 2, port)).toBe(first + 1)
})
