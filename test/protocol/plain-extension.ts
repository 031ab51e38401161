import type { Extension, ExtensionParameters } from '../../src/protocol/extension-negotiation.ts'

/** An extension that takes whatever parameters it is sent, but for those with `no` among them. */
export function plainExtension(
  name: string,
  offers: ExtensionParameters[] = [[]],
  reservedBits = 0,
): Extension<ExtensionParameters> {
  const good = (parameters: ExtensionParameters) => parameters.every(([key]) => key !== 'no')
  return {
    name,
    reservedBits,
    offers,
    accept: (offer) => (good(offer) ? { answer: [...offer, ['taken', true]], agreed: offer } : undefined),
    confirm(answer, made, refuse) {
      if (!good(answer)) throw refuse(`says no to ${made.length} offers`)
      return answer
    },
  }
}
