/** Profiles that V8 writes itself (`node --cpu-prof`): JavaScript only; what is behind it counts for whoever called it. */
import type { Profiler } from 'node:inspector'
import { scriptFrame } from './frames.ts'
import type { Frame, Stack } from './tree.ts'

/**
 * @param from when what is of interest begins, in microseconds of the monotonic clock
 * @param to when it is over
 */
export function readCpuProfile(
  { nodes, samples = [], timeDeltas = [], startTime }: Profiler.Profile,
  from: number,
  to: number,
): Stack[] {
  const byId = new Map(nodes.map((one) => [one.id, one]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  const framesOf = (id: number): Frame[] => {
    const frames: Frame[] = []
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const { functionName, url, lineNumber } = byId.get(at)!.callFrame
      const frame = frameOf(functionName, url, lineNumber)
      if (frame !== undefined) frames.unshift(frame)
    }
    return frames
  }
  const weights = new Map<number, number>()
  let time = startTime
  for (const [i, id] of samples.entries()) {
    const delta = timeDeltas[i] ?? 0
    time += delta
    if (time < from || time > to || byId.get(id)?.callFrame.functionName === '(idle)') continue
    weights.set(id, (weights.get(id) ?? 0) + delta)
  }
  return [...weights].map(([id, weight]) => ({ frames: framesOf(id), weight }))
}

function frameOf(name: string, url: string, line: number): Frame | undefined {
  if (name === '(root)') return undefined
  if (name === '(garbage collector)') return { name: 'garbage collection', kind: 'garbage' }
  if (name === '(program)') return { name: 'no JavaScript', kind: 'engine' }
  if (url === '') return { name: name === '' ? 'V8' : name, kind: 'engine' }
  return scriptFrame(name, url, line + 1)
}
