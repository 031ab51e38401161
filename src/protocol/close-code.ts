/** Close codes as the IANA registry has them (RFC 6455 section 7.4.1 and the registry that follows it). */
export const CloseCode = {
  NormalClosure: 1000,
  GoingAway: 1001,
  ProtocolError: 1002,
  UnsupportedData: 1003,
  /** Reported, never sent: the Close frame had no code. */
  NoStatusReceived: 1005,
  /** Reported, never sent: the connection ended without a Close frame. */
  AbnormalClosure: 1006,
  InvalidFramePayloadData: 1007,
  PolicyViolation: 1008,
  MessageTooBig: 1009,
  MandatoryExtension: 1010,
  InternalError: 1011,
  ServiceRestart: 1012,
  TryAgainLater: 1013,
  BadGateway: 1014,
  /** Reported, never sent: the TLS handshake failed. */
  TLSHandshake: 1015,
} as const

const NAMES: Readonly<Record<number, string>> = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1005: 'no status received',
  1006: 'abnormal closure',
  1007: 'invalid frame payload data',
  1008: 'policy violation',
  1009: 'message too big',
  1010: 'mandatory extension',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
  1014: 'bad gateway',
  1015: 'TLS handshake',
}

/** The registry's name of a close code, `application code` for 4000 to 4999, `registered code` for 3000 to 3999. */
export function closeCodeName(code: number): string {
  if (code >= 4000 && code <= 4999) return 'application code'
  if (code >= 3000 && code <= 3999) return 'registered code'
  return NAMES[code] ?? 'unassigned code'
}

/** Whether a code may stand in a Close frame: 1000 to 1003, 1007 to 1014, 3000 to 4999 (RFC 6455 section 7.4). */
export function isSendableCloseCode(code: number): boolean {
  return (
    Number.isInteger(code) &&
    ((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999))
  )
}
