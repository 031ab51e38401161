/** Every combination of parameters, both roles, next to what `ws` makes of it; where they differ, a rule says why. */
import { expect, test } from 'vitest'
import * as ws from 'ws'
import { HandshakeError } from '../../src/protocol/error.ts'
import type { ExtensionParameters } from '../../src/protocol/extension-negotiation.ts'
import { type DeflateParameters, permessageDeflate } from '../../src/protocol/permessage-deflate.ts'

/** Of `ws`, beyond its types: values are lists in what was received, and plain in what is sent. */
interface WsDeflate {
  offer(): Record<string, true | number>
  accept(received: Record<string, (string | true)[]>[]): Record<string, true | number>
}
interface WsOptions {
  isServer: boolean
  serverNoContextTakeover: true | undefined
  clientNoContextTakeover: true | undefined
  serverMaxWindowBits: number | undefined
  clientMaxWindowBits: number | undefined
}
const { PerMessageDeflate } = ws as unknown as { PerMessageDeflate: new (options: WsOptions) => WsDeflate }

const NAMES = [
  'server_no_context_takeover',
  'client_no_context_takeover',
  'server_max_window_bits',
  'client_max_window_bits',
] as const
const FLAGS = [undefined, true, '1'] as const
const WINDOWS = [undefined, true, '7', '8', '9', '10', '11', '15', '16', '09'] as const

/** Every offer or answer that can be made of these, each parameter once. */
const LISTS = FLAGS.flatMap((server) =>
  FLAGS.flatMap((client) =>
    WINDOWS.flatMap((serverBits) =>
      WINDOWS.map((clientBits) =>
        [server, client, serverBits, clientBits].flatMap((value, index): ExtensionParameters => {
          const name = NAMES[index]
          return value === undefined || name === undefined ? [] : [[name, value]]
        }),
      ),
    ),
  ),
)

const BOOLEANS = [false, true]
const BITS = [15, 10]
const POLICIES: DeflateParameters[] = BOOLEANS.flatMap((serverNoContextTakeover) =>
  BOOLEANS.flatMap((clientNoContextTakeover) =>
    BITS.flatMap((serverMaxWindowBits) =>
      BITS.map((clientMaxWindowBits) => ({
        serverNoContextTakeover,
        clientNoContextTakeover,
        serverMaxWindowBits,
        clientMaxWindowBits,
      })),
    ),
  ),
)

function wsWith(policy: DeflateParameters, isServer: boolean): WsDeflate {
  const bits = (value: number) => (value === 15 ? undefined : value)
  return new PerMessageDeflate({
    isServer,
    serverNoContextTakeover: policy.serverNoContextTakeover || undefined,
    clientNoContextTakeover: policy.clientNoContextTakeover || undefined,
    serverMaxWindowBits: bits(policy.serverMaxWindowBits),
    clientMaxWindowBits: bits(policy.clientMaxWindowBits),
  })
}

/** What `ws` agrees to, in our words, or undefined when it does not. */
function ofWs(deflate: WsDeflate, parameters: ExtensionParameters): DeflateParameters | undefined {
  let agreed: Record<string, true | number>
  try {
    agreed = deflate.accept([Object.fromEntries(parameters.map(([name, value]) => [name, [value]]))])
  } catch {
    return undefined
  }
  return {
    serverNoContextTakeover: agreed.server_no_context_takeover === true,
    clientNoContextTakeover: agreed.client_no_context_takeover === true,
    serverMaxWindowBits: Number(agreed.server_max_window_bits ?? 15),
    clientMaxWindowBits: Number(agreed.client_max_window_bits ?? 15),
  }
}

function hasLeadingZero(parameters: ExtensionParameters): boolean {
  return parameters.some(([, value]) => value === '09')
}

/** The window that a list bounds, or undefined where the parameter is absent. */
function windowOf(parameters: ExtensionParameters, name: string): number | undefined {
  const value = parameters.find(([key]) => key === name)?.[1]
  return value === undefined ? undefined : value === true ? 15 : Number(value)
}

const seen = new Set<string>()
function differs(why: string): string {
  seen.add(why)
  return why
}

test.each(POLICIES)('a server that wants %j', (policy) => {
  const server = permessageDeflate(policy)
  for (const offer of LISTS) {
    const theirs = ofWs(wsWith(policy, true), offer)
    const ours = server.accept(offer)
    const what = JSON.stringify(offer)
    if (hasLeadingZero(offer)) {
      expect(ours, what).toBeUndefined()
      if (theirs !== undefined) differs('ws reads numbers with leading zeros')
      continue
    }
    const serverBits = windowOf(offer, 'server_max_window_bits')
    const clientBits = windowOf(offer, 'client_max_window_bits')
    if (ours !== undefined && (serverBits ?? 15) < policy.serverMaxWindowBits && policy.serverMaxWindowBits < 15) {
      expect(
        theirs,
        differs('ws declines a smaller window of the server than the one that it was told'),
      ).toBeUndefined()
      expect(ours.agreed.serverMaxWindowBits, what).toBe(serverBits)
      continue
    }
    if (ours !== undefined && policy.clientMaxWindowBits < 15 && (clientBits ?? 0) < policy.clientMaxWindowBits) {
      expect(
        theirs,
        differs('ws declines a smaller window of the client, and one that cannot be bounded'),
      ).toBeUndefined()
      if (clientBits !== undefined) expect(ours.agreed.clientMaxWindowBits, what).toBe(clientBits)
      else expect(ours.agreed, what).toMatchObject({ clientNoContextTakeover: true, clientMaxWindowBits: 15 })
      continue
    }
    expect(ours?.agreed, what).toEqual(theirs)
    // The same is said: by a client of `ws`, which is strict about it, the answer is understood.
    if (ours === undefined || theirs === undefined) continue
    const told = wsWith({ ...policy, clientMaxWindowBits: 15 }, false)
    expect(ofWs(told, ours.answer), what).toEqual(theirs)
    if (clientBits === undefined) expect(windowOf(ours.answer, 'client_max_window_bits'), what).toBeUndefined()
  }
})

test.each(POLICIES)('a client that wants %j', (policy) => {
  const client = permessageDeflate(policy)
  const first = client.offers[0] ?? []
  const offered = Object.entries(wsWith(policy, false).offer())
  expect(new Set(first)).toEqual(new Set(offered.map(([name, value]) => [name, value === true ? true : String(value)])))

  const confirm = (answer: ExtensionParameters): DeflateParameters | undefined => {
    try {
      return client.confirm(answer, client.offers, (what) => new HandshakeError('BAD_RESPONSE', what))
    } catch (error) {
      if (error instanceof HandshakeError) return undefined
      throw error
    }
  }
  for (const answer of LISTS) {
    const theirs = ofWs(wsWith(policy, false), answer)
    const ours = confirm(answer)
    const what = JSON.stringify(answer)
    if (hasLeadingZero(answer)) {
      expect(ours, what).toBeUndefined()
      if (theirs !== undefined) differs('ws reads numbers with leading zeros')
      continue
    }
    const clientBits = windowOf(answer, 'client_max_window_bits') ?? 0
    if (ours !== undefined && theirs === undefined) {
      const why = differs('ws fails for a larger window of the client than it hinted at, which is then kept to')
      expect(clientBits, why).toBeGreaterThan(policy.clientMaxWindowBits)
      expect(ours.clientMaxWindowBits, what).toBe(policy.clientMaxWindowBits)
      continue
    }
    if (ours === undefined && theirs !== undefined) {
      const why = differs('ws takes an answer without what it asked of the server')
      const noTakeover = theirs.serverNoContextTakeover || !policy.serverNoContextTakeover
      const bounded = theirs.serverMaxWindowBits <= policy.serverMaxWindowBits
      // Ours takes a server without context takeover for one with a bounded window, but only where that is silent.
      expect(noTakeover && bounded, `${why}: ${what}`).toBe(false)
      continue
    }
    if (
      ours !== undefined &&
      theirs !== undefined &&
      policy.clientNoContextTakeover &&
      !theirs.clientNoContextTakeover
    ) {
      expect(ours, differs('ws forgets that it hinted at a client without context takeover')).toEqual({
        ...theirs,
        clientNoContextTakeover: true,
      })
      continue
    }
    expect(ours, what).toEqual(theirs)
  }
})

test('every difference has been met', () => {
  expect([...seen].sort()).toEqual([
    'ws declines a smaller window of the client, and one that cannot be bounded',
    'ws declines a smaller window of the server than the one that it was told',
    'ws fails for a larger window of the client than it hinted at, which is then kept to',
    'ws forgets that it hinted at a client without context takeover',
    'ws reads numbers with leading zeros',
    'ws takes an answer without what it asked of the server',
  ])
})
