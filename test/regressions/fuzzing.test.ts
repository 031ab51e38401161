import { Duplex } from 'node:stream'
import { ArgumentError, connect, HandshakeError } from 'heartwire'
import { expect, onTestFinished, test, vi } from 'vitest'

// What `npm run fuzz` has found. Each test is named for the fault that it keeps out.

/** A stream to a server that answers with this at once, and ends. */
function answering(answer: string): Duplex {
  return new Duplex({
    read() {},
    write(_chunk, _encoding, callback) {
      this.push(answer)
      this.push(null)
      callback()
    },
  })
}

test('a body that is waited for though the stream has closed already', async () => {
  // Only a timer would end the wait.
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const stream = answering('HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\nhi')
  const error = await connect('ws://server.example', { createConnection: () => stream }).catch((error) => error)
  expect(error).toBeInstanceOf(HandshakeError)
  expect(error).toMatchObject({ code: 'UNEXPECTED_STATUS', status: 404 })
})

test.each([
  ['slashes alone', '/'.repeat(300_000)],
  ['what a URL takes for slashes', `foo:${'\\'.repeat(300_000)}`],
])('a URL in a sentence that takes time by the square of its length: %s', async (_, url) => {
  // It would take minutes.
  expect(await connect(url).catch((error) => error)).toBeInstanceOf(ArgumentError)
})
