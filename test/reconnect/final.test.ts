import { isFinalCode } from 'heartwire/reconnect'
import { expect, it } from 'vitest'

it.each([1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003, 4400, 4401, 4403, 4404, 4499])('%d is final', (code) => {
  expect(isFinalCode(code)).toBe(true)
})

it.each([1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015, 3008, 4000, 4399, 4408, 4425, 4429, 4500])(
  'after %d it is tried again',
  (code) => {
    expect(isFinalCode(code)).toBe(false)
  },
)
