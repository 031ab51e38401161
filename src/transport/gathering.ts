import { MOST_OUTGOING, type Native, type Occupant, OUTGOING } from './native-loop.ts'

let gathers = false
let loop: Native | undefined
/** Where the bytes of the writes lie that are gathered. */
let gathered: Uint8Array | undefined
let count = 0

/** From here on what is written from a slab is gathered, until `sendGathered`. The slabs are not to be written over. */
export function gatherWrites(): void {
  gathers = true
}

/** Gives the kernel all that was gathered, in one call. */
export function sendGathered(): void {
  gathers = false
  sendOutgoing()
}

/** Notes what is to be sent from a slot. @returns false, with nothing noted, when writes are not gathered now */
export function gather(native: Native, slot: number, bytes: Uint8Array, from: number, to: number): boolean {
  if (!gathers) return false
  if (bytes !== gathered || count === MOST_OUTGOING) sendOutgoing()
  loop = native
  gathered = bytes
  const at = count++ * OUTGOING
  native.outgoing[at] = slot
  native.outgoing[at + 1] = from
  native.outgoing[at + 2] = to
  return true
}

/** Sends what has been gathered so far: what is written in another way goes behind it. */
export function sendOutgoing(): void {
  if (loop === undefined || gathered === undefined) return
  const bytes = gathered
  const end = count * OUTGOING
  gathered = undefined
  count = 0
  const { occupants, outgoing } = loop
  if (loop.send(end / OUTGOING, bytes) === 0) return
  const held: Occupant[] = []
  for (let at = 0; at < end; at += OUTGOING) {
    const from = outgoing[at + 1]!
    const to = outgoing[at + 2]!
    const taken = outgoing[at + 3]!
    const occupant = occupants[outgoing[at]!]
    if (taken === to - from || occupant === undefined) continue
    occupant.keep(bytes, from, to, taken)
    held.push(occupant)
  }
  // Only now, since whoever is told may write at once.
  for (const occupant of held) occupant.tellHeld()
}
