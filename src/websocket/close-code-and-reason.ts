const MAX_REASON = 123

/**
 * Checks what a Close frame is to carry ("validate close code and reason").
 * @throws DOMException `InvalidAccessError` for a code other than 1000 and 3000 to 4999, `SyntaxError` for a reason of
 * more than 123 bytes of UTF-8
 */
export function checkCloseCodeAndReason(code: number | undefined, reason: string): void {
  if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
    throw new DOMException(`The close code is 1000 or one from 3000 to 4999, not ${code}.`, 'InvalidAccessError')
  }
  const length = Buffer.byteLength(reason)
  if (length > MAX_REASON) {
    throw new DOMException(
      `The close reason takes ${length} bytes of UTF-8, more than the ${MAX_REASON} that fit a Close frame.`,
      'SyntaxError',
    )
  }
}

/** The code to send: a reason is always behind one. Undefined for a Close frame without a body. */
export function codeFor(code: number | undefined, reason: string): number | undefined {
  return code === undefined && reason !== '' ? 1000 : code
}
