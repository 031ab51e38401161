import { expect, test } from 'vitest'
import { CloseCode, closeCodeName, isSendableCloseCode } from '../../src/protocol/close-code.ts'

test('the codes of the IANA registry', () => {
  expect(Object.values(CloseCode)).toEqual([
    1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015,
  ])
})

test.each([
  [1000, 'normal closure'],
  [1001, 'going away'],
  [1002, 'protocol error'],
  [1003, 'unsupported data'],
  [1005, 'no status received'],
  [1006, 'abnormal closure'],
  [1007, 'invalid frame payload data'],
  [1008, 'policy violation'],
  [1009, 'message too big'],
  [1010, 'mandatory extension'],
  [1011, 'internal error'],
  [1012, 'service restart'],
  [1013, 'try again later'],
  [1014, 'bad gateway'],
  [1015, 'TLS handshake'],
  [0, 'unassigned code'],
  [999, 'unassigned code'],
  [1004, 'unassigned code'],
  [1016, 'unassigned code'],
  [2999, 'unassigned code'],
  [3000, 'registered code'],
  [3999, 'registered code'],
  [4000, 'application code'],
  [4999, 'application code'],
  [5000, 'unassigned code'],
])('%d is named %s', (code, name) => {
  expect(closeCodeName(code)).toBe(name)
})

test('the codes that may stand in a Close frame', () => {
  const sendable = Array.from({ length: 65_536 }, (_, code) => code).filter(isSendableCloseCode)
  const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)
  expect(sendable).toEqual([...range(1000, 1003), ...range(1007, 1014), ...range(3000, 4999)])
})

test.each([-1000, 1000.5, 3000.5, Number.NaN, Number.POSITIVE_INFINITY])('%d may not', (code) => {
  expect(isSendableCloseCode(code)).toBe(false)
})
