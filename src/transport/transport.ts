import type { ConnectionWire } from '../protocol/connection.ts'

/** What a transport tells the connection above it. */
export interface TransportSink {
  /** Bytes have come in. They are the sink's to write to until this returns, and no longer its own after that. */
  onData(chunk: Uint8Array): void
  /** The transport goes on with a `write` that returned false: the peer's side has taken part of it. */
  onProgress(): void
  /** The transport has let go of what a `write` that returned false was given. */
  onWritten(): void
  /** The transport holds so many bytes after all of what it took by `gather`: as after a `write` that returned false. */
  onHeld?(length: number): void
  /** The peer has ended its direction in good order (FIN, END_STREAM). */
  onEnd(): void
  /** The transport is gone. Called exactly once; `reset` tells a reset (RST, RST_STREAM) from an end. */
  onClose(reset: boolean, error: Error | undefined): void
}

/** A reliable stream of bytes in both directions. It reads nothing before `start`. */
export interface Transport extends ConnectionWire {
  /** Gives everything that happens from here on to the sink, and starts to read. */
  start(sink: TransportSink): void
  /** Stops reading, so that the peer is held back. What has been read already may still come in. */
  pause(): void
  resume(): void
  readonly remoteAddress: string | undefined
}

const RESETS = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])

/** Whether the system's error says that the peer reset the connection. */
export function isReset(error: Error | undefined): boolean {
  return error !== undefined && RESETS.has((error as NodeJS.ErrnoException).code ?? '')
}
