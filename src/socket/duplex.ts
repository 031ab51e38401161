import { Duplex } from 'node:stream'
import { ConnectionClosedError } from '../protocol/close-info.ts'
import { asError } from './awaitable.ts'
import type { Link } from './link.ts'
import type { MessageType } from './options.ts'

/** A Node stream over a socket: each chunk written is a message, and what is read is the messages' bytes, end to end. */
export function socketDuplex(link: Link, type: MessageType): Duplex {
  const queue = link.pullQueue()
  const stream = new Duplex({
    // The queue behind it keeps one chunk; more would be held twice.
    readableHighWaterMark: 1,
    read() {
      queue.next().then(
        ({ data }) => stream.push(typeof data === 'string' ? Buffer.from(data) : data),
        (error: unknown) => {
          const info = error instanceof ConnectionClosedError ? error.info : undefined
          if (info?.wasClean && (info.code === 1000 || info.code === 1001 || info.code === 1005)) stream.push(null)
          else stream.destroy(asError(error))
        },
      )
    },
    write(chunk: Buffer, _encoding, callback) {
      // Once it is told that it was written, a chunk is the writer's own again.
      const result = link.send(Buffer.from(chunk), type)
      if (result === 'ok') callback()
      else if (result === 'slow') link.outbound.drained(undefined).then(() => callback(), callback)
      else callback(new ConnectionClosedError(link.info))
    },
    final(callback) {
      link.close(1000, '')
      if (link.info !== undefined) callback()
      else link.whenClosed.add(() => callback())
    },
    destroy(error, callback) {
      if (link.info === undefined) {
        if (error === null) link.close(1000, '')
        else link.connection.terminate('terminated', error)
      }
      callback(error)
    },
  })
  return stream
}
