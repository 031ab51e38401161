/** What client and server agreed on in the handshake (RFC 7692 section 7.1), as far as it concerns the load. */

/** As browsers offer it. */
export const OFFER = 'permessage-deflate; client_max_window_bits'

export interface Agreement {
  /** What went before is the context of a message: of those of the client, and of those of the server. */
  clientTakeover: boolean
  serverTakeover: boolean
  /** The client's window is 2 to the power of this, in bytes: 9 to 15. */
  clientWindowBits: number
}

/**
 * @returns `undefined` when nothing is compressed.
 * @throws {Error} when the server agreed to what was not offered, or to what zlib cannot do.
 */
export function readAgreement(header: string | undefined): Agreement | undefined {
  if (header === undefined) return undefined
  const [name, ...parameters] = header.split(';').map((part) => part.trim().toLowerCase())
  const wrong = () => new Error(`the server answered the offer with "${header}"`)
  if (name !== 'permessage-deflate') throw wrong()
  const agreement: Agreement = { clientTakeover: true, serverTakeover: true, clientWindowBits: 15 }
  for (const parameter of parameters) {
    const [key, value] = parameter.split('=').map((part) => part.trim().replace(/^"(.*)"$/, '$1'))
    if (key === 'client_no_context_takeover' && value === undefined) agreement.clientTakeover = false
    else if (key === 'server_no_context_takeover' && value === undefined) agreement.serverTakeover = false
    else if (key === 'client_max_window_bits' && /^(9|1[0-5])$/.test(value ?? '')) {
      agreement.clientWindowBits = Number(value)
      // An inflater with the largest window reads what was compressed with any.
    } else if (key !== 'server_max_window_bits' || !/^([89]|1[0-5])$/.test(value ?? '')) throw wrong()
  }
  return agreement
}
