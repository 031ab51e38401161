/** Frame opcodes (RFC 6455 section 5.2). 0x3 to 0x7 and 0xB to 0xF are reserved. */
export const Opcode = {
  Continuation: 0x0,
  Text: 0x1,
  Binary: 0x2,
  Close: 0x8,
  Ping: 0x9,
  Pong: 0xa,
} as const

const NAMES: Readonly<Record<number, string>> = {
  0: 'continuation',
  1: 'text',
  2: 'binary',
  8: 'close',
  9: 'ping',
  10: 'pong',
}

/** The RFC's name of an opcode; a reserved one is named `reserved 0x3`. */
export function opcodeName(opcode: number): string {
  return NAMES[opcode] ?? `reserved 0x${opcode.toString(16).toUpperCase()}`
}

/** Control frames have the top bit of the opcode set (RFC 6455 section 5.5). */
export function isControl(opcode: number): boolean {
  return (opcode & 0x8) !== 0
}
