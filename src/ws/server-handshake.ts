import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { type ExtensionParams, extension } from './extension.ts'
import { PerMessageDeflate, type PerMessageDeflateOptions } from './permessage-deflate.ts'
import { subprotocol } from './subprotocol.ts'

/** What a client asks for. */
export interface Asked {
  key: string
  protocols: Set<string>
  deflate: PerMessageDeflate | undefined
}

/** Why a request is no handshake that can be answered. */
export interface Refused {
  status: number
  message: string
  headers?: OutgoingHttpHeaders
}

/** Sixteen bytes as base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/

/** What is wrong with the request itself; undefined where nothing is. */
export function wrongRequest({ method, headers }: IncomingMessage): Refused | undefined {
  if (method !== 'GET') return { status: 405, message: 'Invalid HTTP method' }
  if (headers.upgrade?.toLowerCase() !== 'websocket') return { status: 400, message: 'Invalid Upgrade header' }
  const key = headers['sec-websocket-key']
  if (key === undefined || !KEY.test(key)) {
    return { status: 400, message: 'Missing or invalid Sec-WebSocket-Key header' }
  }
  const version = Number(headers['sec-websocket-version'])
  if (version === 13 || version === 8) return undefined
  return {
    status: 400,
    message: 'Missing or invalid Sec-WebSocket-Version header',
    headers: { 'Sec-WebSocket-Version': '13, 8' },
  }
}

/** Reads what is asked for beside a connection. */
export function readAsked(
  { headers }: IncomingMessage,
  compression: boolean | PerMessageDeflateOptions | undefined,
): Asked | Refused {
  const asked: Asked = { key: headers['sec-websocket-key'] ?? '', protocols: new Set(), deflate: undefined }
  const protocols = headers['sec-websocket-protocol']
  try {
    if (protocols !== undefined) asked.protocols = subprotocol.parse(protocols)
  } catch {
    return { status: 400, message: 'Invalid Sec-WebSocket-Protocol header' }
  }
  const offers = headers['sec-websocket-extensions']
  if (!compression || offers === undefined) return asked
  try {
    const params: ExtensionParams[] | undefined = extension.parse(offers)[PerMessageDeflate.extensionName]
    if (params === undefined) return asked
    const deflate = new PerMessageDeflate({ ...(compression === true ? {} : compression), isServer: true })
    deflate.accept(params)
    return { ...asked, deflate }
  } catch {
    return { status: 400, message: 'Invalid or unacceptable Sec-WebSocket-Extensions header' }
  }
}

/** The value of the Origin header, which had another name in version 8. */
export function originOf({ headers }: IncomingMessage): string {
  const name = Number(headers['sec-websocket-version']) === 8 ? 'sec-websocket-origin' : 'origin'
  return headers[name] as string
}
