const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Base64 with padding (RFC 4648 section 4), for the few bytes of a handshake key. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.length; index += 3) {
    const left = bytes.length - index
    const group = (bytes[index]! << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0)
    text += ALPHABET.charAt(group >> 18) + ALPHABET.charAt((group >> 12) & 63)
    text += left > 1 ? ALPHABET.charAt((group >> 6) & 63) : '='
    text += left > 2 ? ALPHABET.charAt(group & 63) : '='
  }
  return text
}

/**
 * What is wrong with `text` as the base64 of exactly 16 bytes, as the end of a sentence, or undefined when it is that.
 * Only what an encoder can write is taken: 22 characters, `==`, and nothing in the 4 bits that are left over.
 */
export function base64Of16Problem(text: string): string | undefined {
  if (text.length !== 24) return `it has ${text.length} characters, not 24`
  for (let index = 0; index < 22; index++) {
    if (!ALPHABET.includes(text.charAt(index))) return `character ${index + 1} is not of the base64 alphabet`
  }
  if (!text.endsWith('==')) return 'it does not end in "=="'
  if ((ALPHABET.indexOf(text.charAt(21)) & 15) !== 0) return 'its last character says more than 16 bytes can'
  return undefined
}
