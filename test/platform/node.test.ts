import { afterEach, describe, expect, test, vi } from 'vitest'
import { nodePlatform } from '../../src/platform/node.ts'
import { testPlatform } from '../protocol/platform-contract.ts'

testPlatform(nodePlatform)

test('allocates Buffers', () => {
  expect(Buffer.isBuffer(nodePlatform.allocate(10))).toBe(true)
  expect(Buffer.isBuffer(nodePlatform.allocate(10_000))).toBe(true)
})

describe('a runtime whose Buffer has no latin1Slice and utf8Slice', async () => {
  const names = ['latin1Slice', 'utf8Slice'] as const
  const kept = names.map((name) => Object.getOwnPropertyDescriptor(Buffer.prototype, name))
  vi.resetModules()
  // toString calls them itself, so they are away only while the module is being loaded.
  for (const name of names) Reflect.deleteProperty(Buffer.prototype, name)
  const imported = await import('../../src/platform/node.ts').finally(() => {
    for (const [index, name] of names.entries()) {
      const descriptor = kept[index]
      if (descriptor !== undefined) Object.defineProperty(Buffer.prototype, name, descriptor)
    }
  })

  afterEach(() => {
    vi.restoreAllMocks()
  })

  test('uses toString', () => {
    const spy = vi.spyOn(Buffer.prototype, 'toString')
    const bytes = Buffer.from('text of more than sixteen bytes, 日本語')
    expect(imported.nodePlatform.asciiDecode(bytes, 0, 30)).toBe('text of more than sixteen byte')
    expect(imported.nodePlatform.utf8Decode(new Uint8Array(bytes), 0, bytes.length)).toBe(
      'text of more than sixteen bytes, 日本語',
    )
    expect(spy.mock.calls).toEqual([
      ['latin1', 0, 30],
      ['utf8', 0, bytes.length],
    ])
  })

  testPlatform(imported.nodePlatform)
})
