/** That the classes have the shape that Web IDL gives to interfaces: what idlharness.js looks at in browsers. */
import { CloseEvent, WebSocket, WebSocketError, WebSocketStream } from 'heartwire/websocket'
import { describe, expect, it, onTestFinished } from 'vitest'
import { clampedUnsignedShort, enforcedUnsignedShort, unsignedShort, usvString } from '../../src/websocket/idl.ts'
import { thrown } from './support.ts'

interface Shape {
  type: { new (...given: never[]): object; readonly prototype: object }
  name: string
  length: number
  parent: unknown
  constants: Record<string, number>
  /** Whether it can be set. */
  attributes: Record<string, boolean>
  /** How many arguments an operation cannot do without. */
  operations: Record<string, number>
  make(): object
}

const native = 'CloseEvent' in globalThis

const shapes: Shape[] = [
  {
    type: WebSocket,
    name: 'WebSocket',
    length: 1,
    parent: EventTarget,
    constants: { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 },
    attributes: {
      url: false,
      readyState: false,
      bufferedAmount: false,
      onopen: true,
      onerror: true,
      onclose: true,
      extensions: false,
      protocol: false,
      onmessage: true,
      binaryType: true,
    },
    operations: { close: 0, send: 1 },
    make() {
      const socket = new WebSocket('ws://127.0.0.1:9')
      onTestFinished(() => socket.close())
      return socket
    },
  },
  {
    type: CloseEvent,
    name: 'CloseEvent',
    length: 1,
    parent: Event,
    constants: {},
    attributes: { wasClean: false, code: false, reason: false },
    operations: {},
    make: () => new CloseEvent('close'),
  },
  {
    type: WebSocketStream,
    name: 'WebSocketStream',
    length: 1,
    parent: Function.prototype,
    constants: {},
    attributes: { url: false, opened: false, closed: false },
    operations: { close: 0 },
    make() {
      const stream = new WebSocketStream('ws://127.0.0.1:9')
      onTestFinished(() => stream.close())
      return stream
    },
  },
  {
    type: WebSocketError,
    name: 'WebSocketError',
    length: 0,
    parent: DOMException,
    constants: {},
    attributes: { closeCode: false, reason: false },
    operations: {},
    make: () => new WebSocketError(),
  },
]

describe.each(shapes)('$name', ({ type, name, length, parent, constants, attributes, operations, make }) => {
  // Node's own is not what is tested here.
  const brandError = native && name === 'CloseEvent' ? /TypeError/ : /^TypeError$/

  it('is a class', () => {
    expect([type.name, type.length]).toEqual([name, length])
    expect(Object.getPrototypeOf(type)).toBe(parent)
    expect(Object.getOwnPropertyDescriptor(type, 'prototype')).toMatchObject({ writable: false, enumerable: false })
    expect(Object.getOwnPropertyDescriptor(type.prototype, 'constructor')).toEqual({
      value: type,
      writable: true,
      enumerable: false,
      configurable: true,
    })
    expect(Object.getOwnPropertyDescriptor(type.prototype, Symbol.toStringTag)).toEqual({
      value: name,
      writable: false,
      enumerable: false,
      configurable: true,
    })
    expect(thrown(() => Reflect.apply(type, undefined, ['ws://127.0.0.1:9']))).toBe('TypeError')
    expect(Object.prototype.toString.call(make())).toBe(`[object ${name}]`)
    expect(Object.keys(make())).toEqual([])
    if (length > 0) expect(thrown(() => Reflect.construct(type, []))).toBe('TypeError')
  })

  it('has the members of its interface, and no others', () => {
    const members = Object.getOwnPropertyNames(type.prototype).filter((key) => key !== 'constructor')
    expect(members.toSorted()).toEqual(
      [...Object.keys(constants), ...Object.keys(attributes), ...Object.keys(operations)].toSorted(),
    )
    const own = Object.getOwnPropertyNames(type).filter((key) => !['length', 'name', 'prototype'].includes(key))
    expect(own.toSorted()).toEqual(Object.keys(constants).toSorted())
  })

  it.each(Object.entries(constants))('has the constant %s', (key, value) => {
    const expected = { value, writable: false, enumerable: true, configurable: false }
    expect(Object.getOwnPropertyDescriptor(type, key)).toEqual(expected)
    expect(Object.getOwnPropertyDescriptor(type.prototype, key)).toEqual(expected)
  })

  it.each(Object.entries(attributes))('has the attribute %s', (key, settable) => {
    const { get, set, enumerable, configurable } = Object.getOwnPropertyDescriptor(type.prototype, key) ?? {}
    expect([enumerable, configurable]).toEqual([true, true])
    expect([get?.name, get?.length]).toEqual([`get ${key}`, 0])
    expect(settable ? [set?.name, set?.length] : set).toEqual(settable ? [`set ${key}`, 1] : undefined)
    for (const other of [undefined, {}, type.prototype, new EventTarget(), Object.create(make())]) {
      expect(thrown(() => get?.call(other))).toMatch(brandError)
      if (settable) expect(thrown(() => set?.call(other, null))).toBe('TypeError')
    }
    expect(thrown(() => get?.call(make()))).toBe('nothing')
    if (!settable) expect(Reflect.set(make(), key, 1)).toBe(false)
  })

  it.each(Object.entries(operations))('has the operation %s', (key, length) => {
    const { value, ...descriptor } = Object.getOwnPropertyDescriptor(type.prototype, key) ?? {}
    expect(descriptor).toEqual({ writable: true, enumerable: true, configurable: true })
    expect([value.name, value.length]).toEqual([key, length])
    for (const other of [undefined, {}, type.prototype, new EventTarget()]) {
      expect(thrown(() => Reflect.apply(value, other, Array(length).fill('x')))).toBe('TypeError')
    }
    if (length > 0) expect(thrown(() => Reflect.apply(value, make(), []))).toBe('TypeError')
  })

  it('can be extended', () => {
    const Extended = class extends (type as unknown as new (...given: unknown[]) => object) {
      more = 1
    }
    const made = new Extended(name === 'CloseEvent' ? 'close' : 'ws://127.0.0.1:9')
    expect([made instanceof type, made.more]).toEqual([true, 1])
    if ('close' in made && typeof made.close === 'function') made.close()
  })
})

describe('binaryType', () => {
  it('is blob, and keeps what it is where it is set to what there is not', () => {
    const socket = new WebSocket('ws://127.0.0.1:9')
    const seen: unknown[] = [socket.binaryType]
    for (const value of ['arraybuffer', 'nodebuffer', '', null, { toString: () => 'blob' }, 'Blob', 'arraybuffer']) {
      Reflect.set(socket, 'binaryType', value)
      seen.push(socket.binaryType)
    }
    expect(seen).toEqual([
      'blob',
      'arraybuffer',
      'arraybuffer',
      'arraybuffer',
      'arraybuffer',
      'blob',
      'blob',
      'arraybuffer',
    ])
    expect(thrown(() => Reflect.set(socket, 'binaryType', Symbol('x')))).toBe('TypeError')
    socket.close()
  })
})

describe('CloseEvent', () => {
  const read = ({ type, wasClean, code, reason, bubbles, cancelable, composed }: CloseEvent) => ({
    type,
    wasClean,
    code,
    reason,
    bubbles,
    cancelable,
    composed,
  })
  const empty = { wasClean: false, code: 0, reason: '', bubbles: false, cancelable: false, composed: false }

  it('has what it is made with', () => {
    expect(read(new CloseEvent('close'))).toEqual({ type: 'close', ...empty })
    const init = { wasClean: true, code: 3000, reason: 'why', bubbles: true, cancelable: true, composed: true }
    expect(read(new CloseEvent('end', init))).toEqual({ type: 'end', ...init })
    expect(new CloseEvent('close')).toBeInstanceOf(Event)
  })

  it.skipIf(native)('converts it', () => {
    const made = (init: unknown) => read(Reflect.construct(CloseEvent, ['close', init]) as CloseEvent)
    expect(made(undefined)).toEqual({ type: 'close', ...empty })
    expect(made({ code: 65_536 + 7, reason: 'a\ud800', wasClean: 1 })).toEqual({
      ...empty,
      type: 'close',
      wasClean: true,
      code: 7,
      reason: 'a\ufffd',
    })
    expect(made({ code: -1.5, reason: null, wasClean: '' })).toEqual({
      ...empty,
      type: 'close',
      code: 65_535,
      reason: 'null',
    })
    expect(thrown(() => made(7))).toBe('TypeError')
    expect(thrown(() => made({ reason: Symbol('x') }))).toBe('TypeError')
  })
})

describe('conversions', () => {
  it.each<[unknown, number]>([
    [Number.NaN, 0],
    [-0, 0],
    [-1, 0],
    [0.5, 0],
    [0.500001, 1],
    [1.5, 2],
    [2.5, 2],
    [65_534.5, 65_534],
    [65_535.4, 65_535],
    [1e9, 65_535],
    [Number.NEGATIVE_INFINITY, 0],
    [Number.POSITIVE_INFINITY, 65_535],
    ['12', 12],
    [null, 0],
    [true, 1],
    [{ valueOf: () => 3 }, 3],
  ])('[Clamp] unsigned short of %s is %d', (value, expected) => {
    expect(clampedUnsignedShort(value) + 0).toBe(expected)
  })

  it.each<[unknown, number | string]>([
    [0, 0],
    [-0.9, 0],
    [65_535.9, 65_535],
    ['7', 7],
    [null, 0],
    [-1, 'TypeError'],
    [65_536, 'TypeError'],
    [Number.NaN, 'TypeError'],
    [Number.POSITIVE_INFINITY, 'TypeError'],
    ['x', 'TypeError'],
  ])('[EnforceRange] unsigned short of %s is %s', (value, expected) => {
    const convert = () => enforcedUnsignedShort(value, 'It')
    if (typeof expected === 'string') expect(thrown(convert)).toBe(expected)
    else expect(convert()).toBe(expected)
  })

  it.each<[unknown, number]>([
    [65_537, 1],
    [-1, 65_535],
    [1.9, 1],
    [-1.9, 65_535],
    [Number.NaN, 0],
    [Number.POSITIVE_INFINITY, 0],
  ])('unsigned short of %s is %d', (value, expected) => {
    expect(unsignedShort(value)).toBe(expected)
  })

  it('USVString has no half of a pair', () => {
    expect(usvString('\ud83d\ude00 \ud83d \ude00')).toBe('\u{1f600} \ufffd \ufffd')
  })
})
