import { expect, test } from 'vitest'
import { LiveLine, type Output, styleFor } from '../../src/cli/terminal.ts'

function output(properties: Partial<Output>): { output: Output; written: string[] } {
  const written: string[] = []
  const write = (text: string | Uint8Array) => written.push(String(text)) > 0
  return { output: { write, ...properties } as Output, written }
}

test('colours are for terminals that have them', () => {
  const red = (properties: Partial<Output>) => styleFor(output(properties).output).red('no')
  expect(red({ isTTY: true, hasColors: () => true })).toBe('\x1b[31mno\x1b[39m')
  expect(red({ isTTY: true, hasColors: () => false })).toBe('no')
  expect(red({})).toBe('no')
})

test('a live line is written anew on a terminal, as much of it as there is room for', () => {
  const { output: terminal, written } = output({ isTTY: true, columns: 6 })
  const line = new LiveLine(terminal)
  line.show('1234')
  line.show('1234567')
  line.clear()
  expect(written).toEqual(['\r\x1b[K1234', '\r\x1b[K12345', '\r\x1b[K'])
})

test('elsewhere each is a line', () => {
  const { output: pipe, written } = output({})
  const line = new LiveLine(pipe)
  line.show('1')
  line.show('2')
  line.clear()
  expect(written).toEqual(['1\n', '2\n'])
})
