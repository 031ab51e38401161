import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import { getSystemErrorMap } from 'node:util'
import { NativeTransport } from './native.ts'
import { type Native, nativeOfThread } from './native-loop.ts'

/** What a listener does with those who come. */
export interface NativeHost {
  /** One begins with a request. It has to be taken or given before this returns. */
  request(head: Uint8Array, visitor: Visitor): void
  /** One begins with something else, or with nothing: it is for Node. */
  stranger(stream: Socket): void
}

/** A connection that has been accepted, and of which nothing has been read. */
export class Visitor {
  private readonly native: Native
  private readonly slot: number

  constructor(native: Native, slot: number) {
    this.native = native
    this.slot = slot
  }

  /** @param read how many of its bytes have been made use of */
  take(read: number): NativeTransport {
    return NativeTransport.ofVisitor(this.native, this.slot, read)
  }

  /** A stream of Node's; undefined when it is gone. */
  give(): Socket | undefined {
    return streamOf(this.native.give(this.slot))
  }
}

/** A port on which the addon accepts. */
export class NativeListener {
  readonly address: string
  readonly port: number
  private readonly native: Native
  private readonly id: number

  /**
   * @param address of IPv4 or IPv6; default all addresses
   * @param patience milliseconds for which one who comes may be silent, up to twice that
   * @throws what the system says, in the words of Node's `listen`
   */
  constructor(
    {
      address,
      port,
      backlog,
      patience,
    }: { address: string | undefined; port: number; backlog: number; patience: number },
    host: NativeHost,
  ) {
    const native = nativeOfThread()
    if (native === undefined) throw new Error('There is no native addon.')
    this.native = native
    let where = address ?? '::'
    let id = native.listen(where, port, backlog, patience)
    if (address === undefined && id < 0 && native.addon.errorName(id) !== 'EADDRINUSE') {
      // There is no IPv6 here.
      where = '0.0.0.0'
      id = native.listen(where, port, backlog, patience)
    }
    if (id < 0) throw listenError(id, where, port)
    this.id = id
    ;[this.address, this.port] = native.bound(id) ?? [where, port]
    native.visits.set(id, (slot, head) => {
      if (head !== undefined) return host.request(head, new Visitor(native, slot))
      const stream = streamOf(native.give(slot))
      if (stream !== undefined) host.stranger(stream)
    })
  }

  /** Gives up the port. Those who have come and of whom nothing has been told, as streams of Node's. */
  close(): Socket[] {
    const left = this.native.unlisten(this.id)
    this.native.visits.delete(this.id)
    return left.map(streamOf).filter((stream) => stream !== undefined)
  }

  /** Takes the file descriptor in reserve again, by which it cuts those for whom there is none, where it was lost. */
  restoreReserve(): void {
    this.native.restore(this.id)
  }
}

function streamOf(fd: number): Socket | undefined {
  if (fd < 0) return undefined
  try {
    // As Node's own servers make them.
    return new Socket({ fd, readable: true, writable: true, allowHalfOpen: true })
  } catch {
    closeSync(fd)
    return undefined
  }
}

function listenError(errno: number, address: string, port: number): Error {
  const [code = '', words = ''] = getSystemErrorMap().get(errno) ?? []
  const error = new Error(`listen ${code}: ${words} ${port > 0 ? `${address}:${port}` : address}`)
  return Object.assign(error, { code, errno, syscall: 'listen', address }, port > 0 ? { port } : {})
}
