/**
 * What Web IDL says of classes that a language binding makes: the shape of their prototypes, and what becomes of the
 * values that are given to them.
 */
import { toUSVString, types } from 'node:util'

const EMPTY = new Uint8Array(0)

/**
 * Gives a class the shape of an interface (Web IDL section 3.7): operations and attributes are enumerable, and constants
 * stand on the class and on its prototype.
 */
export function exposeInterface(
  type: { readonly name: string; readonly prototype: object },
  constants: Readonly<Record<string, number>> = {},
): void {
  const { prototype } = type
  for (const name of Object.getOwnPropertyNames(prototype)) {
    if (name !== 'constructor') Object.defineProperty(prototype, name, { enumerable: true })
  }
  Object.defineProperty(prototype, Symbol.toStringTag, { value: type.name, configurable: true })
  for (const [name, value] of Object.entries(constants)) {
    for (const object of [type, prototype]) Object.defineProperty(object, name, { value, enumerable: true })
  }
}

/** @throws TypeError when there are fewer arguments than there have to be */
export function requireArguments(what: string, given: number, needed: number): void {
  if (given >= needed) return
  throw new TypeError(`${what} takes ${needed === 1 ? '1 argument' : `${needed} arguments`}, and was given ${given}.`)
}

/** A `DOMString`. @throws TypeError for a symbol */
export function domString(value: unknown): string {
  return `${value as string}`
}

/** A `USVString`: surrogates without their other half become U+FFFD. @throws TypeError for a symbol */
export function usvString(value: unknown): string {
  return toUSVString(domString(value))
}

/** An `unsigned short` with `[Clamp]`: the nearest one, of two that are equally near the even one. */
export function clampedUnsignedShort(value: unknown): number {
  const number = +(value as number)
  if (Number.isNaN(number)) return 0
  const clamped = Math.min(Math.max(number, 0), 0xffff)
  const floor = Math.floor(clamped)
  const rest = clamped - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}

/** An `unsigned short` with `[EnforceRange]`. @throws TypeError for what is none */
export function enforcedUnsignedShort(value: unknown, what: string): number {
  const number = Math.trunc(+(value as number))
  // Not -0.
  if (number >= 0 && number <= 0xffff) return number + 0
  throw new TypeError(`${what} is a number from 0 to 65535.`)
}

/** An `unsigned short`: what is left of a number modulo 65536. */
export function unsignedShort(value: unknown): number {
  return new Uint16Array([+(value as number)])[0]!
}

/** A dictionary: undefined and null stand for an empty one. @throws TypeError for what is no object */
export function dictionary(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {}
  if (isObject(value)) return value
  throw new TypeError(`${what} is an object.`)
}

/** A `sequence`, of whatever `convert` makes of its items. @throws TypeError for what cannot be iterated */
export function sequence<T>(value: unknown, convert: (item: unknown) => T, what: string): T[] {
  if (isObject(value) && typeof value[Symbol.iterator] === 'function') {
    return Array.from(value as unknown as Iterable<unknown>, convert)
  }
  throw new TypeError(`${what} is a sequence.`)
}

/** Whether `typeof` of it is `'object'` or `'function'`, without null. */
export function isObject(value: unknown): value is Record<PropertyKey, unknown> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/**
 * The bytes that a `BufferSource` has now, as a copy; undefined for what is none.
 * @throws TypeError for one whose memory is shared or can be resized
 */
export function copyBufferSource(value: unknown): Uint8Array | undefined {
  if (types.isArrayBuffer(value)) return copyOf(value, 0, value.byteLength)
  if (!ArrayBuffer.isView(value)) return undefined
  const { buffer } = value
  if (!types.isArrayBuffer(buffer)) throw new TypeError('The memory of a view that is sent must not be shared.')
  return copyOf(buffer, value.byteOffset, value.byteLength)
}

function copyOf(buffer: ArrayBuffer & { readonly resizable?: boolean }, offset: number, length: number): Uint8Array {
  if (buffer.resizable === true) throw new TypeError('The memory of what is sent must not be resizable.')
  // Nothing can be made of memory that was transferred to somebody else.
  return length === 0 ? EMPTY : Buffer.from(new Uint8Array(buffer, offset, length))
}
