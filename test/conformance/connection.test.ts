import { describe, expect, test } from 'vitest'
import { nodePlatform } from '../../src/platform/node.ts'
import type { CloseInfo } from '../../src/protocol/close-info.ts'
import { Connection, type ConnectionSink } from '../../src/protocol/connection.ts'
import type { Side } from '../../src/protocol/error.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import { FakeWire, freshShared } from '../protocol/fake-wire.ts'
import { type Case, casesOf } from './case.ts'
import { RULES } from './rules.ts'
import { judge } from './verdict.ts'

/** A connection that echoes, on a wire that takes everything. */
class Echo implements ConnectionSink {
  readonly wire = new FakeWire()
  readonly connection: Connection
  readonly infos: CloseInfo[] = []

  constructor({ role, limits }: Case) {
    this.connection = new Connection(
      {
        side: role,
        platform: nodePlatform,
        shared: freshShared(),
        now: () => 0,
        maxPayload: 1024 * 1024,
        maxFragments: 16_384,
        text: 'string',
        closeTimeout: 10_000,
        ...limits,
      },
      this,
      this.wire,
    )
    this.connection.open()
  }

  onText(text: string): void {
    if (this.connection.state === 'open') this.connection.sender.message(Opcode.Text, text)
  }

  onBinary(payload: Uint8Array): void {
    if (this.connection.state === 'open') this.connection.sender.message(Opcode.Binary, payload)
  }

  onPing(payload: Uint8Array): void {
    this.connection.sender.answerPing(payload)
  }

  onClosed(info: CloseInfo): void {
    this.infos.push(info)
  }

  onPiece(): void {}
  onPong(): void {}
  onOutput(): void {}
  onPingTaken(): void {}
  onDrained(): void {}
  onClosing(): void {}
  onDeadline(): void {}
}

function run(one: Case, chunkSize: number): void {
  const echo = new Echo(one)
  const { connection, wire } = echo
  if (one.closes !== undefined) connection.close(...one.closes)
  connection.flush()
  for (let at = 0; at < one.input.length; at += chunkSize) {
    connection.receive(one.input.slice(at, at + chunkSize))
    connection.flush()
  }
  expect(wire.ended).toBe(one.endsFirst)
  connection.receiveEnd()
  expect(wire.ended).toBe(true)
  expect(echo.infos).toEqual([])
  connection.transportClosed(false, undefined)
  expect(echo.infos.length).toBe(1)
  judge(one, wire.bytes, echo.infos[0]!, chunkSize > 14)
}

const ROLES: Side[] = ['server', 'client']

describe.each(ROLES)('a connection as a %s', (role) => {
  test.each(casesOf(RULES, role).map((one) => [one.section, one.name, one] as const))('%s %s', (_, __, one) => {
    run(one, Number.POSITIVE_INFINITY)
    run(one, 1)
    // The frames' borders fall everywhere in between, too.
    run(one, 7)
  })
})

test('no two rules have the same name', () => {
  const names = RULES.map(({ section, name, only }) => `${section} ${name} ${only}`)
  expect(new Set(names).size).toBe(names.length)
})
