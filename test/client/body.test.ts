import { describe, expect, test } from 'vitest'
import { unchunked } from '../../src/client/body.ts'

describe('a body in chunks', () => {
  test.each<[string, string, boolean]>([
    ['', '', false],
    ['5', '', false],
    ['5\r\nhel', 'hel', false],
    ['5\r\nhello', 'hello', false],
    ['5\r\nhello\r\n', 'hello', false],
    ['5\r\nhello\r\n1;name=value\r\n!\r\n', 'hello!', false],
    ['5\r\nhello\r\n0\r\n', 'hello', true],
    ['A\r\n0123456789\r\n0\r\n\r\n', '0123456789', true],
    ['no size\r\n', '', true],
    ['-1\r\n', '', true],
  ])('%j', (bytes, content, whole) => {
    const result = unchunked(Buffer.from(bytes))
    expect({ content: Buffer.from(result.content).toString(), whole: result.whole }).toEqual({ content, whole })
  })
})
