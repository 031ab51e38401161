/**
 * The same program with heartwire's WebSocket, with undici's and, from Node 22 on, with Node's own: what a program sees has
 * to be the same. Left out is what undici 7 does otherwise than the standard has it; the tests in a browser have that as
 * well. And `close(2999.4)`, which is 2999, it takes for 3000.
 */
import { WebSocket as Heartwire, type WebSocketConstructor } from 'heartwire/websocket'
import { WebSocket as Undici } from 'undici'
import { describe, expect, it } from 'vitest'
import { plays, seen, stage } from './plays.ts'
import { thrown } from './support.ts'

const others: [string, WebSocketConstructor][] = [['undici', Undici as unknown as WebSocketConstructor]]
if ('WebSocket' in globalThis) others.push(['Node', globalThis.WebSocket as WebSocketConstructor])

/** Up to Node 22 its own tells failures otherwise than the standard has it, or not at all. */
const tellsFailures = (name: string) => name !== 'Node' || Number(process.versions.node.split('.')[0]) > 22

describe.each(others)('%s and heartwire', (name, Other) => {
  it.each(plays.filter(({ fails, undici }) => !undici && (!fails || tellsFailures(name))))('$name', async (play) => {
    const perform = async (type: WebSocketConstructor) => seen(type, await stage(play), play.protocols, play.program)
    expect(await perform(Heartwire)).toEqual(await perform(Other))
  })

  it.each<[string, ...unknown[]]>([
    ['nothing'],
    ['a relative URL', '/x'],
    ['a fragment', 'ws://127.0.0.1:9/#x'],
    ['another scheme', 'ftp://127.0.0.1'],
    ['a symbol', Symbol('x')],
    ['a bad subprotocol', 'ws://127.0.0.1:9', 'a b'],
    ['an empty subprotocol', 'ws://127.0.0.1:9', ''],
    ['the same subprotocol twice', 'ws://127.0.0.1:9', ['a', 'a']],
  ])('new WebSocket with %s', (_what, ...given) => {
    const outcome = (type: WebSocketConstructor) => thrown(() => Reflect.construct(type, given))
    expect(outcome(Heartwire)).toBe(outcome(Other))
    expect(outcome(Heartwire)).not.toBe('nothing')
  })

  it('close with codes and reasons of all kinds', () => {
    const outcomes = (type: WebSocketConstructor) => {
      const socket = new type('ws://127.0.0.1:9')
      socket.onerror = () => {}
      const given = [
        [999],
        [1000],
        [1001],
        [2999],
        [3000],
        [4999],
        [5000],
        ['3000'],
        [2999.5],

        [null],
        [Number.NaN],
        [1000, 'x'.repeat(123)],
        [1000, 'x'.repeat(124)],
        [undefined, 'x'.repeat(124)],
        [1000, Symbol('x')],
        [Symbol('x')],
      ]
      return given.map((each) => thrown(() => Reflect.apply(socket.close, socket, each)))
    }
    expect(outcomes(Heartwire)).toEqual(outcomes(Other))
  })

  it('the members of the class', () => {
    const shape = (type: WebSocketConstructor) =>
      [type, type.prototype].map((object) =>
        Object.entries(Object.getOwnPropertyDescriptors(object))
          .filter(([key]) => !['ping', 'constructor'].includes(key))
          .map(([key, { get, set, value, ...flags }]) => {
            const length = typeof value === 'function' ? value.length : undefined
            return [key, typeof get, typeof set, typeof value, length, flags]
          })
          .toSorted(),
      )
    expect(shape(Heartwire)).toEqual(shape(Other))
  })
})
