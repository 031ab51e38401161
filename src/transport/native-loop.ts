import { type Addon, findAddon, type NativeLoop } from './addon.ts'

/** Room for four reads of the largest size. What comes in beyond that in one turn is delivered in several calls. */
const ARENA_SIZE = 256 * 1024
const MOST_RECORDS = 4096
/** Numbers of a record: the slot; where the bytes begin, or what else happened; the number of bytes, or of the error. */
const RECORD = 3
/** What a record tells beside bytes. */
export const Happened = { End: -1, Error: -2, Writable: -3, Request: -4, Stranger: -5 } as const

/** Writes that can be gathered for one call. */
export const MOST_OUTGOING = 1024
/** Numbers of one: the slot; from where to where; how many bytes were taken. */
export const OUTGOING = 4

/** Who has a slot. */
export interface Occupant {
  /** Bytes have come, or what else the record says. */
  happened(what: number, length: number): void
  /** Of bytes that were gathered only so many were taken, or a negative number tells of an error. */
  keep(bytes: Uint8Array, from: number, to: number, taken: number): void
  /** All that was gathered has been kept or sent. */
  tellHeld(): void
}

/**
 * What a listener does with those who come: with one that begins with a request, of which this is the head, and with any other.
 * The bytes are there until it returns.
 */
export type Visit = (slot: number, head: Uint8Array | undefined) => void

/** The addon, with the memory that it shares with this thread. No view of it is given to anyone who might keep it. */
export interface Native extends NativeLoop {
  arena: Uint8Array
  addon: Addon
  outgoing: Int32Array
  /** By slot. */
  occupants: (Occupant | undefined)[]
  /** By the listener's id. */
  visits: Map<number, Visit>
}

let native: Native | undefined

/** That of this thread; undefined without the addon. */
export function nativeOfThread(): Native | undefined {
  native ??= openNative()
  return native
}

function openNative(): Native | undefined {
  const { addon } = findAddon()
  if (addon === undefined) return undefined
  const arena = new Uint8Array(ARENA_SIZE)
  const records = new Int32Array(MOST_RECORDS * RECORD)
  const outgoing = new Int32Array(MOST_OUTGOING * OUTGOING)
  const occupants: Native['occupants'] = []
  const visits: Native['visits'] = new Map()
  const onTurn = (count: number) => {
    for (let at = 0; at < count * RECORD; at += RECORD) {
      const slot = records[at]!
      const what = records[at + 1]!
      const length = records[at + 2]!
      try {
        // None when it was closed by what happened to another.
        if (what > Happened.Request) occupants[slot]?.happened(what, length)
        else if (what === Happened.Stranger) visits.get(length)?.(slot, undefined)
        else {
          at += RECORD
          visits.get(length)?.(slot, new Uint8Array(arena.buffer, records[at + 1], records[at + 2]))
        }
      } catch (error) {
        // As from a callback of Node's own; what happened to the others is told all the same.
        process.nextTick(rethrow, error)
      }
    }
  }
  return { ...addon.open(arena, records, outgoing, onTurn), arena, addon, outgoing, occupants, visits }
}

function rethrow(error: unknown): never {
  throw error
}
