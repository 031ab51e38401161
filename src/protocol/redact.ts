/**
 * What is secret never gets into what heartwire prints: it stands there as `***`. Programs still get everything.
 *
 * Nobody can know every secret. These are the ones with a form of their own: credentials and the query of a URL, the
 * headers that carry them, tokens behind their scheme (`Bearer`, `Basic`), JSON Web Tokens, and what is named as one.
 */
export const REDACTED = '***'

/** Names of values that are secret, as they stand in headers, cookies, forms and JSON. */
const SECRET_NAME =
  /pass(?:w(?:or)?d|phrase|code)|pwd|secret|token|bearer|jwt|(?:api|access|private|signing)[-_ ]?key|session|credential|authorization|cookie|signature|(?:^|[-_.])(?:auth|otp|sid|sig)$/i

/** Whether a value by this name, a header or a key, is secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

// Each of these takes time in proportion to the text, whatever a peer wrote.

/** The user and the password of a URL. */
const USER_INFO = /\/\/[^\s/?#"'<>]*@/g
/** A query, with or without a URL before it. */
const QUERY = /\?[^\s"'<>]+/g
/** A header that carries credentials: all of its line, unless it is quoted, as in JSON. */
const HEADER = /((?:proxy-)?authorization|(?:set-)?cookie2?)(\s{0,8}[:=]\s{0,8})(?![\s"'[{\\])[^\r\n]+/gi
/** A token behind its scheme; the words that follow one in a sentence are none. */
const SCHEME = /(?<![\w-])(bearer|basic)([ \t]{1,8}(?!(?:tokens?|auth\w*|realm)\b)|\.)[^\s"',;\\]+/gi
/** A JSON Web Token, whole or cut off: it begins with the base64 of `{"`. */
const JSON_WEB_TOKEN = /(?<![\w-])eyJ[\w-]{8,}(?:\.[\w-]*)*/g
/** A name in front of its value, as a form, a cookie, JSON or a program writes it. */
const NAME = /(?<![\w.-])((?:(?:api|access|private) )?[\w.-]+)\\{0,8}["']?\s{0,8}[:=]\s{0,8}/gi
/** A value that is not a list or an object: quoted, also within a string that is quoted itself, or a word. */
const VALUE = /\\{0,8}"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s,;&"'(){}[\]]+/sy

/** A text without what is secret in it. */
export function redact(text: string): string {
  const plain = text
    .replace(USER_INFO, `//${REDACTED}@`)
    .replace(HEADER, `$1$2${REDACTED}`)
    .replace(SCHEME, `$1$2${REDACTED}`)
    .replace(JSON_WEB_TOKEN, REDACTED)
  return redactNamed(plain).replace(QUERY, `?${REDACTED}`)
}

function redactNamed(text: string): string {
  let redacted = ''
  let from = 0
  NAME.lastIndex = 0
  for (let found = NAME.exec(text); found !== null; found = NAME.exec(text)) {
    if (!isSecretName(found[1]!)) continue
    const start = NAME.lastIndex
    const end = endOfValue(text, start)
    if (end === start) continue
    redacted += text.slice(from, start) + REDACTED
    from = end
    NAME.lastIndex = end
  }
  return redacted + text.slice(from)
}

function endOfValue(text: string, start: number): number {
  let depth = 0
  let at = start
  do {
    const char = text[at]
    if (char === '{' || char === '[') depth++
    else if (char === '}' || char === ']') depth--
    VALUE.lastIndex = at
    if (VALUE.test(text)) at = VALUE.lastIndex
    else if (depth > 0 || at > start) at++
    else break
  } while (depth > 0 && at < text.length)
  return at
}

/** Headers for people: by their names, without what is secret in their values. */
export function redactHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Record<string, string | string[]> {
  const shown: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    const show = isSecretName(name) ? () => REDACTED : redact
    shown[name] = typeof value === 'string' ? show(value) : value.map(show)
  }
  return shown
}
