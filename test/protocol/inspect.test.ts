import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { HandshakeError, TimeoutError } from '../../src/protocol/error.ts'

/** What is printed of it, without the lines of its stack and of its cause's. */
function printed(error: Error): string {
  return inspect(error).replace(/\n +at [^{\n]*[^{\s]/g, '')
}

test('an error is printed with its fields', () => {
  expect(printed(new TimeoutError('TIMEOUT', 'late'))).toBe("TimeoutError: late { code: 'TIMEOUT' }")
})

test('of a body only its length is printed, and a cause as Node does it', () => {
  const cause = Object.assign(new Error('inner'), { code: 'EIO', at: { text: "'[cause]': none" } })
  const error = new HandshakeError('UNEXPECTED_STATUS', 'refused', {
    status: 404,
    body: Buffer.from('there is no such page...'),
    cause,
  })
  expect(printed(error)).toBe(
    [
      'HandshakeError: refused {',
      "  code: 'UNEXPECTED_STATUS',",
      '  status: 404,',
      '  headers: {},',
      '  body: 24 bytes,',
      '  [cause]: Error: inner {',
      "    code: 'EIO',",
      `    at: { text: "'[cause]': none" }`,
      '  }',
      '}',
    ].join('\n'),
  )
})

test('so are causes of causes', () => {
  const failed = (what: string, cause: unknown) => new HandshakeError('CONNECT_FAILED', what, { cause })
  const text = printed(failed('outer', failed('inner', failed('innermost', 'why'))))
  expect(text.match(/.*cause.*/g)?.map((line) => line.trim())).toEqual([
    '[cause]: HandshakeError: inner {',
    '[cause]: HandshakeError: innermost {',
    "[cause]: 'why'",
  ])
})
