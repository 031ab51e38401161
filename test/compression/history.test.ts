import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { History } from '../../src/compression/history.ts'
import { ENGINES } from './engines.ts'
import { ALONE, codecOf, TAKEOVER } from './parameters.ts'

/** What is behind a history, which nothing shows from outside. */
function memoryOf(history: History): number {
  return (history as unknown as { bytes: Uint8Array }).bytes.buffer.byteLength
}

test('the last bytes of all messages, whatever their sizes', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 30 })
  fc.assert(
    fc.property(messages, fc.constantFrom(1, 100, 256, 512, 1_000), (all, size) => {
      const history = new History(size)
      let passed = Buffer.alloc(0)
      for (const message of all) {
        history.push(message)
        passed = Buffer.concat([passed, message])
        expect(Buffer.from(history.window ?? [])).toEqual(passed.subarray(Math.max(0, passed.length - size)))
        expect(memoryOf(history)).toBeLessThanOrEqual(size)
        // Only what has passed takes memory, up to what growing it step by step takes.
        expect(memoryOf(history)).toBeLessThanOrEqual(Math.max(256, 2 * passed.length))
      }
    }),
  )
})

test('nothing before the first message, and nothing of empty ones', () => {
  const history = new History(1_000)
  expect(history.window).toBeUndefined()
  history.push(new Uint8Array(0))
  expect(history.window).toBeUndefined()
  expect(memoryOf(history)).toBe(0)
})

describe.each(ENGINES)('of a connection (%s)', (_, engine) => {
  /** The histories of both directions of a codec. */
  function histories(...given: Parameters<typeof codecOf> extends [unknown, ...infer Rest] ? Rest : never) {
    const { encoder, decoder } = codecOf(engine, ...given)
    for (let i = 0; i < 50; i++) {
      const message = Buffer.from(`{"message":${i},"text":"${'abc '.repeat(i * 20)}"}`)
      const encoded = encoder.encode(message)?.slice()
      if (encoded !== undefined) decoder.decode(encoded, 100_000)
    }
    return [encoder, decoder].map((one) => {
      const { history } = one as unknown as { history: History | undefined }
      return history === undefined ? undefined : memoryOf(history)
    })
  }

  test('shared: none, whatever passes', () => {
    expect(histories({ mode: 'shared', agreed: ALONE })).toEqual([undefined, undefined])
  })

  test('takeover: as much as the option says, and as much of what comes as the peer may refer to', () => {
    expect(histories({ windowBits: 12, agreed: { ...TAKEOVER, clientMaxWindowBits: 12 } })).toEqual([4_096, 4_096])
    expect(histories({ windowBits: 12, agreed: TAKEOVER })).toEqual([4_096, 32_768])
    expect(histories({ windowBits: 15, agreed: { ...TAKEOVER, serverMaxWindowBits: 9 } })).toEqual([512, 32_768])
    expect(histories({ agreed: { ...TAKEOVER, serverMaxWindowBits: 8, clientMaxWindowBits: 8 } })).toEqual([256, 256])
    const client = { side: 'client', agreed: { ...TAKEOVER, clientMaxWindowBits: 10 } } as const
    expect(histories(client)).toEqual([1_024, 32_768])
  })

  test('takeover of one end only', () => {
    expect(histories({ windowBits: 9, agreed: { ...TAKEOVER, clientNoContextTakeover: true } })).toEqual([
      512,
      undefined,
    ])
    expect(histories({ agreed: { ...TAKEOVER, serverNoContextTakeover: true } })).toEqual([undefined, 32_768])
  })
})
