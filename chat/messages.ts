import { FAULTS, type LabRequest, LIMITS, type Request } from './wire.ts'

const LONE_SURROGATES = /\p{Cs}/gu

/** A message that the chat cannot use; its text is sent back to whoever wrote it. */
export class BadMessage extends Error {
  override readonly name = 'BadMessage'
}

/** Reads what a page sent on `/chat`. Throws `BadMessage`. */
export function parseRequest(message: string | Uint8Array): Request {
  const fields = parseObject(message)
  switch (fields.type) {
    case 'join':
      return { type: 'join', room: parseRoom(fields.room), name: parseLine(fields.name, 'name', LIMITS.name) }
    case 'say':
      return { type: 'say', text: parseText(fields.text) }
    default:
      throw new BadMessage(`"type" must be "join" or "say", not ${show(fields.type)}.`)
  }
}

/** Reads what a page sent on `/lab`. Throws `BadMessage`. */
export function parseLabRequest(message: string | Uint8Array): LabRequest {
  const fields = parseObject(message)
  if (fields.type !== 'fault') throw new BadMessage(`"type" must be "fault", not ${show(fields.type)}.`)
  if (fields.fault === null) return { type: 'fault', fault: null }
  const fault = FAULTS.find((each) => each === fields.fault)
  if (!fault) throw new BadMessage(`"fault" must be null or one of ${FAULTS.join(', ')}, not ${show(fields.fault)}.`)
  return { type: 'fault', fault }
}

function parseObject(message: string | Uint8Array): Record<string, unknown> {
  if (typeof message !== 'string') throw new BadMessage('The chat speaks JSON in text messages; this one was binary.')
  let value: unknown
  try {
    value = JSON.parse(message)
  } catch (error) {
    throw new BadMessage(`The message is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadMessage(`The message must be a JSON object, not ${show(value)}.`)
  }
  return { ...value }
}

function parseRoom(value: unknown): string {
  const name = parseLine(value, 'room', LIMITS.room).toLowerCase()
  if (!/^[\p{L}\p{N}][\p{L}\p{M}\p{N}_-]*$/u.test(name) || name.length > LIMITS.room) {
    throw new BadMessage('"room" must be letters and digits, with "-" and "_" between them.')
  }
  return name
}

/** One line without invisible characters, which could hide or turn around what follows them. */
function parseLine(value: unknown, field: string, limit: number): string {
  const text = parseString(value, field).replace(/\s+/gu, ' ').replace(/\p{C}/gu, '').trim()
  return bounded(text, field, limit)
}

function parseText(value: unknown): string {
  const text = parseString(value, 'text')
    .replace(/\r\n?/g, '\n')
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (char) => (char === '\n' || char === '\t' ? char : ''))
    .trim()
  return bounded(text, 'text', LIMITS.text)
}

function parseString(value: unknown, field: string): string {
  if (typeof value !== 'string') throw new BadMessage(`"${field}" must be a string, not ${show(value)}.`)
  return value.replace(LONE_SURROGATES, '\ufffd')
}

function bounded(text: string, field: string, limit: number): string {
  if (text.length === 0) throw new BadMessage(`"${field}" must not be empty.`)
  if (text.length > limit) throw new BadMessage(`"${field}" may have ${limit} characters; this has ${text.length}.`)
  return text
}

/** A value as it may stand in an error message. */
function show(value: unknown): string {
  if (value === undefined) return 'missing'
  const json = JSON.stringify(value)
  return json.length > 40 ? `${json.slice(0, 40)}…` : json
}
