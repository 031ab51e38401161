import { FailureEvent, type TypedEventTarget } from 'heartwire/reconnect'
import { expect, it } from 'vitest'
import { HandlerSlot } from '../../src/reconnect/handler.ts'

it('calls one handler, with the owner as this, that can be replaced and taken away', () => {
  const owner: TypedEventTarget = new EventTarget()
  const calls: unknown[] = []
  const slot = new HandlerSlot(owner, 'error')
  expect(slot.handler).toBe(null)
  const first = function (this: unknown, { error }: FailureEvent) {
    calls.push([this === owner, error])
  }
  owner.addEventListener('error', first)
  slot.handler = first
  expect(slot.handler).toBe(first)
  owner.dispatchEvent(new FailureEvent(1))
  owner.removeEventListener('error', first)
  slot.handler = () => calls.push('second')
  owner.dispatchEvent(new FailureEvent(2))
  slot.handler = null
  owner.dispatchEvent(new FailureEvent(3))
  expect(calls).toEqual([[true, 1], [true, 1], 'second'])
})
