/**
 * A URL as WebSocket has it: absolute, and of its schemes.
 * @throws DOMException `SyntaxError` when it is none
 */
export function resolveUrl(url: string | URL): string {
  const { location } = globalThis as { location?: { href: string } }
  let href = ''
  try {
    href = new URL(url, location?.href).href.replace(/^http/, 'ws')
  } catch {}
  if (!/^wss?:/.test(href)) throw new DOMException('That is no URL of a WebSocket.', 'SyntaxError')
  return href
}

/**
 * What WebSocket says of these arguments, which there may be none of to ask.
 * @throws DOMException `InvalidAccessError` for a code other than 1000 and 3000 to 4999, `SyntaxError` for a reason of more than 123 bytes
 */
export function checkClose(code: number | undefined, reason: string): void {
  if (code !== undefined && code !== 1000 && !(code >= 3000 && code < 5000)) {
    throw new DOMException('The code of a close is 1000, or 3000 to 4999.', 'InvalidAccessError')
  }
  if (new TextEncoder().encode(reason).length > 123) {
    throw new DOMException('The reason of a close has at most 123 bytes.', 'SyntaxError')
  }
}
