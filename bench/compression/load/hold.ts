/** Connections that have exchanged messages and stay open. */
import type { Command } from '../commands.ts'
import { readAgreement } from './agreement.ts'
import { frames } from './deflated.ts'
import { unlessStalled } from './echo.ts'
import { Peer } from './peer.ts'
import { take } from './prepared.ts'

export type HoldCommand = Extract<Command, { do: 'hold' }>

/** Connections that exchange messages at the same time: what a burst of them leaves behind is not what they hold. */
const AT_ONCE = 50

/**
 * Opens connections one by one, each of which exchanges its messages and is then idle.
 *
 * @param first the number of the first: each has messages of its own.
 * @returns them, and the extensions they agreed on.
 * @throws {Error} when the server breaks a rule, ends a connection or stops answering.
 */
export async function hold(command: HoldCommand, first: number): Promise<{ peers: Peer[]; agreed: string }> {
  const peers: Peer[] = []
  let agreed: string | undefined
  let fail = (_error: Error): void => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  const work = async (): Promise<void> => {
    while (peers.length < command.connections) {
      let done = (): void => {}
      const exchanged = new Promise<void>((resolve) => {
        done = resolve
      })
      const peer = new Peer(
        first + peers.length,
        { answer() {}, done: () => done(), failed: (error) => fail(error) },
        undefined,
      )
      peers.push(peer)
      agreed = await peer.open(command.port)
      const texts = take(command.bytes, command.seed, peer.number, command.messages)
      peer.start(await frames(texts, readAgreement(agreed)))
      await exchanged
    }
  }
  const all = Promise.all(Array.from({ length: AT_ONCE }, work))
  await unlessStalled(Promise.race([all, failed]), () => peers.length)
  return { peers, agreed: agreed ?? '' }
}
