/** What an idle connection takes: in all, and by class. Two processes, since a snapshot takes memory too. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Child } from '../children.ts'
import { type Generator, holdConnections } from '../generator.ts'
import { FIRST } from '../memory.ts'
import { BUILT } from '../places.ts'
import { residentHeap } from './memory-map.ts'
import type { Taken } from './server.ts'
import { type Class, difference, readSnapshot } from './snapshot.ts'

/** Milliseconds for an answer: a snapshot of hundreds of megabytes takes its time. */
const PATIENCE = 120_000
/** Milliseconds in which what handshakes have left behind comes to an end. */
const REST = 2_000

export interface Setup {
  transport: 'native' | 'node'
  connections: number
  generator: Generator
}

/** For each connection, in bytes. */
export interface Sums {
  rss: number
  heapUsed: number
  arrayBuffers: number
  /** Of the C library's heap; undefined where the system does not tell. */
  malloc: number | undefined
}

export async function measureSums(setup: Setup): Promise<Sums> {
  const { connections } = setup
  return serve(setup, async (server, hold) => {
    const take = async () => ({ ...(await server.ask<Taken>('memory')), malloc: residentHeap(server.pid) })
    const release = [await hold(FIRST)]
    await setTimeout(REST)
    const before = await take()
    release.push(await hold(connections))
    await setTimeout(REST)
    const after = await take()
    await Promise.all(release.map((one) => one()))
    const each = (of: (taken: Taken) => number) => (of(after) - of(before)) / connections
    return {
      rss: each(({ rss }) => rss),
      heapUsed: each(({ heapUsed }) => heapUsed),
      arrayBuffers: each(({ arrayBuffers }) => arrayBuffers),
      malloc:
        before.malloc === undefined || after.malloc === undefined
          ? undefined
          : (after.malloc - before.malloc) / connections,
    }
  })
}

export async function measureClasses(setup: Setup): Promise<[name: string, each: Class][]> {
  const directory = mkdtempSync(join(tmpdir(), 'heartwire-bytes-'))
  try {
    return await serve(setup, async (server, hold) => {
      const snapshot = async (name: string) => {
        const { path } = await server.ask<{ path: string }>(`snapshot ${join(directory, name)}`)
        return readSnapshot(path)
      }
      const release = [await hold(FIRST)]
      await setTimeout(REST)
      const before = await snapshot('before.heapsnapshot')
      release.push(await hold(setup.connections))
      await setTimeout(REST)
      const after = await snapshot('after.heapsnapshot')
      await Promise.all(release.map((one) => one()))
      return difference(before, after, setup.connections)
    })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Running {
  pid: number
  ask<T>(line: string): Promise<T>
}

/** @throws {Error} when the server does not come up, or does not answer */
async function serve<T>(
  { transport, generator }: Setup,
  work: (server: Running, hold: (connections: number) => Promise<() => Promise<void>>) => Promise<T>,
): Promise<T> {
  const child = new Child(process.execPath, ['--expose-gc', join(BUILT, 'bytes', 'server.js'), transport])
  const answer = async <A>(): Promise<A> => {
    const line = await child.nextLine(PATIENCE)
    if (line === undefined) throw new Error(`the server stopped answering: ${child.complaint}`)
    return JSON.parse(line) as A
  }
  const ask = <A>(line: string): Promise<A> => {
    child.tell(line)
    return answer<A>()
  }
  try {
    const { port, pid } = await answer<{ port: number; pid: number }>()
    return await work({ pid, ask }, (connections) => holdConnections(generator, { port, connections, core: undefined }))
  } finally {
    await child.stop()
  }
}
