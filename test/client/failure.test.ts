import { HandshakeError } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { answerFailure, connectFailure } from '../../src/client/failure.ts'

/** An error as the system, OpenSSL or Node's HTTP parser makes it. */
function error(code: string, message = 'the original words', more: object = {}): Error {
  return Object.assign(new Error(message), { code, ...more })
}

describe('what a connection that was not opened says', () => {
  test.each([
    ['ECONNREFUSED', 'Nothing listens at x:80.'],
    ['ENOENT', 'There is no Unix socket at x:80.'],
    ['ENOTFOUND', 'x:80 cannot be found: there is no such name.'],
    ['EAI_AGAIN', 'x:80 cannot be found now: the name server does not answer.'],
    ['ETIMEDOUT', 'x:80 did not answer.'],
    ['EHOSTUNREACH', 'There is no way to x:80 in the network.'],
    ['ENETUNREACH', 'There is no way to x:80 in the network.'],
    ['EACCES', 'Connecting to x:80 is not allowed.'],
    ['EPERM', 'Connecting to x:80 is not allowed.'],
    ['ECONNRESET', 'x:80 cut the connection before it was open.'],
    ['EPIPE', 'x:80 cut the connection before it was open.'],
    ['EMFILE', 'This process has no file descriptor left for a connection to x:80 (EMFILE).'],
    ['ENFILE', 'This system has no file descriptor left for a connection to x:80 (ENFILE).'],
    ['EADDRNOTAVAIL', 'There is no port left, or no such local address, for a connection to x:80 (EADDRNOTAVAIL).'],
    ['EADDRINUSE', 'The local address has no port left for a connection to x:80 (EADDRINUSE).'],
    ['ENOPROTOOPT', 'The connection to x:80 could not be opened (ENOPROTOOPT): the original words.'],
    ['CERT_NOT_YET_VALID', 'The certificate of x:80 is not valid yet (CERT_NOT_YET_VALID). Is the clock right?'],
    ['CERT_REVOKED', 'The certificate of x:80 was revoked (CERT_REVOKED).'],
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'The certificate of x:80 was not issued by an authority that is trusted here (DEPTH_ZERO_SELF_SIGNED_CERT). If it is yours, give the issuer in tls.ca.',
    ],
    ['ERR_SSL_SOMETHING', 'The TLS handshake with x:80 failed (ERR_SSL_SOMETHING): the original words.'],
  ])('for %s', (code, message) => {
    const cause = error(code)
    const failure = connectFailure(cause, 'x:80')
    expect(failure).toBeInstanceOf(HandshakeError)
    expect(failure).toMatchObject({ code: 'CONNECT_FAILED', message, cause, status: undefined })
  })

  test('is on one line, and in the words of OpenSSL without the rest of its error', () => {
    const openssl = error('ERR_SSL_X', 'error:0A:SSL routines::some reason:../deps/ssl.c:3:\n', {
      reason: 'some reason',
    })
    expect(connectFailure(openssl, 'x').message).toBe('The TLS handshake with x failed (ERR_SSL_X): some reason.')
    expect(connectFailure(new Error('a\nb'), 'x').message).toBe('The connection to x could not be opened: a\\nb.')
    expect(connectFailure('a', 'x').message).toBe('The connection to x could not be opened: a.')
  })
})

describe('what an answer that did not come says', () => {
  test.each([
    ['ECONNRESET', 'HANDSHAKE_ABORTED', 'x:80 closed the connection before it had answered.'],
    ['EPIPE', 'HANDSHAKE_ABORTED', 'x:80 closed the connection before it had answered.'],
    ['HPE_INVALID_EOF_STATE', 'HANDSHAKE_ABORTED', 'x:80 closed the connection before it had answered.'],
    ['HPE_HEADER_OVERFLOW', 'BAD_RESPONSE', 'The headers of the answer of x:80 are longer than Node takes.'],
    ['HPE_INVALID_CONSTANT', 'BAD_RESPONSE', 'What x:80 answered is not HTTP (the original words).'],
    ['ETIMEDOUT', 'CONNECT_FAILED', 'x:80 did not answer.'],
  ])('for %s', (code, failureCode, message) => {
    const cause = error(code)
    expect(answerFailure(cause, 'x:80')).toMatchObject({ code: failureCode, message, cause })
  })
})
