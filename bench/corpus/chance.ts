/** Chance that a seed decides: the same on every machine and in every run. */

export class Chance {
  // xorshift with 128 bits of state: its period is so long that the streams of two connections never meet.
  private x: number
  private y: number
  private z: number
  private w: number

  /** @param stream every stream of a seed is another one; both are whole numbers from 0 to 2^32 - 1. */
  constructor(seed: number, stream: number) {
    this.x = mix(seed ^ 0x9e37_79b9)
    this.y = mix(stream + 0x7f4a_7c15)
    this.z = mix(this.x + this.y)
    this.w = mix(this.z + 1) | 1
    for (let i = 0; i < 16; i++) this.next()
  }

  /** At least 0, below 1. */
  next(): number {
    const t = this.x ^ (this.x << 11)
    this.x = this.y
    this.y = this.z
    this.z = this.w
    this.w ^= (this.w >>> 19) ^ t ^ (t >>> 8)
    return (this.w >>> 0) / 2 ** 32
  }

  /** At least 0, below 1, and the nearer to 0 the likelier. */
  early(): number {
    // Not a power: engines differ in the last digit of those.
    const value = this.next()
    return value * value
  }

  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)] as T
  }

  /** Like `pick`, but the first of the list come up far more often than the last, as the words of a language do. */
  pickEarly<T>(list: readonly T[]): T {
    return list[Math.floor(this.early() * list.length)] as T
  }

  /** Between -1 and 1, most often near 0. */
  swing(): number {
    return (this.next() + this.next() + this.next()) / 1.5 - 1
  }

  /** `length` digits to the base of 16. */
  hex(length: number): string {
    let text = ''
    while (text.length < length) text += this.whole(0, 0xffff).toString(16).padStart(4, '0')
    return text.slice(0, length)
  }
}

/** Spreads the bits of a number over all 32, so that seeds which differ by 1 have nothing in common. */
function mix(value: number): number {
  let bits = value >>> 0
  for (const factor of [0x45d9_f3b5, 0x2c1b_3c6d]) {
    bits ^= bits >>> 16
    bits = Math.imul(bits, factor)
  }
  return (bits ^ (bits >>> 15)) >>> 0
}
