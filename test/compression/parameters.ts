import { deflateCodec } from '../../src/compression/codec.ts'
import type { Engine } from '../../src/compression/engine.ts'
import { type CompressionOptions, NO_COMPRESSION, resolveCompression } from '../../src/compression/settings.ts'
import type { Side } from '../../src/protocol/error.ts'
import type { MessageCodec } from '../../src/protocol/message-codec.ts'
import type { DeflateParameters } from '../../src/protocol/permessage-deflate.ts'

export const TAKEOVER: DeflateParameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
}
export const ALONE: DeflateParameters = { ...TAKEOVER, serverNoContextTakeover: true, clientNoContextTakeover: true }

/** One end's codec, which compresses everything unless told otherwise. */
export function codecOf(
  engine: Engine,
  { agreed = TAKEOVER, side = 'server', ...options }: Partial<CompressionOptions> & Agreement = {},
): MessageCodec {
  const settings = resolveCompression({ mode: 'takeover', threshold: 0, windowBits: 15, ...options }, NO_COMPRESSION)
  return deflateCodec(settings, agreed, side, engine)
}

interface Agreement {
  agreed?: DeflateParameters
  side?: Side
}
