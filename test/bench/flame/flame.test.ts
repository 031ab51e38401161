import { expect, test } from 'vitest'
import { readCpuProfile } from '../../../bench/flame/cpu-profile.ts'
import { parseScript } from '../../../bench/flame/perf.ts'
import { currentMap } from '../../../bench/flame/perf-map.ts'
import { drawFlame } from '../../../bench/flame/svg.ts'
import { buildTree, type Stack, shares } from '../../../bench/flame/tree.ts'

const SAMPLE = `17/17 10.000001:
	ffffffff82029df1 tcp_release_cb ([kernel.kallsyms])
	ffffffff8200ec65 tcp_sendmsg ([kernel.kallsyms])
	ffffffff81e2f330 __x64_sys_sendto ([kernel.kallsyms])
	ffffffff821ed511 do_syscall_64 ([kernel.kallsyms])
	          10aba4 send (/bench/native/flame_preload-x64)
	            3a01 connection_write (/native/build/Release/heartwire.node)
	          7b1040 node::(anonymous namespace)::FunctionCallbackWrapper::Invoke (/usr/bin/node)
	    7f8c0c1be6f7 JS:*sendOutgoing file:///x/dist/transport/gathering.js:34:2 (/tmp/perf-17.map)
	    7f8c0c1be6f8 JS:^runInAsyncScope node:async_hooks:200:18 (/tmp/perf-17.map)
	         14cde02 Builtins_JSEntry (/usr/bin/node)
	          86ed38 napi_make_callback (/usr/bin/node)
	         14ac92b uv_run+0x1b (/usr/bin/node)
	          7b835d _start (/usr/bin/node)

17/18 10.000002:
	          af9a62 v8::internal::Heap::CollectGarbage (/usr/bin/node)
	          5e5f5d clone3 (/usr/lib/libc.so.6)

17/17 12.000000:
	         14ac92b uv_run (/usr/bin/node)
`

const names = ({ frames }: Stack) => frames.map(({ name, kind }) => `${name} ${kind}`)

test('a stack of perf is told in the frames that say something, and by whose they are', () => {
  const stacks = parseScript(SAMPLE, 9e6, 11e6)
  expect(stacks.map(names)).toEqual([
    [
      'event loop engine',
      'runInAsyncScope node',
      'sendOutgoing heartwire',
      'connection_write addon',
      'sendto kernel',
      'TCP takes the bytes kernel',
    ],
    ['other threads engine', 'garbage collection garbage'],
  ])
  expect(stacks[0]?.frames[2]?.place).toBe('transport/gathering.js:34')
})

test('what lay where something else does now is left out of the map', () => {
  const map = ['100 20 old', '300 10 stays', '110 20 new', '130 10 beside', '2f8 10 over'].join('\n')
  expect(currentMap(map)).toBe('110 20 new\n130 10 beside\n2f8 10 over\n')
})

test("a profile of V8's is read in its time, without what was idle", () => {
  const callFrame = (functionName: string, url = '') => ({
    functionName,
    url,
    lineNumber: 4,
    scriptId: '0',
    columnNumber: 0,
  })
  const profile = {
    startTime: 1000,
    endTime: 1600,
    nodes: [
      { id: 1, callFrame: callFrame('(root)'), children: [2, 3] },
      { id: 2, callFrame: callFrame('(idle)') },
      { id: 3, callFrame: callFrame('deliver', 'file:///x/dist/socket/link.js'), children: [4] },
      { id: 4, callFrame: callFrame('', 'file:///x/servers/heartwire.js') },
    ],
    samples: [3, 4, 2, 4, 3],
    timeDeltas: [100, 100, 100, 100, 200],
  }
  expect(readCpuProfile(profile, 1150, 1500)).toEqual([
    {
      frames: [
        { name: 'deliver', kind: 'heartwire', place: 'socket/link.js:5' },
        { name: '(anonymous)', kind: 'application', place: 'heartwire.js:5' },
      ],
      weight: 200,
    },
  ])
})

const stack = (weight: number, ...kinds: ('heartwire' | 'kernel' | 'node')[]): Stack => ({
  frames: kinds.map((kind) => ({ name: `<${kind}>`, kind })),
  weight,
})

test('a frame that is too little counts for the one that called it', () => {
  const root = buildTree([stack(90, 'heartwire', 'kernel'), stack(9, 'heartwire'), stack(1, 'heartwire', 'node')], 0.02)
  const [heartwire] = root.children
  expect(heartwire).toMatchObject({ weight: 100, own: 10, children: [{ weight: 90, own: 90, children: [] }] })
  expect(Object.fromEntries(shares(root))).toEqual({ heartwire: 0.1, kernel: 0.9 })
})

test('the picture: widths are shares, and every frame says what it is', () => {
  const root = buildTree([stack(3, 'heartwire', 'kernel'), stack(1, 'heartwire')], 0)
  const svg = drawFlame(root, { title: 'A & B', text: 'How.' })
  const widths = [...svg.matchAll(/<rect class="(heartwire|kernel)" x="[\d.]+" y="1[13]\d" width="([\d.]+)"/g)]
  expect(widths.map(([, kind, width]) => [kind, width])).toEqual([
    ['heartwire', '960'],
    ['kernel', '720'],
  ])
  expect(svg).toContain('<title id="hw-title">A &amp; B</title>')
  expect(svg).toContain('<title>&lt;heartwire&gt;: 100\u00a0%, 25\u00a0% by itself</title>')
  expect(svg).toContain('<desc id="hw-desc">kernel 75\u00a0%, heartwire 25\u00a0%.</desc>')
})
