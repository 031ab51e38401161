import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import {
  numberOption,
  readOptions,
  readWords,
  UsageError,
  writable,
  writableFolder,
} from '../../../proof/support/program.ts'

test('options, flags, words and negative numbers', () => {
  expect(readWords(['one', '--minutes', '-1', '--quick', '--at=-.5', 'two'], ['minutes', 'at'], ['quick'])).toEqual({
    values: { minutes: '-1', at: '-.5', quick: 'yes' },
    words: ['one', 'two'],
  })
  expect(() => readOptions(['--what'], [], [])).toThrow(
    new UsageError("Unknown option '--what'; --help lists the options"),
  )
  expect(() => readOptions(['one'], [], [])).toThrow('"one" belongs to no option; --help lists the options')
  expect(() => numberOption('minutes', '-1', 2, { min: 0, max: 9 })).toThrow(
    '--minutes takes a number from 0 to 9, not "-1"',
  )
})

test('a path that cannot be written is a mistake on the command line, and one that can stays as it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heartwire-program-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'report.json')
  writeFileSync(file, 'from last time')
  writable(file)
  writableFolder(join(folder, 'some', 'where'))
  expect(readFileSync(file, 'utf8')).toBe('from last time')
  for (const path of [folder, join(file, 'below'), join(folder, 'nowhere', 'report.json')]) {
    expect(() => writable(path)).toThrow(UsageError)
  }
  for (const path of [file, join(file, 'below')]) expect(() => writableFolder(path)).toThrow(UsageError)
})
