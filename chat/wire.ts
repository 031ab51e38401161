/**
 * What the page and the server say to each other: JSON in text messages. Both sides compile against this file.
 *
 * A page holds two connections. On `/chat` it is a member of a room. On `/lab` it looks at its own first connection
 * from outside, and breaks the network underneath it; no fault ever touches the second one.
 */

/** Limits of what people may type, in UTF-16 code units. */
export const LIMITS = { name: 24, room: 24, text: 1000 } as const

/** How many entries of a room are kept for those who come later. */
export const HISTORY = 50

/** How many bytes of a frame's payload the frame log shows. */
export const PAYLOAD_SHOWN = 64

/** What can be wrong with the network under a connection. */
export const FAULTS = ['silent', 'stalled', 'cut'] as const
export type Fault = (typeof FAULTS)[number]

/** `/chat`, from the page. `join` is also how a member moves to another room or takes another name. */
export type Request = { type: 'join'; room: string; name: string } | { type: 'say'; text: string }

export interface Member {
  id: string
  name: string
}

/** A line of a room's history. `n` counts up within the room. */
export interface Entry {
  n: number
  /** Milliseconds since 1970. */
  at: number
  kind: 'say' | 'join' | 'leave' | 'death' | 'rename'
  /** The member who did it. */
  from: string
  name: string
  /** What was said; for the other kinds, a sentence that tells what happened. */
  text: string
}

/** Heartbeat of a chat connection, in milliseconds. */
export interface Heartbeat {
  interval: number
  timeout: number
}

/** A member's connection just now. */
export interface Pulse {
  id: string
  /** Round-trip time in milliseconds; null before the first pong. */
  roundTrip: number | null
  /** Milliseconds since the last frame of this member arrived. */
  quiet: number
}

export interface RoomSize {
  name: string
  members: number
}

/** `/chat`, from the server. */
export type Notice =
  | {
      type: 'welcome'
      you: Member
      room: string
      /** Differs when the room was begun anew, so that its entries count from 1 again. */
      epoch: string
      entries: Entry[]
      members: Member[]
      pulses: Pulse[]
      rooms: RoomSize[]
      heartbeat: Heartbeat
      /** Opens `/lab` for this connection. */
      token: string
    }
  | { type: 'entry'; entry: Entry; members?: Member[] }
  | { type: 'pulse'; members: Pulse[]; rooms: RoomSize[] }
  | { type: 'error'; message: string }

/** `/lab`, from the page. */
export interface LabRequest {
  type: 'fault'
  fault: Fault | null
}

/** A frame as it was on the wire of the page's chat connection. */
export interface LoggedFrame {
  n: number
  /** Milliseconds since 1970. */
  at: number
  /** Seen from the server, `in` is what the page sent. */
  direction: 'in' | 'out'
  opcode: number
  fin: boolean
  /** Payload length in bytes. */
  length: number
  /** The header and the first bytes of the payload, in hexadecimal; masked as they were on the wire. */
  bytes: string
}

/** `/lab`, from the server. */
export type LabNotice =
  | { type: 'frames'; frames: LoggedFrame[] }
  | {
      type: 'fault'
      fault: Fault | null
      /** Milliseconds from now until the others see the death, if nothing arrives before; null without a fault. */
      deadIn: number | null
      /** Milliseconds that the countdown takes from the last frame that arrived. */
      patience: number
      /** Bytes that wait to be taken by the page. */
      waiting: number
    }
  | {
      type: 'dead'
      /** What the others were told. */
      text: string
      /** Milliseconds from the fault to the death; null when no fault was on. */
      after: number | null
    }
  | { type: 'error'; message: string }
