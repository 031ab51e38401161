import { WebSocket } from 'heartwire/websocket'
import { describe, expect, it } from 'vitest'

/** A WebSocket that tells nothing of its own accord, and in which order its `message` listeners are called. */
function setup(): { socket: WebSocket; order: string[]; add(name: string): () => void; fire(): string[] } {
  const socket = new WebSocket('ws://127.0.0.1:9')
  socket.close()
  const order: string[] = []
  return {
    socket,
    order,
    add(name) {
      const listener = () => void order.push(name)
      socket.addEventListener('message', listener)
      return listener
    },
    fire() {
      order.length = 0
      socket.dispatchEvent(new MessageEvent('message', { data: 1 }))
      return order
    },
  }
}

describe('an event handler', () => {
  it.each(['onopen', 'onmessage', 'onerror', 'onclose'] as const)(
    '%s is null at first, and what it is set to',
    (name) => {
      const { socket } = setup()
      const handler = () => {}
      const seen: unknown[] = [socket[name]]
      const object = { handleEvent: () => {} }
      for (const value of [handler, null, handler, undefined, object, 7, 'x', true, Symbol('x'), handler]) {
        Reflect.set(socket, name, value)
        seen.push(socket[name])
      }
      expect(seen).toEqual([null, handler, null, handler, null, object, null, null, null, null, handler])
      socket[name] = null
    },
  )

  it('is called where it was first set, among the listeners', () => {
    const { socket, order, add, fire } = setup()
    add('first')
    socket.onmessage = () => order.push('handler')
    add('last')
    expect(fire()).toEqual(['first', 'handler', 'last'])
    socket.onmessage = () => order.push('another')
    expect(fire()).toEqual(['first', 'another', 'last'])
  })

  it('that is set anew after null is called last', () => {
    const { socket, order, add, fire } = setup()
    socket.onmessage = () => order.push('handler')
    add('listener')
    socket.onmessage = null
    expect(fire()).toEqual(['listener'])
    socket.onmessage = () => order.push('again')
    expect(fire()).toEqual(['listener', 'again'])
  })

  it('that takes the place of one while they are called is called in its stead', () => {
    const { socket, order, fire } = setup()
    socket.addEventListener('message', () => {
      socket.onmessage = () => order.push('new')
    })
    socket.onmessage = () => order.push('old')
    expect(fire()).toEqual(['new'])
  })

  it('is called with the socket as this, and the event', () => {
    const { socket, fire } = setup()
    let seen: unknown[] = []
    socket.onmessage = function (...given) {
      seen = [this, given.length, given[0].type, given[0].target]
    }
    fire()
    expect(seen).toEqual([socket, 1, 'message', socket])
  })

  it('that is an object which cannot be called does nothing', () => {
    const { socket, order, fire } = setup()
    Reflect.set(socket, 'onmessage', { handleEvent: () => order.push('called') })
    expect(fire()).toEqual([])
  })

  it('that returns false cancels what can be cancelled', () => {
    const { socket } = setup()
    socket.onmessage = () => false
    // Not Node's MessageEvent, which can never be cancelled.
    const event = new Event('message', { cancelable: true })
    expect([socket.dispatchEvent(event), event.defaultPrevented]).toEqual([false, true])
  })

  it('can be stopped by a listener before it', () => {
    const { socket, order, fire } = setup()
    socket.addEventListener('message', (event) => event.stopImmediatePropagation())
    socket.onmessage = () => order.push('handler')
    expect(fire()).toEqual([])
  })
})

describe('listeners', () => {
  it('may be removed, be called once, and end with a signal', () => {
    const { socket, order, add, fire } = setup()
    const removed = add('removed')
    socket.addEventListener('message', () => order.push('once'), { once: true })
    const given = new AbortController()
    socket.addEventListener('message', () => order.push('signal'), { signal: given.signal })
    socket.addEventListener('message', { handleEvent: () => void order.push('object') })
    socket.removeEventListener('message', removed)
    expect(fire()).toEqual(['once', 'signal', 'object'])
    given.abort()
    expect(fire()).toEqual(['object'])
  })
})
