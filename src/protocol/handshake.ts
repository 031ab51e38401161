/** The opening handshake (RFC 6455 section 4), for both roles. */
export {
  type Agreement,
  type ClientOffer,
  checkUpgradeResponse,
  type ResponseHead,
  requestHeaders,
} from './client-handshake.ts'
export { acceptKey, createKey } from './handshake-key.ts'
export { HeaderFields, type HeaderLine, type OutgoingHeaders } from './headers.ts'
export {
  type Acceptance,
  type Refusal,
  reasonPhrase,
  refusalResponse,
  requestHeaderLines,
  responseHead,
} from './response.ts'
export { checkUpgradeRequest, type RequestHead, type UpgradeOffer } from './server-handshake.ts'
export { checkChosenSubprotocol, checkSubprotocols, chooseSubprotocol } from './subprotocol.ts'
