import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Accepting,
  type Action,
  accept,
  dial,
  type End,
  type Endpoint,
  type Library,
  type Seen,
} from './endpoints.ts'

/** What both ends do: their actions, in turn, and then the end. */
interface Script {
  actions: { by: 'client' | 'server'; action: Action }[]
  /** Whether the end waits until everything has arrived. */
  settled: boolean
  end: { by: 'client' | 'server' | 'both'; end: End; otherEnd: End }
}

const servers = new Map<Library, Accepting>()

beforeAll(async () => {
  for (const library of ['ws', 'heartwire'] as const) servers.set(library, await accept(library))
})
afterAll(async () => {
  for (const server of servers.values()) await server.stop()
})

/** Plays a script between a server of one library and a client of another, and says what each end saw. */
async function play(
  script: Script,
  serverLibrary: Library,
  clientLibrary: Library,
): Promise<{ client: Seen; server: Seen }> {
  const accepting = servers.get(serverLibrary)
  if (accepting === undefined) throw new Error('no such server')
  const [server, client] = await Promise.all([accepting.next(), dial(clientLibrary, accepting.url)])
  const ends = { client, server }
  for (const { by, action } of script.actions) await ends[by].act(action)
  if (script.settled) await Promise.all([settle(client, script, 'server'), settle(server, script, 'client')])
  const { by, end, otherEnd } = script.end
  if (by === 'both') {
    client.end(end)
    server.end(otherEnd)
  } else {
    ends[by].end(end)
  }
  await Promise.all([
    client.until((seen) => seen.closed !== undefined),
    server.until((seen) => seen.closed !== undefined),
  ])
  // A Close frame's answer carries a reason with `ws`, and none with heartwire (RFC 6455 section 5.5.1 asks for neither).
  if (by !== 'both' && ends[by].seen.closed !== undefined) ends[by].seen.closed.reason = ''
  // Whether the answer to a ping goes before a pong of one's own depends on when the ping came.
  for (const { seen } of [client, server]) seen.pongs.sort()
  return { client: client.seen, server: server.seen }
}

/** Waits until an end has seen all that the other has sent, and the answers to its own pings. */
function settle(end: Endpoint, script: Script, other: 'client' | 'server'): Promise<void> {
  const count = (by: string, ...what: Action['do'][]) =>
    script.actions.filter((step) => step.by === by && what.includes(step.action.do)).length
  const own = other === 'client' ? 'server' : 'client'
  return end.until(
    ({ messages, pings, pongs }) =>
      messages.length === count(other, 'send', 'fragments') &&
      pings.length === count(other, 'ping') &&
      pongs.length === count(other, 'pong') + count(own, 'ping'),
  )
}

const smallSize = fc.oneof(fc.constantFrom(0, 1, 125, 126, 127), fc.integer({ min: 0, max: 2000 }))
/** Sizes at which the frame's header changes its form, and what lies between. */
const anySize = fc.oneof(smallSize, fc.constantFrom(65_535, 65_536, 65_537, 200_000))
const shortText = fc.string({ unit: 'grapheme', maxLength: 200 })
const payload = fc.uint8Array({ maxLength: 125 })

function actionOf(size: fc.Arbitrary<number>): fc.Arbitrary<Action> {
  const bytes = fc.tuple(size, fc.nat(255)).map(([length, seed]) => Uint8Array.from({ length }, (_, i) => i * 7 + seed))
  const text = fc.oneof(
    shortText,
    size.map((length) => 'é'.repeat(length / 2)),
  )
  return fc.oneof(
    { weight: 4, arbitrary: fc.oneof(text, bytes).map((data) => ({ do: 'send', data }) as const) },
    {
      weight: 2,
      arbitrary: fc
        .oneof(fc.array(shortText, { minLength: 1, maxLength: 4 }), fc.array(bytes, { minLength: 1, maxLength: 4 }))
        .map((parts) => ({ do: 'fragments', parts }) as const),
    },
    { weight: 1, arbitrary: payload.map((data) => ({ do: 'ping', payload: data }) as const) },
    { weight: 1, arbitrary: payload.map((data) => ({ do: 'pong', payload: data }) as const) },
  )
}

const closing: fc.Arbitrary<End> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
    )
    .map(([code, reason]) => ({ how: 'close', code, reason: Buffer.byteLength(reason) > 123 ? '' : reason }) as const),
  fc.constant({ how: 'close', code: undefined, reason: '' } as const),
)

const script: fc.Arbitrary<Script> = fc.oneof(
  { weight: 2, arbitrary: scriptOf(anySize, true, closing) },
  // What the kernel has not taken when the peer closes is discarded, so that only little is sent here.
  { weight: 2, arbitrary: scriptOf(smallSize, false, closing) },
  // Nobody promises what arrives before it is cut.
  { weight: 1, arbitrary: scriptOf(anySize, true, fc.constant({ how: 'terminate' } as const)) },
)

function scriptOf(size: fc.Arbitrary<number>, settled: boolean, end: fc.Arbitrary<End>): fc.Arbitrary<Script> {
  return fc.record({
    actions: fc.array(fc.record({ by: fc.constantFrom('client', 'server'), action: actionOf(size) }), {
      maxLength: 12,
    }),
    settled: fc.constant(settled),
    end: fc.record({ by: fc.constantFrom('client', 'server', 'both'), end, otherEnd: end }),
  })
}

/** In fast-check's report, and in an assertion's, kilobytes of base64 help nobody. */
function brief({ client, server }: { client: Seen; server: Seen }) {
  const short = (seen: Seen) => ({
    ...seen,
    messages: seen.messages.map((message) =>
      message.length > 200 ? `${message.slice(0, 100)}… ${message.length}` : message,
    ),
  })
  return { client: short(client), server: short(server) }
}

test.each([
  { server: 'heartwire', client: 'ws' },
  { server: 'ws', client: 'heartwire' },
  { server: 'heartwire', client: 'heartwire' },
] as const)(
  'a $server server and a $client client see what two ends of the ws package see',
  async ({ server, client }) => {
    await fc.assert(
      fc.asyncProperty(script, async (steps) => {
        const expected = await play(steps, 'ws', 'ws')
        const got = await play(steps, server, client)
        expect(brief(got)).toEqual(brief(expected))
        expect(got.client.messages.join() === expected.client.messages.join()).toBe(true)
        expect(got.server.messages.join() === expected.server.messages.join()).toBe(true)
      }),
      { numRuns: 60 },
    )
  },
)

test.each([0, 1, 125, 126, 127, 1000, 65_535, 65_536, 65_537, 1_000_000])(
  'a message of %d bytes, both ways',
  async (length) => {
    const data = Buffer.alloc(length, 0xc5)
    const steps: Script = {
      actions: (['client', 'server'] as const).flatMap((by) => [
        { by, action: { do: 'send', data } },
        { by, action: { do: 'send', data: 'x'.repeat(length) } },
        { by, action: { do: 'fragments', parts: [data.subarray(0, length / 2), data.subarray(length / 2)] } },
      ]),
      settled: true,
      end: { by: 'client', end: { how: 'close', code: 1000, reason: '' }, otherEnd: { how: 'terminate' } },
    }
    const expected = await play(steps, 'ws', 'ws')
    expect(expected.server.messages).toHaveLength(3)
    for (const [server, client] of [
      ['heartwire', 'ws'],
      ['ws', 'heartwire'],
      ['heartwire', 'heartwire'],
    ] as const) {
      const got = await play(steps, server, client)
      expect(JSON.stringify(got) === JSON.stringify(expected)).toBe(true)
    }
  },
)
