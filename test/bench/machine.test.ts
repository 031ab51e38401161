import { expect, test } from 'vitest'
import { describeMachine, parseCoreList, scheduled } from '../../bench/machine.ts'

test('a list of cores', () => {
  expect(parseCoreList('0-3,8')).toEqual([0, 1, 2, 3, 8])
  expect(parseCoreList('5')).toEqual([5])
  expect(parseCoreList('')).toEqual([])
})

test('the machine has a name, cores and memory', () => {
  const { cpu, cores, memory, kernel, arch } = describeMachine()
  expect(cpu).not.toBe('')
  expect(cores).toBeGreaterThan(0)
  expect(memory).toBeGreaterThan(0)
  expect(kernel).toMatch(/^\S+ \S+/)
  expect(arch).toBe(process.arch)
})

test('a process that is not there has neither run nor waited', () => {
  expect(scheduled(-1)).toEqual({ ran: 0, waited: 0 })
})

test.runIf(process.platform === 'linux')('this process has run', () => {
  expect(scheduled(process.pid).ran).toBeGreaterThan(0)
})
