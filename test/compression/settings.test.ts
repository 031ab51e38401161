import { ArgumentError, connect, createServer, type SocketOptions } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { NO_COMPRESSION, resolveCompression } from '../../src/compression/settings.ts'

describe('what is left out', () => {
  test.each([
    ['off', 512],
    ['shared', 512],
    ['takeover', 64],
  ] as const)('%s, as a word or as an object', (mode, threshold) => {
    const settings = { mode, level: 4, threshold, windowBits: 12, maxRatio: Number.POSITIVE_INFINITY }
    expect(resolveCompression(mode, NO_COMPRESSION)).toEqual(settings)
    expect(resolveCompression({ mode }, NO_COMPRESSION)).toEqual(settings)
    expect(resolveCompression({ mode, level: 9, maxRatio: 2 }, NO_COMPRESSION)).toEqual({
      ...settings,
      level: 9,
      maxRatio: 2,
    })
  })

  test('all of it: what there was before', () => {
    const base = resolveCompression({ mode: 'shared', threshold: 7 }, NO_COMPRESSION)
    expect(resolveCompression(undefined, base)).toBe(base)
  })
})

describe('what cannot be is named with its value', () => {
  const modes = "The option compression.mode is one of 'off', 'shared', 'takeover', not"
  const mode = 'shared'

  test.each<[unknown, string]>([
    ['on', `${modes} "on".`],
    [{}, `${modes} undefined.`],
    [{ mode: 1 }, `${modes} 1.`],
    [{ mode: Object.create(null) }, `${modes} an object.`],
    [true, 'The option compression is a mode or an object with a mode, not true.'],
    [() => mode, 'The option compression is a mode or an object with a mode, not a function.'],
    [{ mode, level: 0 }, 'The option compression.level is a whole number from 1 to 9, not 0.'],
    [{ mode, level: '4' }, 'The option compression.level is a whole number from 1 to 9, not "4".'],
    [{ mode, threshold: -1 }, 'The option compression.threshold is a number of bytes, not -1.'],
    [{ mode, threshold: Object.create(null) }, 'The option compression.threshold is a number of bytes, not an object.'],
    [{ mode, windowBits: 8 }, 'The option compression.windowBits is a whole number from 9 to 15, not 8.'],
    [{ mode, windowBits: [12] }, 'The option compression.windowBits is a whole number from 9 to 15, not an array.'],
    [{ mode, maxRatio: 0.5 }, 'The option compression.maxRatio is a number from 1 on, not 0.5.'],
    [{ mode, maxRatio: Number.NaN }, 'The option compression.maxRatio is a number from 1 on, not NaN.'],
    [
      { mode, windowbits: 9 },
      'There is no option compression.windowbits; there are mode, level, threshold, windowBits, maxRatio.',
    ],
  ])('%j', async (compression, message) => {
    const options = { compression } as SocketOptions
    const error = new ArgumentError(message)
    expect(() => createServer(options)).toThrow(error)
    expect(() => createServer().route('/', options)).toThrow(error)
    await expect(connect('ws://127.0.0.1:1', options)).rejects.toThrow(error)
  })
})
