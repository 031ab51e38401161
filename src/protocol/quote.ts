import { redact } from './redact.ts'

/**
 * A text as it stands in a sentence: in double quotes, at most `limit` characters of it, without what is secret in it,
 * and nothing in it that could break a line, a terminal or a log. What is not printable ASCII is escaped as in JavaScript.
 */
export function quote(given: string, limit = 64): string {
  const value = redact(given)
  const shown = value.length > limit ? value.slice(0, limit) : value
  let text = '"'
  for (let index = 0; index < shown.length; index++) {
    const char = shown.charCodeAt(index)
    if (char === 0x22 || char === 0x5c) text += `\\${shown[index]}`
    else text += escapeCode(char)
  }
  return shown.length < value.length ? `${text}…" (${value.length} characters)` : `${text}"`
}

/** A value as it stands in a sentence: a string in quotes, which a number has not; of an object only that it is one. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  return Array.isArray(value) ? 'an array' : 'an object'
}

/** A text on one line: without what is secret in it, control characters escaped, cut after `limit` characters with an ellipsis. */
export function oneLine(given: string, limit: number): string {
  const text = redact(given)
  const shown = text.length > limit ? text.slice(0, limit) : text
  let line = ''
  for (let index = 0; index < shown.length; index++) {
    const char = shown.charCodeAt(index)
    line += isControlOrFormat(char) ? escapeCode(char) : shown[index]
  }
  return shown.length < text.length ? `${line}…` : line
}

/** A character as `U+000A`, for a sentence about one that cannot be shown. */
export function codePoint(char: number): string {
  return `U+${char.toString(16).toUpperCase().padStart(4, '0')}`
}

function escapeCode(char: number): string {
  if (char >= 0x20 && char <= 0x7e) return String.fromCharCode(char)
  if (char === 0x09) return '\\t'
  if (char === 0x0a) return '\\n'
  if (char === 0x0d) return '\\r'
  const hex = char.toString(16)
  return char <= 0xff ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`
}

/** C0, DEL and C1, the line separators, and the marks that turn the writing direction. */
function isControlOrFormat(char: number): boolean {
  if (char < 0x20 || (char >= 0x7f && char <= 0x9f)) return true
  return (char >= 0x2028 && char <= 0x202e) || (char >= 0x2066 && char <= 0x2069)
}
