export { connect } from './client/connect.ts'
export type { TlsOptions } from './client/dial.ts'
export type { ConnectOptions } from './client/options.ts'
export type { CreateConnection, StreamRequest } from './client/stream.ts'
export type { CompressionMode, CompressionOptions } from './compression/settings.ts'
export type { HeartbeatSettings } from './liveness/heartbeat.ts'
export { CloseCode, closeCodeName } from './protocol/close-code.ts'
export { type CloseCause, type CloseInfo, ConnectionClosedError, describeClose } from './protocol/close-info.ts'
export type { ConnectionState } from './protocol/connection.ts'
export {
  ArgumentError,
  HandshakeError,
  type HandshakeErrorCode,
  HeartbeatError,
  HeartwireError,
  ProtocolError,
  RateLimitError,
  type RuleCode,
  type Side,
  SlowConsumerError,
  TimeoutError,
} from './protocol/error.ts'
export { explainFrame } from './protocol/explain.ts'
export type { OutgoingHeaders } from './protocol/headers.ts'
export { Opcode, opcodeName } from './protocol/opcode.ts'
export type { MessageData, PreparedMessage } from './protocol/prepared.ts'
export type { CloseOptions, CloseReport } from './server/closing.ts'
export { handleSignals, type SignalOptions } from './server/handle-signals.ts'
export type { ServerLimits } from './server/limits.ts'
export type { Listening, ListenOptions } from './server/listener.ts'
export type { OriginRule } from './server/origin.ts'
export type { RefusalReason } from './server/refusals.ts'
export type { RouteOptions, ServerOptions, UpgradeResponse } from './server/route.ts'
export { type AttachOptions, createServer, type Server } from './server/server.ts'
export type { RoundTrips, ServerStats } from './server/stats.ts'
export type { TraceOptions, TraceResult } from './server/trace.ts'
export { UpgradeRejected } from './server/upgrade-rejected.ts'
export type { UpgradeRequest } from './server/upgrade-request.ts'
export type { DiagnosticsEvents } from './socket/diagnostics.ts'
export type { Limits, Overflow } from './socket/limits.ts'
export type { ReceiveOptions } from './socket/message-queue.ts'
export type { MessageStream } from './socket/message-stream.ts'
export type { ObservedFrame } from './socket/observed-frame.ts'
export type {
  AutoResponse,
  DroppedMessage,
  DropReason,
  Handlers,
  MessageType,
  SocketOptions,
} from './socket/options.ts'
export type { SendResult } from './socket/outbound.ts'
export type { OverRate, RateLimit } from './socket/rate-limit.ts'
export { type SendBudget, sendBudget } from './socket/send-budget.ts'
export type { PublishOptions, ServerSocket } from './socket/server-socket.ts'
export { prepare, type SendOptions, type Socket, type SocketCounts } from './socket/socket.ts'
export type { TransportOption } from './transport/choice.ts'
