import { inspect } from 'node:util'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'

beforeEach(() => {
  vi.resetModules()
})

/** `reportError` as at the start of a process, with a clock that stands, and what it has printed. */
async function printing() {
  vi.useFakeTimers()
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => {
    print.mockRestore()
    vi.useRealTimers()
  })
  const { reportError } = await import('../../src/socket/report-error.ts')
  return { reportError, printed: () => print.mock.calls.map(([what]) => what) }
}

const errors = Array.from({ length: 8 }, (_, index) => new Error(`error ${index}`))

test('five errors are printed in ten seconds, then how many were left out', async () => {
  const { reportError, printed } = await printing()
  for (const error of errors) reportError(undefined, error, undefined)
  expect(printed()).toEqual(errors.slice(0, 5).map((error) => inspect(error)))
  vi.advanceTimersByTime(9_999)
  reportError(undefined, 'still within them', undefined)
  expect(printed()).toHaveLength(5)
  vi.advanceTimersByTime(1)
  expect(printed().slice(5)).toEqual(['4 more errors were not printed.'])
  reportError(undefined, 'from here on again', undefined)
  expect(printed().slice(6)).toEqual(['from here on again'])
})

test('no secret is printed', async () => {
  const { reportError, printed } = await printing()
  reportError(undefined, 'token=abc', undefined)
  const request = { headers: { Authorization: 'Bearer abc' }, url: 'http://ann:abc@example.com/?abc' }
  reportError(undefined, Object.assign(new Error('refused: api key: abc'), { request }), undefined)
  expect(printed()[0]).toBe('token=***')
  expect(printed()[1]).toContain('Error: refused: api key: ***')
  expect(printed()[1]).toContain('headers: { Authorization: *** }')
  expect(printed()[1]).toContain("url: 'http://***@example.com/?***'")
})

test('the one that was left out is said though nothing more happens, and no process stays for it', async () => {
  const { reportError, printed } = await printing()
  for (const error of errors.slice(0, 6)) reportError(undefined, error, undefined)
  vi.advanceTimersByTime(10_000)
  expect(printed().slice(5)).toEqual(['1 more error was not printed.'])
  vi.advanceTimersByTime(100_000)
  expect(printed()).toHaveLength(6)
})

test('what an error handler throws counts as well', async () => {
  const { reportError, printed } = await printing()
  const handler = () => {
    throw 'worse'
  }
  for (const error of errors) reportError(handler, error, undefined)
  expect(printed()).toEqual(Array(5).fill('worse'))
})

test('an error that cannot be printed ends nothing', async () => {
  const { reportError, printed } = await printing()
  const error = Object.defineProperty(new Error('x'), 'stack', {
    get() {
      throw new Error('no stack')
    },
  })
  reportError(undefined, error, undefined)
  expect(printed()).toEqual(['An error that cannot be printed.'])
})

test('an error handler is given all of them', async () => {
  const { reportError, printed } = await printing()
  const given: unknown[] = []
  for (const error of errors) reportError((error) => given.push(error), error, undefined)
  expect(given).toEqual(errors)
  expect(printed()).toEqual([])
})
