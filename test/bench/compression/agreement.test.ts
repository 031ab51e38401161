import { describe, expect, test } from 'vitest'
import type { Contestant } from '../../../bench/compression/contestants.ts'
import { readAgreement } from '../../../bench/compression/load/agreement.ts'
import { checkAgreed } from '../../../bench/compression/servers.ts'
import type { Compression } from '../../../bench/servers/control.ts'

const BOTH = { clientTakeover: true, serverTakeover: true, clientWindowBits: 15 }

test.each([
  [undefined, undefined],
  ['permessage-deflate', BOTH],
  [
    'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    { ...BOTH, clientTakeover: false, serverTakeover: false },
  ],
  ['permessage-deflate;client_max_window_bits="12"; server_max_window_bits=8', { ...BOTH, clientWindowBits: 12 }],
])('%s', (header, agreement) => {
  expect(readAgreement(header)).toEqual(agreement)
})

test.each([
  'x-webkit-deflate-frame',
  'permessage-deflate; client_max_window_bits',
  // zlib writes no raw stream for a window of 256 bytes.
  'permessage-deflate; client_max_window_bits=8',
  'permessage-deflate; server_max_window_bits=16',
  'permessage-deflate; mux',
])('no answer to the offer: %s', (header) => {
  expect(() => readAgreement(header)).toThrow(new Error(`the server answered the offer with "${header}"`))
})

describe('a server that agrees to another mode is not measured', () => {
  const contestant = (mode: Compression): Contestant => ({ name: `ws/${mode}`, server: 'ws', mode })
  const answers: Record<Compression, string> = {
    off: '',
    takeover: 'permessage-deflate; client_max_window_bits=13',
    shared: 'permessage-deflate; client_no_context_takeover; server_no_context_takeover',
  }

  test.each(Object.entries(answers))('%s', (mode, answer) => {
    expect(() => checkAgreed(contestant(mode as Compression), answer)).not.toThrow()
    for (const other of Object.keys(answers).filter((one) => one !== mode)) {
      expect(() => checkAgreed(contestant(other as Compression), answer)).toThrow(`should have agreed to ${other}`)
    }
  })

  test('takeover in one direction only', () => {
    const answer = 'permessage-deflate; client_no_context_takeover'
    expect(() => checkAgreed(contestant('shared'), answer)).toThrow('should have agreed to shared')
    expect(() => checkAgreed(contestant('takeover'), answer)).toThrow('should have agreed to takeover')
  })
})
