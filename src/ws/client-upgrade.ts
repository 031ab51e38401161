import type { IncomingMessage } from 'node:http'
import { acceptKey } from '../protocol/handshake-key.ts'
import { shared } from '../socket/runtime.ts'
import { type ExtensionOffers, extension } from './extension.ts'
import { PerMessageDeflate } from './permessage-deflate.ts'

/** What a server has agreed to. */
export interface Agreed {
  protocol: string | undefined
  compresses: boolean
}

/** What was agreed on, or what is wrong with the answer. */
export function checkUpgrade(
  { headers }: IncomingMessage,
  key: string,
  protocols: ReadonlySet<string>,
  deflate: PerMessageDeflate | undefined,
): Agreed | string {
  if (headers.upgrade?.toLowerCase() !== 'websocket') return 'Invalid Upgrade header'
  if (headers['sec-websocket-accept'] !== acceptKey(key, shared.platform)) return 'Invalid Sec-WebSocket-Accept header'
  const protocol = headers['sec-websocket-protocol']
  const wrong = wrongProtocol(protocol, protocols) ?? wrongExtensions(headers['sec-websocket-extensions'], deflate)
  if (wrong !== undefined) return wrong
  return { protocol: protocol || undefined, compresses: headers['sec-websocket-extensions'] !== undefined }
}

function wrongProtocol(protocol: string | undefined, protocols: ReadonlySet<string>): string | undefined {
  if (protocol === undefined) return protocols.size > 0 ? 'Server sent no subprotocol' : undefined
  if (protocols.size === 0) return 'Server sent a subprotocol but none was requested'
  return protocols.has(protocol) ? undefined : 'Server sent an invalid subprotocol'
}

function wrongExtensions(header: string | undefined, deflate: PerMessageDeflate | undefined): string | undefined {
  if (header === undefined) return undefined
  if (deflate === undefined) return 'Server sent a Sec-WebSocket-Extensions header but no extension was requested'
  try {
    const offers: ExtensionOffers = extension.parse(header)
    const params = offers[PerMessageDeflate.extensionName]
    if (Object.keys(offers).length !== 1 || params === undefined) {
      return 'Server indicated an extension that was not requested'
    }
    deflate.accept(params)
    return undefined
  } catch {
    return 'Invalid Sec-WebSocket-Extensions header'
  }
}
