/** What a platform may do better than portable code. Node's is in `src/platform/node.ts`. */
export interface Platform {
  /** New memory that belongs to the caller; its contents are undefined. */
  allocate(length: number): Uint8Array
  /** Fills the bytes from a cryptographically strong source (RFC 6455 section 10.3). */
  randomFill(bytes: Uint8Array): void
  sha1(bytes: Uint8Array): Uint8Array
  /** Masks or unmasks `source` from `start` to `end` into `target` at `at` (RFC 6455 section 5.3). The two must not overlap. */
  maskCopy(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number, key: number): void
  /** Masks or unmasks where it lies, and tells whether all the resulting bytes are ASCII. */
  maskInPlace(bytes: Uint8Array, start: number, end: number, key: number): boolean
  /** Number of bytes that `text` takes as UTF-8; a lone surrogate counts as U+FFFD. */
  utf8Length(text: string): number
  /** Writes `text` as UTF-8 at `offset`, where there is room for it, and returns the number of bytes. */
  utf8Write(target: Uint8Array, offset: number, text: string): number
  /** Writes a text that is known to be ASCII at `offset`, where there is room for it. */
  asciiWrite(target: Uint8Array, offset: number, text: string): void
  /** Decodes bytes that are known to be valid UTF-8. A leading byte order mark is kept. */
  utf8Decode(bytes: Uint8Array, start: number, end: number): string
  /** Decodes bytes that are known to be ASCII. */
  asciiDecode(bytes: Uint8Array, start: number, end: number): string
  /** Whether all bytes are below 0x80. */
  isAscii(bytes: Uint8Array, start: number, end: number): boolean
  /** Whether the bytes are well-formed UTF-8. */
  isUtf8(bytes: Uint8Array, start: number, end: number): boolean
}
