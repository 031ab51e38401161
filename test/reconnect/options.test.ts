import { ReconnectingWebSocket, type WebSocketConstructor } from 'heartwire/reconnect'
import { WebSocket as HeartwireWebSocket } from 'heartwire/websocket'
import { describe, expect, expectTypeOf, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { resolveOptions } from '../../src/reconnect/options.ts'

describe('options', () => {
  it('are the defaults where they are undefined', () => {
    expect(resolveOptions({ WebSocket })).toMatchObject({ factor: 2, whileHidden: 'wait', heartbeat: undefined })
    const given = { WebSocket, ...Object.fromEntries(['factor', 'queue', 'signal'].map((name) => [name, undefined])) }
    expect(resolveOptions(given)).toMatchObject({ factor: 2, queue: { maxMessages: 1_000 }, signal: undefined })
  })

  it('are what is given', () => {
    const answer = () => true
    expect(
      resolveOptions({
        WebSocket,
        maxRetries: 0,
        connectTimeout: Number.POSITIVE_INFINITY,
        queue: { overflow: 'drop-newest' },
        heartbeat: { answer, message: 'are you there?' },
      }),
    ).toMatchObject({
      maxRetries: 0,
      connectTimeout: Number.POSITIVE_INFINITY,
      queue: { maxMessages: 1_000, overflow: 'drop-newest' },
      heartbeat: { answer, message: 'are you there?', interval: 25_000 },
    })
    expect(resolveOptions({ WebSocket, heartbeat: true }).heartbeat).toMatchObject({ message: 'ping', answer: 'pong' })
  })

  it.each([
    [{ retries: 3 }, 'There is no option retries.'],
    [{ queue: { max: 3 } }, 'There is no option queue.max.'],
    [{ heartbeat: { toString: 3 } }, 'There is no option heartbeat.toString.'],
    [{ maxDelay: '5' }, 'The option maxDelay cannot be 5.'],
    [{ maxDelay: -1 }, 'The option maxDelay cannot be -1.'],
    [{ factor: Number.NaN }, 'The option factor cannot be NaN.'],
    [{ clock: null }, 'The option clock cannot be null.'],
    [{ random: 4 }, 'The option random cannot be 4.'],
    [{ whileHidden: 'sleep' }, 'The option whileHidden cannot be sleep.'],
    [{ queue: { overflow: 'close' } }, 'The option queue.overflow cannot be close.'],
    [{ heartbeat: { answer: 3 } }, 'The option heartbeat.answer cannot be 3.'],
  ])('cannot be %o', (options, message) => {
    const given: object = { WebSocket, ...options }
    expect(() => resolveOptions(given)).toThrow(new TypeError(message))
  })

  it('have to name a WebSocket where the platform has none', () => {
    vi.stubGlobal('WebSocket', undefined)
    expect(() => new ReconnectingWebSocket('ws://localhost')).toThrow(
      /^There is no WebSocket here: .*heartwire\/websocket/,
    )
    vi.unstubAllGlobals()
  })

  it('take the WebSocket of any platform', () => {
    expectTypeOf<typeof globalThis.WebSocket>().toExtend<WebSocketConstructor>()
    expectTypeOf(WebSocket).toExtend<WebSocketConstructor>()
    expectTypeOf(HeartwireWebSocket).toExtend<WebSocketConstructor>()
  })
})
