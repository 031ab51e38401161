import { Duplex, type DuplexOptions } from 'node:stream'
import type { WebSocket } from './web-socket.ts'

/**
 * A stream of what comes over a WebSocket and for what goes: each chunk that is written is a message. It ends the
 * WebSocket when it is destroyed, with an error or without.
 * @param options of the Duplex; with `readableObjectMode` texts come as strings
 */
export function createWebSocketStream(ws: WebSocket, options?: DuplexOptions): Duplex {
  let terminates = true

  const duplex = new Duplex({
    ...options,
    autoDestroy: false,
    emitClose: false,
    objectMode: false,
    writableObjectMode: false,
    read() {
      if (ws.isPaused) ws.resume()
    },
    write(chunk, _encoding, callback) {
      whenOpen(() => ws.send(chunk, callback))
    },
    final(callback) {
      whenOpen(() => end(callback))
    },
    destroy(error, callback) {
      if (ws.readyState === ws.CLOSED) {
        callback(error)
        process.nextTick(() => duplex.emit('close'))
        return
      }
      let told = false
      ws.once('error', (why: Error) => {
        told = true
        callback(why)
      })
      ws.once('close', () => {
        if (!told) callback(error)
        process.nextTick(() => duplex.emit('close'))
      })
      if (terminates) ws.terminate()
    },
  })

  function whenOpen(then: () => void): void {
    if (ws.readyState === ws.CONNECTING) ws.once('open', then)
    else then()
  }

  /** Closes the WebSocket, and waits until the last that it sends is on its way. */
  function end(callback: () => void): void {
    const socket = ws._socket
    // It never had one: the handshake failed, or it is about to.
    if (socket === null) return
    if (socket.writableFinished) {
      callback()
      if (duplex.readableEnded) duplex.destroy()
      return
    }
    socket.once('finish', () => callback())
    ws.close()
  }

  const destroyIfEnded = () => {
    if (!duplex.destroyed && duplex.readableEnded && duplex.writableFinished) duplex.destroy()
  }
  duplex.on('end', destroyIfEnded)
  duplex.on('finish', destroyIfEnded)
  duplex.on('error', function onError(error: Error) {
    duplex.removeListener('error', onError)
    duplex.destroy()
    // Nobody else listens: it is not to be swallowed.
    if (duplex.listenerCount('error') === 0) duplex.emit('error', error)
  })

  ws.on('message', (message: Buffer, isBinary: boolean) => {
    const chunk = !isBinary && duplex.readableObjectMode ? message.toString() : message
    if (!duplex.push(chunk)) ws.pause()
  })
  ws.once('error', (error: Error) => {
    if (duplex.destroyed) return
    // What failed is not to be reset as well.
    terminates = false
    duplex.destroy(error)
  })
  ws.once('close', () => {
    if (!duplex.destroyed) duplex.push(null)
  })
  return duplex
}
