import { closeCodeName, isSendableCloseCode } from './close-code.ts'
import { maskCopy, maskKey } from './mask.ts'
import { isControl, Opcode, opcodeName } from './opcode.ts'
import { UTF8_START, utf8Validate } from './utf8.ts'

/** What RSV1 says of the first frame of a message. */
const COMPRESSED = 'compressed, if permessage-deflate was agreed on (RFC 7692)'
/** How many bytes of payload the legend shows. */
const SHOWN_BYTES = 32
/** Columns of a bit diagram's row before its first border: the byte offset. */
const MARGIN = 7

/**
 * Explains the frame that `bytes` begin with: the bit diagram of RFC 6455 section 5.2 with the frame's own bits in it,
 * a line for every field, the payload unmasked (its first 32 bytes), a Close frame's code and reason, and what of it
 * the RFC forbids whichever side sent it. For people: the wording may change between versions.
 *
 * Any bytes will do. What a frame that is cut off lacks is drawn as dots; bytes after the frame are counted only.
 */
export function explainFrame(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'No bytes: a frame begins with a header of 2 to 14 bytes.'
  const frame = parse(bytes)
  const lines = [...diagram(frame), '', ...legend(frame)]
  const faults = findFaults(frame)
  if (faults.length > 0) lines.push('', 'What RFC 6455 forbids here:', ...faults.map((fault) => `- ${fault}`))
  return lines.join('\n')
}

/** A frame as far as it is there. Undefined: not there, or not yet known. */
interface Parsed {
  bytes: Uint8Array
  first: number
  fin: boolean
  opcode: number
  masked: boolean | undefined
  length7: number | undefined
  /** Bits of the extended payload length. */
  extended: 0 | 16 | 64
  length: bigint | undefined
  /** Where the masking key, or else the payload, begins. */
  lengthEnd: number
  headerLength: number
  /** What is there of the payload, unmasked. */
  payload: Uint8Array
}

function parse(bytes: Uint8Array): Parsed {
  const first = bytes[0]!
  const second = bytes[1]
  const masked = second === undefined ? undefined : (second & 0x80) !== 0
  const length7 = second === undefined ? undefined : second & 0x7f
  const extended = length7 === 127 ? 64 : length7 === 126 ? 16 : 0
  const lengthEnd = 2 + extended / 8
  const headerLength = masked ? lengthEnd + 4 : lengthEnd
  let length: bigint | undefined
  if (length7 !== undefined && extended === 0) length = BigInt(length7)
  else if (extended > 0 && bytes.length >= lengthEnd) length = BigInt(`0x${hex(bytes, 2, lengthEnd, '')}`)

  let payload = new Uint8Array(0)
  if (length !== undefined && bytes.length > headerLength) {
    const here = bytes.length - headerLength
    const count = length < here ? Number(length) : here
    payload = new Uint8Array(count)
    maskCopy(bytes, headerLength, headerLength + count, payload, 0, masked ? maskKey(bytes, lengthEnd) : 0)
  }
  return {
    bytes,
    first,
    fin: (first & 0x80) !== 0,
    opcode: first & 0x0f,
    masked,
    length7,
    extended,
    length,
    lengthEnd,
    headerLength,
    payload,
  }
}

// The diagram

/** A box of the diagram: a field, or as much of one as stands in one row. Bits are counted from the frame's first. */
interface Box {
  from: number
  to: number
  label: string[]
}

function diagram(frame: Parsed): string[] {
  const rows: Box[][] = []
  for (const box of boxes(frame)) {
    const row = box.from >> 5
    rows[row] ??= []
    rows[row].push(box)
  }
  const indent = ' '.repeat(MARGIN)
  const lines = [
    `  byte  0${'1 2 3'.replace(/ ?(\d)/g, '                   $1')}`,
    `${indent} ${Array.from({ length: 32 }, (_, bit) => bit % 10).join(' ')}`,
  ]
  let above: Box[] = []
  rows.forEach((row, index) => {
    lines.push(indent + border(above, row), ...drawRow(frame.bytes, row, index * 4))
    above = row
  })
  const more = remainder(frame)
  if (more === undefined) {
    lines.push(indent + border(above, []))
  } else {
    const whole: Box[] = [{ from: 0, to: 32, label: [] }]
    lines.push(indent + border(above, whole), `${indent}:${centre(more, 63)}:`, indent + border(whole, []))
  }
  return lines
}

function boxes(frame: Parsed): Box[] {
  const { opcode, length7, extended, masked, lengthEnd, headerLength, bytes } = frame
  const name = isReserved(opcode) ? ['reser-', 'ved'] : opcode === Opcode.Continuation ? ['contin-', 'uation'] : []
  const list: Box[] = [
    ...['FIN', 'RSV1', 'RSV2', 'RSV3'].map((flag, bit) => ({ from: bit, to: bit + 1, label: [...flag] })),
    { from: 4, to: 8, label: ['opcode', hexNumber(opcode), ...(name.length > 0 ? name : [opcodeName(opcode)])] },
    { from: 8, to: 9, label: [...'MASK'] },
    { from: 9, to: 16, label: ['payload', 'length', String(length7 ?? '')] },
  ]
  if (extended > 0) list.push(...split('extended payload length', bytes, 2, lengthEnd))
  if (masked) list.push(...split('masking key', bytes, lengthEnd, headerLength))
  list.push(...split(masked ? 'masked payload' : 'payload', bytes, headerLength, headerLength + drawnPayload(frame)))
  return list
}

/** A field of whole bytes, as one box in each row that it touches. */
function split(name: string, bytes: Uint8Array, start: number, end: number): Box[] {
  const list: Box[] = []
  for (let from = start; from < end; ) {
    const to = Math.min(end, (from & ~3) + 4)
    const title = from === start ? [name] : [`${name}, continued`]
    const fits = title[0]!.length < (to - from) * 16
    list.push({
      from: from * 8,
      to: to * 8,
      label: [...(fits ? title : [`${name},`, 'continued']), hex(bytes, from, to)],
    })
    from = to
  }
  return list
}

/** Bytes of payload that get boxes: those of the row that the header ends in, and of one more. */
function drawnPayload({ payload, length, headerLength }: Parsed): number {
  const room = 8 - (headerLength & 3)
  return payload.length === 0 || length === undefined ? 0 : length < room ? Number(length) : room
}

/** What is said of the payload that gets no boxes. */
function remainder(frame: Parsed): string | undefined {
  const drawn = drawnPayload(frame)
  const rest = (frame.length ?? 0n) - BigInt(drawn)
  if (rest === 0n) return undefined
  return drawn === 0 ? `payload: ${count(rest)}, none here` : `payload, continued: ${count(rest)} more`
}

function drawRow(bytes: Uint8Array, row: Box[], offset: number): string[] {
  const bit = (at: number) => {
    const byte = bytes[at >> 3]
    return byte === undefined ? '.' : String((byte >> (7 - (at & 7))) & 1)
  }
  const bits = row.map(({ from, to }) => Array.from({ length: to - from }, (_, i) => bit(from + i)).join(' '))
  const lines = [`${String(offset).padStart(MARGIN - 1)} |${bits.join('|')}|`]
  const height = Math.max(...row.map(({ label }) => label.length))
  for (let line = 0; line < height; line++) {
    const cells = row.map(({ from, to, label }) => centre(label[line] ?? '', (to - from) * 2 - 1))
    lines.push(`${' '.repeat(MARGIN)}|${cells.join('|')}|`)
  }
  return lines
}

/** The line between two rows: as wide as the wider one, with a `+` wherever a box begins or ends. */
function border(above: Box[], below: Box[]): string {
  const line: string[] = []
  for (const { from, to } of [...above, ...below]) {
    const start = (from & 31) * 2
    const end = start + (to - from) * 2
    for (let column = start; column <= end; column++) line[column] ??= '-'
    line[start] = '+'
    line[end] = '+'
  }
  return line.join('')
}

function centre(text: string, width: number): string {
  return text.padStart((width + text.length) >> 1).padEnd(width)
}

// The legend

function legend(frame: Parsed): string[] {
  const { first, fin, opcode, masked, length7, extended, length, lengthEnd, headerLength, bytes } = frame
  const lines = [
    fin ? 'FIN = 1: last fragment of the message' : 'FIN = 0: more fragments of the message follow',
    (first & 0x40) === 0
      ? 'RSV1 = 0: not in use'
      : `RSV1 = 1: ${isCompressed(frame) ? COMPRESSED : 'in use by an extension'}`,
    (first & 0x20) === 0 ? 'RSV2 = 0: not in use' : 'RSV2 = 1: in use by an extension',
    (first & 0x10) === 0 ? 'RSV3 = 0: not in use' : 'RSV3 = 1: in use by an extension',
    `opcode = ${hexNumber(opcode)} (${isReserved(opcode) ? 'reserved' : opcodeName(opcode)})`,
  ]
  if (length7 === undefined) return [...lines, 'MASK and payload length: not here, the header is cut off after 1 byte']
  lines.push(
    masked ? 'MASK = 1: masked, as every frame of a client is' : 'MASK = 0: not masked, as every frame of a server is',
    `payload length = ${length7}${extended > 0 ? `: the next ${extended} bits hold it` : ''}`,
  )
  if (extended > 0) {
    const digits = hex(bytes, 2, lengthEnd, '')
    lines.push(
      length === undefined
        ? `extended payload length = ${hex(bytes, 2, lengthEnd)}: ${partly(bytes, 2, lengthEnd)}`
        : `extended payload length = ${length} (0x${digits})`,
    )
  }
  if (masked) lines.push(`masking key = ${hex(bytes, lengthEnd, headerLength)}${keyNote(frame)}`)
  if (length !== undefined) lines.push(...payloadLegend(frame, length))
  return lines
}

function keyNote({ bytes, lengthEnd, headerLength }: Parsed): string {
  if (bytes.length < headerLength) return `: ${partly(bytes, lengthEnd, headerLength)}`
  return maskKey(bytes, lengthEnd) === 0 ? ': leaves the payload as it is' : ''
}

/** How much there is of a header field that is cut off. */
function partly(bytes: Uint8Array, start: number, end: number): string {
  return `${Math.max(0, bytes.length - start)} of ${end - start} bytes here`
}

/** Whether it is one that RSV1 makes a compressed message's first (RFC 7692 section 6). */
function isCompressed({ first, opcode }: Parsed): boolean {
  return (first & 0x40) !== 0 && (opcode === Opcode.Text || opcode === Opcode.Binary)
}

function payloadLegend(frame: Parsed, length: bigint): string[] {
  const { bytes, masked, headerLength, opcode, payload } = frame
  if (length === 0n) return [`payload = ${count(length)}`, ...trailing(bytes.length - headerLength)]
  if (payload.length === 0) return [`payload = ${count(length)}, none here`]
  const complete = BigInt(payload.length) === length
  const missing = complete ? '' : `, ${length - BigInt(payload.length)} not here`
  const shown = payload.subarray(0, SHOWN_BYTES)
  const lines = [`payload = ${count(length)}${missing}${masked ? '; unmasked' : ''}:`]
  for (let at = 0; at < shown.length; at += 16) lines.push(`  ${hex(shown, at, Math.min(at + 16, shown.length))}`)
  if (payload.length > SHOWN_BYTES) lines.push(`  and ${count(BigInt(payload.length - SHOWN_BYTES))} not shown`)
  if (opcode === Opcode.Close) {
    lines.push(...closeLegend(payload, complete))
  } else if (!isCompressed(frame)) {
    const text = printable(shown)
    if (text !== undefined) lines.push(...quote('text = ', text, BigInt(shown.length) < length))
  }
  return complete ? [...lines, ...trailing(bytes.length - headerLength - payload.length)] : lines
}

function closeLegend(payload: Uint8Array, complete: boolean): string[] {
  if (payload.length < 2) return []
  const code = closeCode(payload)
  const lines = [`close code = ${code} (${closeCodeName(code)})`]
  const reason = payload.subarray(2, 125)
  const state = utf8Validate(reason, 0, reason.length, UTF8_START)
  if (state < 0) return lines
  return [...lines, ...quote('close reason = ', decode(reason), !complete || payload.length > 125)]
}

function trailing(after: number): string[] {
  return after > 0 ? [`${count(BigInt(after))} after this frame`] : []
}

/** The text of bytes that are UTF-8 without control characters, but for a character cut off at the end. */
function printable(bytes: Uint8Array): string | undefined {
  if (utf8Validate(bytes, 0, bytes.length, UTF8_START) < 0) return undefined
  const text = decode(bytes)
  return text === '' || /[^\P{C}\t\n\r]/u.test(text) ? undefined : text
}

/** Decodes UTF-8 that may end within a character, which is left out. */
function decode(bytes: Uint8Array): string {
  let end = bytes.length
  while (utf8Validate(bytes, 0, end, UTF8_START) !== UTF8_START) end--
  return end === 0 ? '' : decodeURIComponent(`%${hex(bytes, 0, end, '%')}`)
}

/** A string in quotation marks, safe to print (escapes as in JSON), over as many lines as it takes. */
function quote(title: string, text: string, cutOff: boolean): string[] {
  const lines: string[] = []
  let line = ''
  for (const character of text) {
    const escaped = JSON.stringify(character).slice(1, -1)
    line += escaped.replace(/\p{C}/u, (control) => `\\u{${control.codePointAt(0)?.toString(16)}}`)
    if (line.length >= 50) {
      lines.push(line)
      line = ''
    }
  }
  if (line !== '' || lines.length === 0) lines.push(line)
  const quoted = lines.map((part, index) => `${index === 0 ? title : ' '.repeat(title.length)}"${part}"`)
  return cutOff ? [...quoted.slice(0, -1), `${quoted.at(-1)}...`] : quoted
}

// The rules

function findFaults(frame: Parsed): string[] {
  const { first, fin, opcode, length, extended, payload } = frame
  const faults: string[] = []
  if ((first & 0x40) !== 0 && !isCompressed(frame)) {
    faults.push("RSV1 is set: only a compressed message's first frame has it (RFC 7692)")
  }
  for (const [bit, name] of [0x20, 0x10].map((bit, index) => [bit, `RSV${index + 2}`] as const)) {
    if ((first & bit) !== 0) faults.push(`${name} is set: only an extension that defines it may do so (section 5.2)`)
  }
  if (isReserved(opcode)) faults.push(`opcode ${hexNumber(opcode)} is reserved (section 5.2)`)
  if (isControl(opcode)) {
    if (!fin) faults.push('a control frame must not be fragmented (section 5.5)')
    if (length === undefined ? extended > 0 : length > 125n) {
      faults.push('a control frame carries at most 125 bytes (section 5.5)')
    }
  }
  if (length !== undefined && extended > 0) faults.push(...lengthFaults(length, extended))
  if (opcode === Opcode.Text && (first & 0x40) === 0) {
    const complete = fin && BigInt(payload.length) === length
    faults.push(...utf8Faults(payload, 0, complete, 'the text', '8.1'))
  }
  if (opcode === Opcode.Close) faults.push(...closeFaults(payload, length))
  return faults
}

function lengthFaults(length: bigint, extended: number): string[] {
  if (length < 126n) return [`a payload length of ${length} must be given in 7 bits, not in ${extended} (section 5.2)`]
  if (extended === 64 && length < 65536n) {
    return [`a payload length of ${length} must be given in 16 bits, not in 64 (section 5.2)`]
  }
  return length >> 63n === 1n ? ['the top bit of a 64-bit payload length must be 0 (section 5.2)'] : []
}

function closeFaults(payload: Uint8Array, length: bigint | undefined): string[] {
  const faults: string[] = []
  if (length === 1n) faults.push('a Close payload of 1 byte: the close code takes 2 (section 5.5.1)')
  if (payload.length < 2) return faults
  const code = closeCode(payload)
  if (!isSendableCloseCode(code)) faults.push(`close code ${code} must not be sent (section 7.4)`)
  const complete = BigInt(payload.length) === length
  faults.push(...utf8Faults(payload, 2, complete, 'the close reason', '5.5.1'))
  return faults
}

function utf8Faults(payload: Uint8Array, start: number, complete: boolean, what: string, section: string): string[] {
  const state = utf8Validate(payload, start, payload.length, UTF8_START)
  if (state < 0) {
    const at = -1 - state
    return [`${what} is not UTF-8 at byte ${at} of the payload, 0x${hex(payload, at, at + 1)} (section ${section})`]
  }
  return complete && state !== UTF8_START ? [`${what} ends within a UTF-8 character (section ${section})`] : []
}

function closeCode(payload: Uint8Array): number {
  return (payload[0]! << 8) | payload[1]!
}

function isReserved(opcode: number): boolean {
  return (opcode & 0x7) > 2
}

function hexNumber(value: number): string {
  return `0x${value.toString(16).toUpperCase()}`
}

/** The bytes from `start` to `end` in hexadecimal, two dots for each that is not there. */
function hex(bytes: Uint8Array, start: number, end: number, separator = ' '): string {
  const list: string[] = []
  for (let at = start; at < end; at++) list.push(bytes[at]?.toString(16).toUpperCase().padStart(2, '0') ?? '..')
  return list.join(separator)
}

function count(bytes: bigint): string {
  return bytes === 1n ? '1 byte' : `${bytes} bytes`
}
