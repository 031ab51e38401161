export { Written } from './batch.ts'
/** RFC 6455 as pure code: no socket, no timer, nothing of Node's. It runs in browsers and workers as it is. */
export { CloseCode, closeCodeName, isSendableCloseCode } from './close-code.ts'
export { type CloseCause, type CloseInfo, ConnectionClosedError, describeClose } from './close-info.ts'
export { encodeClosePayload } from './close-payload.ts'
export {
  CLOSING_TIMEOUT,
  Connection,
  type ConnectionOptions,
  type ConnectionSink,
  type ConnectionState,
  type ConnectionWire,
  LINGER_TIMEOUT,
} from './connection.ts'
export {
  ArgumentError,
  type Evidence,
  HandshakeError,
  type HandshakeErrorCode,
  HeartbeatError,
  HeartwireError,
  ProtocolError,
  RULES,
  type RuleCode,
  type Side,
  SlowConsumerError,
  TimeoutError,
} from './error.ts'
export { explainFrame } from './explain.ts'
export { type ExtensionOffer, formatExtensions, parseExtensions } from './extension.ts'
export {
  type AcceptedExtensions,
  type AcceptedOffer,
  type AgreedExtension,
  acceptExtensions,
  confirmExtensions,
  type Extension,
  type ExtensionParameters,
  offeredExtensions,
} from './extension-negotiation.ts'
export {
  decodeFrame,
  decodeFrameHeader,
  encodeFrame,
  encodeFrameHeader,
  type Frame,
  type FrameFields,
  type FrameHeader,
} from './frame.ts'
export * from './handshake.ts'
export { MaskKeySource } from './mask-key-source.ts'
export type { DecodeFailure, MessageCodec, MessageDecoder, MessageEncoder } from './message-codec.ts'
export { isControl, Opcode, opcodeName } from './opcode.ts'
export { type DeflateParameters, permessageDeflate } from './permessage-deflate.ts'
export type { Platform } from './platform.ts'
export { portablePlatform } from './portable.ts'
export { type MessageData, PreparedMessage, prepareMessage } from './prepared.ts'
export { type FrameListener, Receiver, type ReceiverOptions, type ReceiverSink } from './receiver.ts'
export type { Sendable } from './send-queue.ts'
export { Sender, type SenderShared, type SentFrameListener, type Wire } from './sender.ts'
export { type Slab, SlabPool } from './slab.ts'
