import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ArgumentError } from '../../src/protocol/error.ts'
import { formatExtensions, parseExtensions } from '../../src/protocol/extension.ts'
import {
  acceptExtensions,
  confirmExtensions,
  type Extension,
  offeredExtensions,
} from '../../src/protocol/extension-negotiation.ts'
import { type DeflateParameters, permessageDeflate } from '../../src/protocol/permessage-deflate.ts'
import { thrownBy } from './handshake-platform.ts'

type Wanted = Partial<DeflateParameters>

const DEFAULTS: DeflateParameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
}

/** Short for a header: `pmd` stands for the name of the extension, and `smwb` and the like for its parameters. */
function long(header: string): string {
  return header
    .replaceAll(/\bpmd\b/g, 'permessage-deflate')
    .replaceAll(/\b([sc])mwb\b/g, (_, side) => `${side === 's' ? 'server' : 'client'}_max_window_bits`)
    .replaceAll(/\b([sc])nct\b/g, (_, side) => `${side === 's' ? 'server' : 'client'}_no_context_takeover`)
}

function serve(offers: string, wanted: Wanted) {
  return acceptExtensions(parseExtensions(long(offers)), [permessageDeflate(wanted)])
}

/** An extension that makes the offers of a header. */
function offering(offers: string): Extension<DeflateParameters> {
  return { ...permessageDeflate(), offers: parseExtensions(long(offers)).map(({ parameters }) => parameters) }
}

function confirm(answer: string, offers: string) {
  return confirmExtensions(parseExtensions(long(answer), 'server'), [offering(offers)])
}

test('is permessage-deflate, and uses RSV1', () => {
  expect(permessageDeflate()).toMatchObject({ name: 'permessage-deflate', reservedBits: 0x40 })
})

describe('what is wanted', () => {
  test.each<[Wanted, string]>([
    [{ serverMaxWindowBits: 7 }, '`serverMaxWindowBits` must be a whole number from 8 to 15, not 7.'],
    [{ serverMaxWindowBits: 16 }, '`serverMaxWindowBits` must be a whole number from 8 to 15, not 16.'],
    [{ clientMaxWindowBits: 9.5 }, '`clientMaxWindowBits` must be a whole number from 8 to 15, not 9.5.'],
    [{ clientMaxWindowBits: Number.NaN }, '`clientMaxWindowBits` must be a whole number from 8 to 15, not NaN.'],
    [JSON.parse('{"clientMaxWindowBits":"9"}'), '`clientMaxWindowBits` must be a whole number from 8 to 15, not "9".'],
    [
      JSON.parse('{"serverMaxWindowBits":null}'),
      '`serverMaxWindowBits` must be a whole number from 8 to 15, not null.',
    ],
    [JSON.parse('{"serverNoContextTakeover":1}'), '`serverNoContextTakeover` must be true or false.'],
    [JSON.parse('{"clientNoContextTakeover":"no"}'), '`clientNoContextTakeover` must be true or false.'],
  ])('cannot be %j', (wanted, message) => {
    expect(() => permessageDeflate(wanted)).toThrow(new ArgumentError(message))
  })
})

describe('what a client offers', () => {
  test.each<[Wanted, string]>([
    [{}, 'pmd; cmwb'],
    [{ serverMaxWindowBits: 15, clientMaxWindowBits: 15 }, 'pmd; cmwb'],
    [{ clientMaxWindowBits: 14 }, 'pmd; cmwb=14'],
    [{ clientMaxWindowBits: 8 }, 'pmd; cmwb=8'],
    [{ clientNoContextTakeover: true }, 'pmd; cnct; cmwb'],
    [{ serverNoContextTakeover: true }, 'pmd; snct; cmwb'],
    [{ serverMaxWindowBits: 14 }, 'pmd; smwb=14; cmwb, pmd; snct; cmwb'],
    [{ serverMaxWindowBits: 8, clientMaxWindowBits: 9 }, 'pmd; smwb=8; cmwb=9, pmd; snct; cmwb=9'],
    [{ serverNoContextTakeover: true, serverMaxWindowBits: 10 }, 'pmd; snct; smwb=10; cmwb'],
    [{ clientNoContextTakeover: true, serverMaxWindowBits: 10 }, 'pmd; cnct; smwb=10; cmwb, pmd; snct; cnct; cmwb'],
  ])('that wants %j', (wanted, offers) => {
    expect(formatExtensions(offeredExtensions([permessageDeflate(wanted)]))).toBe(long(offers))
  })
})

describe('what a server answers', () => {
  /** The offers, what the server wants, its answer, and where what is agreed on differs from the defaults. */
  test.each<[string, Wanted, string, Wanted]>([
    // Section 7.1.1.1: asked for, it is answered; unasked, it may be.
    ['pmd', {}, 'pmd', {}],
    ['pmd; snct', {}, 'pmd; snct', { serverNoContextTakeover: true }],
    ['pmd', { serverNoContextTakeover: true }, 'pmd; snct', { serverNoContextTakeover: true }],
    ['pmd; snct', { serverNoContextTakeover: true }, 'pmd; snct', { serverNoContextTakeover: true }],
    // Section 7.1.1.2: a hint in an offer, an order in an answer.
    ['pmd; cnct', {}, 'pmd; cnct', { clientNoContextTakeover: true }],
    ['pmd', { clientNoContextTakeover: true }, 'pmd; cnct', { clientNoContextTakeover: true }],
    ['pmd; cnct', { clientNoContextTakeover: true }, 'pmd; cnct', { clientNoContextTakeover: true }],
    // Section 7.1.2.1: the same or a smaller value; unasked, it may be there.
    ['pmd; smwb=8', {}, 'pmd; smwb=8', { serverMaxWindowBits: 8 }],
    ['pmd; smwb=10', {}, 'pmd; smwb=10', { serverMaxWindowBits: 10 }],
    ['pmd; smwb=15', {}, 'pmd; smwb=15', {}],
    ['pmd; smwb="12"', {}, 'pmd; smwb=12', { serverMaxWindowBits: 12 }],
    ['pmd; smwb=12', { serverMaxWindowBits: 10 }, 'pmd; smwb=10', { serverMaxWindowBits: 10 }],
    ['pmd; smwb=9', { serverMaxWindowBits: 10 }, 'pmd; smwb=9', { serverMaxWindowBits: 9 }],
    ['pmd', { serverMaxWindowBits: 10 }, 'pmd; smwb=10', { serverMaxWindowBits: 10 }],
    ['pmd', { serverMaxWindowBits: 8 }, 'pmd; smwb=8', { serverMaxWindowBits: 8 }],
    // Section 7.1.2.2: only where it was offered.
    ['pmd; cmwb', {}, 'pmd', {}],
    ['pmd; cmwb=15', {}, 'pmd', {}],
    ['pmd; cmwb=10', {}, 'pmd; cmwb=10', { clientMaxWindowBits: 10 }],
    ['pmd; cmwb=8', {}, 'pmd; cmwb=8', { clientMaxWindowBits: 8 }],
    ['pmd; cmwb', { clientMaxWindowBits: 8 }, 'pmd; cmwb=8', { clientMaxWindowBits: 8 }],
    ['pmd; cmwb=12', { clientMaxWindowBits: 9 }, 'pmd; cmwb=9', { clientMaxWindowBits: 9 }],
    ['pmd; cmwb=9', { clientMaxWindowBits: 12 }, 'pmd; cmwb=9', { clientMaxWindowBits: 9 }],
    ['pmd', { clientMaxWindowBits: 9 }, 'pmd; cnct', { clientNoContextTakeover: true }],
    [
      'pmd; smwb=9; snct',
      { clientMaxWindowBits: 14 },
      'pmd; snct; cnct; smwb=9',
      {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 9,
      },
    ],
    // All of them, in any order.
    [
      'pmd; cmwb=11; smwb=12; cnct; snct',
      {},
      'pmd; snct; cnct; smwb=12; cmwb=11',
      {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 12,
        clientMaxWindowBits: 11,
      },
    ],
    // Section 5.1: the first offer that is acceptable, whatever is offered besides.
    ['pmd; cmwb; smwb=10, pmd; cmwb', {}, 'pmd; smwb=10', { serverMaxWindowBits: 10 }],
    ['pmd; smwb=16, pmd; smwb=9', {}, 'pmd; smwb=9', { serverMaxWindowBits: 9 }],
    ['x-webkit-deflate-frame, foo; snct, pmd; cnct=1, pmd', {}, 'pmd', {}],
  ])('to %j, wanting %j: %j', (offers, wanted, answer, agreed) => {
    const accepted = serve(offers, wanted)
    expect(formatExtensions(accepted.answers)).toBe(long(answer))
    expect(accepted.agreed.map((one) => one.agreed)).toEqual([{ ...DEFAULTS, ...agreed }])
  })

  test.each([
    // Section 7.1: not defined, twice.
    'foo',
    'Permessage-Deflate',
    'pmd; foo',
    'pmd; snct; foo=1',
    'pmd; SNCT',
    'pmd; Server_No_Context_Takeover',
    'pmd; __proto__',
    'pmd; toString',
    'pmd; snct; snct',
    'pmd; cnct; snct; cnct',
    'pmd; smwb=10; smwb=10',
    'pmd; cmwb; cmwb=10',
    // Sections 7.1.1.1 and 7.1.1.2: no value.
    'pmd; snct=true',
    'pmd; snct=0',
    'pmd; cnct=1',
    'pmd; cnct="10"',
    // Section 7.1.2.1: a value, a decimal number from 8 to 15, without leading zeros.
    'pmd; smwb',
    'pmd; smwb=0',
    'pmd; smwb=7',
    'pmd; smwb=16',
    'pmd; smwb=08',
    'pmd; smwb=010',
    'pmd; smwb=+9',
    'pmd; smwb=-9',
    'pmd; smwb=9.0',
    'pmd; smwb=1e1',
    'pmd; smwb=0xA',
    'pmd; smwb=99999999999',
    'pmd; smwb=true',
    // Section 7.1.2.2: the same, or no value.
    'pmd; cmwb=7',
    'pmd; cmwb=16',
    'pmd; cmwb=09',
    'pmd; cmwb=1e1',
    'pmd; cmwb=ten',
  ])('%j is declined', (offer) => {
    expect(serve(offer, {})).toEqual({ answers: [], agreed: [] })
    // The next offer counts.
    expect(serve(`${offer}, pmd; cmwb`, {})).toMatchObject({ agreed: [{ agreed: DEFAULTS }] })
  })
})

describe('what a client agrees to', () => {
  /** The answer, the offers it may belong to, and where what is agreed on differs from the defaults. */
  test.each<[string, string, Wanted]>([
    ['pmd', 'pmd', {}],
    ['pmd', 'pmd; cmwb', {}],
    // Section 7.1.1.1.
    ['pmd; snct', 'pmd; snct', { serverNoContextTakeover: true }],
    ['pmd; snct', 'pmd', { serverNoContextTakeover: true }],
    // Section 7.1.1.2: what was hinted at holds without an answer.
    ['pmd; cnct', 'pmd', { clientNoContextTakeover: true }],
    ['pmd; cnct', 'pmd; cnct', { clientNoContextTakeover: true }],
    ['pmd', 'pmd; cnct', { clientNoContextTakeover: true }],
    // Section 7.1.2.1.
    ['pmd; smwb=10', 'pmd; smwb=10', { serverMaxWindowBits: 10 }],
    ['pmd; smwb=8', 'pmd; smwb=10', { serverMaxWindowBits: 8 }],
    ['pmd; smwb=8', 'pmd', { serverMaxWindowBits: 8 }],
    ['pmd; smwb=15', 'pmd', {}],
    ['pmd; smwb="9"', 'pmd', { serverMaxWindowBits: 9 }],
    ['pmd', 'pmd; smwb=15', {}],
    // Section 7.1.2.2: a hint holds, whatever the answer says.
    ['pmd; cmwb=8', 'pmd; cmwb', { clientMaxWindowBits: 8 }],
    ['pmd; cmwb=15', 'pmd; cmwb', {}],
    ['pmd; cmwb=9', 'pmd; cmwb=10', { clientMaxWindowBits: 9 }],
    ['pmd; cmwb=12', 'pmd; cmwb=10', { clientMaxWindowBits: 10 }],
    ['pmd', 'pmd; cmwb=10', { clientMaxWindowBits: 10 }],
    // The first of several offers that it can be the answer to.
    ['pmd; smwb=9', 'pmd; smwb=10; cmwb=9, pmd; cmwb=8', { serverMaxWindowBits: 9, clientMaxWindowBits: 9 }],
    ['pmd', 'pmd; smwb=10; cmwb=9, pmd; cmwb=8', { clientMaxWindowBits: 8 }],
    [
      'pmd; snct; cnct',
      'pmd; smwb=10; cmwb, pmd; snct; cmwb',
      {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
      },
    ],
    ['pmd; cmwb=9', 'pmd, pmd; snct, pmd; cmwb', { clientMaxWindowBits: 9 }],
  ])('%j to %j', (answer, offers, agreed) => {
    expect(confirm(answer, offers).map((one) => one.agreed)).toEqual([{ ...DEFAULTS, ...agreed }])
  })

  const number = 'which is not a number from 8 to 15 without leading zeros'
  test.each([
    ['pmd; foo', 'pmd', 'has a parameter "foo", which is not defined (RFC 7692 section 7.1)'],
    ['pmd; toString', 'pmd', 'has a parameter "toString", which is not defined (RFC 7692 section 7.1)'],
    ['pmd; snct; snct', 'pmd', 'has snct twice (RFC 7692 section 7.1)'],
    ['pmd; smwb=9; smwb=10', 'pmd', 'has smwb twice (RFC 7692 section 7.1)'],
    ['pmd; snct=1', 'pmd', 'has snct with the value "1", and takes none (RFC 7692 section 7.1.1.1)'],
    ['pmd; cnct=true', 'pmd', 'has cnct with the value "true", and takes none (RFC 7692 section 7.1.1.2)'],
    ['pmd; smwb', 'pmd', 'has smwb without a value (RFC 7692 section 7.1.2.1)'],
    ['pmd; smwb=7', 'pmd', `has smwb with the value "7", ${number} (RFC 7692 section 7.1.2.1)`],
    ['pmd; smwb=010', 'pmd', `has smwb with the value "010", ${number} (RFC 7692 section 7.1.2.1)`],
    ['pmd; cmwb', 'pmd; cmwb', 'has cmwb without a value (RFC 7692 section 7.1.2.2)'],
    ['pmd; cmwb=16', 'pmd; cmwb', `has cmwb with the value "16", ${number} (RFC 7692 section 7.1.2.2)`],
    ['pmd; cmwb=08', 'pmd; cmwb', `has cmwb with the value "08", ${number} (RFC 7692 section 7.1.2.2)`],
    ['pmd', 'pmd; snct', 'lacks snct, which was offered (RFC 7692 section 7.1.1.1)'],
    ['pmd; smwb=11', 'pmd; smwb=10', 'has smwb=11, and 10 was offered (RFC 7692 section 7.1.2.1)'],
    ['pmd; smwb=15', 'pmd; smwb=14', 'has smwb=15, and 14 was offered (RFC 7692 section 7.1.2.1)'],
    ['pmd', 'pmd; smwb=10', 'lacks smwb, and 10 was offered (RFC 7692 section 7.1.2.1)'],
    ['pmd; cmwb=15', 'pmd', 'has cmwb, which was not offered (RFC 7692 section 7.1.2.2)'],
    // Of several offers, the one that was most wanted tells what is wrong.
    ['pmd', 'pmd; smwb=10, pmd; snct', 'lacks smwb, and 10 was offered (RFC 7692 section 7.1.2.1)'],
  ])('is not %j to %j', (answer, offers, what) => {
    expect(thrownBy(() => confirm(answer, offers))).toMatchObject({
      name: 'HandshakeError',
      code: 'BAD_RESPONSE',
      status: 101,
      message: `The server's answer is 101, but its permessage-deflate ${long(what)}.`,
    })
  })

  test('an offer of its own that is invalid is not for the server to answer', () => {
    expect(() => confirm('pmd', 'pmd; smwb=7')).toThrow(
      new ArgumentError(
        `The offer of permessage-deflate has server_max_window_bits with the value "7", ${number} (RFC 7692 section 7.1.2.1).`,
      ),
    )
  })
})

describe('both ends', () => {
  const bits = fc.integer({ min: 8, max: 15 })
  const wanted = fc.record({
    serverNoContextTakeover: fc.boolean(),
    clientNoContextTakeover: fc.boolean(),
    serverMaxWindowBits: bits,
    clientMaxWindowBits: bits,
  })

  /** A handshake as it goes over the wire: what the server holds, and what the client does. */
  function shakeHands(client: Extension<DeflateParameters>, server: Wanted) {
    const request = formatExtensions(offeredExtensions([client]))
    const { answers, agreed } = acceptExtensions(parseExtensions(request), [permessageDeflate(server)])
    const confirmed = confirmExtensions(parseExtensions(formatExtensions(answers), 'server'), [client])
    return { server: agreed.map((one) => one.agreed), client: confirmed.map((one) => one.agreed) }
  }

  test('agree, whatever either wants, and nobody exceeds a bound of its own', () => {
    fc.assert(
      fc.property(wanted, wanted, (client, server) => {
        const agreed = shakeHands(permessageDeflate(client), server)
        expect(agreed.client).toEqual(agreed.server)
        // A client of ours can always bound its window, and its first offer suits every server.
        expect(agreed.server).toEqual([
          {
            serverNoContextTakeover: client.serverNoContextTakeover || server.serverNoContextTakeover,
            clientNoContextTakeover: client.clientNoContextTakeover || server.clientNoContextTakeover,
            serverMaxWindowBits: Math.min(client.serverMaxWindowBits, server.serverMaxWindowBits),
            clientMaxWindowBits: Math.min(client.clientMaxWindowBits, server.clientMaxWindowBits),
          },
        ])
      }),
      { numRuns: 2000 },
    )
  })

  test('agree on any valid offers', () => {
    const offer = fc
      .record({
        snct: fc.boolean(),
        cnct: fc.boolean(),
        smwb: fc.option(bits),
        cmwb: fc.option(fc.oneof(bits, fc.constant(true))),
      })
      .chain((fields) => {
        const parts = Object.entries(fields).flatMap(([name, value]) => {
          if (value === false || value === null) return []
          return [value === true ? name : `${name}=${value}`]
        })
        return fc.shuffledSubarray(parts, { minLength: parts.length })
      })
      .map((parts) => ['pmd', ...parts].join('; '))
    fc.assert(
      fc.property(fc.array(offer, { minLength: 1, maxLength: 4 }), wanted, (offers, server) => {
        const agreed = shakeHands(offering(offers.join(', ')), server)
        expect(agreed.server).toHaveLength(1)
        expect(agreed.client).toEqual(agreed.server)
        for (const { serverMaxWindowBits, clientMaxWindowBits, clientNoContextTakeover } of agreed.server) {
          expect(serverMaxWindowBits).toBeLessThanOrEqual(server.serverMaxWindowBits)
          if (!clientNoContextTakeover) expect(clientMaxWindowBits).toBeLessThanOrEqual(server.clientMaxWindowBits)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('a server answers any offers with what a client can read, or not at all', () => {
    const value = fc.constantFrom(undefined, '8', '10', '15', '16', '07', '"9"', 'x')
    const name = fc.constantFrom('snct', 'cnct', 'smwb', 'cmwb', 'foo')
    const parameter = fc.tuple(name, value).map(([key, text]) => (text === undefined ? key : `${key}=${text}`))
    const offer = fc.array(parameter, { maxLength: 4 }).map((parts) => ['pmd', ...parts].join('; '))
    fc.assert(
      fc.property(fc.array(offer, { maxLength: 4 }), wanted, (offers, server) => {
        const { answers, agreed } = serve(offers.join(', '), server)
        expect(answers.length).toBe(agreed.length)
        if (answers.length === 0) return
        // The offer that was taken is the first one that is taken alone.
        const taken = offers.find((one) => serve(one, server).answers.length > 0) ?? ''
        expect(confirm(formatExtensions(answers), taken)).toMatchObject([{ agreed: agreed[0]?.agreed }])
      }),
      { numRuns: 2000 },
    )
  })
})
