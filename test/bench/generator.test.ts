import { expect, test } from 'vitest'
import { readReport } from '../../bench/generator.ts'

const ECHO =
  'echo conns=100 depth=1 payload=64 type=binary secs=0.30 msgs/s=15002 MB/s=1.0 p50_us=4483.2 p99_us=23500.1 ' +
  'p999_us=30000.0 msgs/read=1.0 rsv1=0% errors=0 dead=0 client_cpu=40% client_idle=86% ev/poll=2.1 rx_bytes/msg=66.0'

test('reads an echo report', () => {
  expect(readReport(ECHO)).toEqual({
    perSecond: 15_002,
    p50: 4483.2,
    p99: 23_500.1,
    p999: 30_000,
    loadIdle: 0.86,
  })
})

test('counts handshakes with their close', () => {
  const line =
    'connect conc=64 secs=1.00 handshakes/s=1200 closed/s=1190 p50_us=1.0 p99_us=2.0 p999_us=3.0 errors=0 client_idle=5%'
  expect(readReport(line)).toEqual({ perSecond: 1190, p50: 1, p99: 2, p999: 3, loadIdle: 0.05 })
})

test('a storm has no rate', () => {
  const line = 'storm conns=500 open=500 open_1s=420 all_s=1.2345 errors=0 dead=0 client_cpu=99% client_idle=42%'
  expect(readReport(line)).toEqual({ openAfterSecond: 420, untilAll: 1.2345, loadIdle: 0.42 })
})

test('a report that tells of errors is an error', () => {
  expect(() => readReport(ECHO.replace('errors=0', 'errors=3'))).toThrow(new Error('3 wrong answers of the server'))
  expect(() => readReport(ECHO.replace('dead=0', 'dead=1'))).toThrow(new Error('the server dropped 1 connections'))
  expect(() => readReport(`${ECHO} STALLED`)).toThrow(new Error('the server stopped sending'))
  expect(() => readReport(ECHO.replace('msgs/s=15002', 'msgs/s=0'))).toThrow(new Error('the server stopped sending'))
  expect(() => readReport('echo what')).toThrow(new Error('no errors in "echo what"'))
})
