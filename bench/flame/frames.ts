/** What becomes of the frames of a stack in a picture: whose they are, and few enough of them to be read. */
import type { Frame } from './tree.ts'

/** A frame of a script. */
export function scriptFrame(name: string, url: string, line: number): Frame {
  const text = name === '' ? '(anonymous)' : name
  if (url.startsWith('node:')) return { name: text, kind: 'node', place: url }
  const path = url.replace(/^file:\/\//, '')
  const own = /\/dist\/(.*)$/.exec(path)?.[1]
  if (own !== undefined) return { name: text, kind: 'heartwire', place: `${own}:${line}` }
  return { name: text, kind: 'application', place: `${path.slice(path.lastIndexOf('/') + 1)}:${line}` }
}

/** A frame as the kernel's profiler has it: what is there, and the file that it is in. */
export interface Code {
  name: string
  file: string
}

/** The frames of a stack, outermost first. What is deep in the engine or in the kernel is told in a word or two. */
export function framesOf(all: readonly Code[], isMainThread: boolean): Frame[] {
  const codes = all.filter(({ file }) => !file.includes('flame_preload'))
  if (!isMainThread) return [{ name: 'other threads', kind: 'engine' }, ...otherThread(codes)]
  const frames: Frame[] = []
  for (let at = 0; at < codes.length; ) {
    const part = partOf(codes[at]!)
    let end = at + 1
    while (end < codes.length && partOf(codes[end]!) === part) end++
    frames.push(...READERS[part](codes.slice(at, end)))
    at = end
  }
  // Where a frame has called itself, or is there twice for another reason, once is enough.
  return frames.filter(({ name, kind }, i) => name !== frames[i - 1]?.name || kind !== frames[i - 1]?.kind)
}

type Part = 'script' | 'addon' | 'kernel' | 'engine'

function partOf({ name, file }: Code): Part {
  if (/^JS:|^Eval:|^Script:/.test(name)) return 'script'
  if (file.endsWith('heartwire.node')) return 'addon'
  return /^\[(kernel|guest)/.test(file) ? 'kernel' : 'engine'
}

const READERS: Record<Part, (codes: readonly Code[]) => Frame[]> = {
  script: (codes) => codes.map(scriptOf),
  addon: (codes) => codes.map(({ name }) => ({ name, kind: 'addon' })),
  kernel: kernelFrames,
  engine: engineFrames,
}

/** As in `JS:*send file:///.../link.js:113:9`; the sign before the name says how it is compiled. */
function scriptOf({ name }: Code): Frame {
  const [, called = '', url = '', line = '0'] = /^\w+:[~^+*']?(.*?) ?((?:file|node):\S*?):(\d+):\d+$/.exec(name) ?? []
  return url === '' ? { name: name.replace(/^\w+:[~^+*']?/, ''), kind: 'node' } : scriptFrame(called, url, Number(line))
}

/** What is worth a frame of what V8, libuv and the rest of Node do, by the first of these that is found. */
function engineFrames(codes: readonly Code[]): Frame[] {
  const names = codes.map(({ name }) => name)
  if (names.some((name) => GARBAGE.test(name))) return [{ name: 'garbage collection', kind: 'garbage' }]
  if (names.some((name) => COMPILER.test(name))) return [{ name: 'compilation', kind: 'engine' }]
  if (names.includes('uv_run')) return [{ name: 'event loop', kind: 'engine' }]
  const found = names.find((name) => !PASSAGE.test(name))
  if (found === undefined) return []
  return [{ name: found.replace(/^Builtins_|^(v8|node)::(internal::)?/, '').replace(/\(.*$/, ''), kind: 'engine' }]
}

const GARBAGE =
  /Heap::(CollectGarbage|.*Finalize)|Scavenge|MarkCompact|MarkingVisitor|ConcurrentMarking|IncrementalMarking|Sweeper|Evacuat|ArrayBufferSweeper|Unmapper/
const COMPILER =
  /::compiler::|Compiler::|TurboAssembler|maglev|baseline::|interpreter::Bytecode|Parser|OptimizedCompilation/i
/** What is on the way from one to the other, and says nothing by itself. */
const PASSAGE =
  /^Builtins_(CEntry|InterpreterEntry|InterpreterPushArgs|Call|JSEntry|JSRunMicrotasksEntry|Construct|JSConstruct|ReflectApply|FunctionPrototypeApply|HandleApiCall|BaselineOutOfLine|BaselineOrInterpreter)|::Invoke|Execution::|^v8::Function::Call|HandleApiCall|FunctionCallback|^\[unknown\]$/

/** What the kernel does, by the stations that say something, whatever it calls between them. */
function kernelFrames(codes: readonly Code[]): Frame[] {
  const frames: Frame[] = []
  const add = (name: string, place?: string) =>
    frames.push({ name, kind: 'kernel', ...(place !== undefined && { place }) })
  for (const { name } of codes) {
    const call = /^__(?:x64|arm64|se|do)_sys_(\w+)$/.exec(name)?.[1]
    if (call !== undefined) add(call, 'system call')
    else {
      const station = STATIONS.find(([pattern]) => pattern.test(name))
      if (station !== undefined) add(station[1], name)
    }
  }
  return frames.length > 0 ? frames : [{ name: 'kernel', kind: 'kernel' }]
}

const STATIONS: readonly [pattern: RegExp, name: string][] = [
  [/^asm_exc_page_fault/, 'page fault'],
  [/^asm_(sysvec|common_interrupt)/, 'interrupt'],
  [/^tcp_sendmsg$/, 'TCP takes the bytes'],
  [/^tcp_write_xmit/, 'TCP sends'],
  [/^(net_rx_action|process_backlog)/, 'loopback: the other end receives'],
  [/^sock_def_readable/, 'wakes the other end'],
  [/^tcp_recvmsg$/, 'TCP gives the bytes'],
  [/^__tcp_close|^inet_csk_destroy_sock/, 'TCP ends'],
  [/^inet_csk_accept/, 'TCP accepts'],
]

function otherThread(codes: readonly Code[]): Frame[] {
  const frames = engineFrames(codes.filter((symbol) => partOf(symbol) === 'engine'))
  return frames.filter(({ name }) => name === 'garbage collection' || name === 'compilation')
}
