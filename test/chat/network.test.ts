import { once } from 'node:events'
import { createServer, type Server, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { FaultyNetwork } from '../../chat/network.ts'

/** A real TCP connection; `network` is over its far end. */
interface Pair {
  client: Socket
  tcp: Socket
  network: FaultyNetwork
  /** What went wrong on the network's side. */
  errors: NodeJS.ErrnoException[]
}

const open: { server: Server; sockets: Socket[] }[] = []

afterEach(async () => {
  for (const { server, sockets } of open.splice(0)) {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
})

async function pair(): Promise<Pair> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('no address')
  const client = new Socket({ allowHalfOpen: true }).connect(address.port, '127.0.0.1')
  client.on('error', () => {})
  const [[tcp]] = await Promise.all([once(server, 'connection'), once(client, 'connect')])
  if (!(tcp instanceof Socket)) throw new Error('no socket')
  open.push({ server, sockets: [client, tcp] })
  const network = new FaultyNetwork(tcp)
  const errors: NodeJS.ErrnoException[] = []
  network.on('error', (error) => errors.push(error))
  return { client, tcp, network, errors }
}

async function chunk(stream: NodeJS.ReadableStream): Promise<string> {
  const [data] = await once(stream, 'data')
  return String(data)
}

/** Settles when the network is gone, whether in good order or not. */
function closed(network: FaultyNetwork): Promise<void> {
  return new Promise((resolve) => network.once('close', resolve))
}

/** Gives whatever is under way on this machine the time to arrive. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await turn()
}

describe('FaultyNetwork without a fault', () => {
  it('passes bytes both ways', async () => {
    const { client, network } = await pair()
    client.write('ping')
    expect(await chunk(network)).toBe('ping')
    network.write('po')
    network.write('ng')
    expect(await chunk(client)).toMatch(/^po/)
  })

  it('passes many writes at once in their order', async () => {
    const { client, network } = await pair()
    const received = text(client)
    network.cork()
    for (let i = 0; i < 100; i++) network.write(`${i},`)
    network.uncork()
    network.end()
    expect(await received).toBe(`${Array.from({ length: 100 }, (_, i) => i).join()},`)
  })

  it('passes the end of each direction on its own', async () => {
    const { client, network } = await pair()
    network.resume()
    client.resume()
    client.end()
    await once(network, 'end')
    network.write('still here')
    expect(await chunk(client)).toBe('still here')
    network.end()
    const gone = closed(network)
    await once(client, 'end')
    await gone
  })

  it('tells of a reset as a reset', async () => {
    const { client, network, errors } = await pair()
    network.resume()
    client.resetAndDestroy()
    await closed(network)
    expect(errors.map(({ code }) => code)).toEqual(['ECONNRESET'])
  })

  it('tells of a reset while a write is stuck as a reset', async () => {
    const { client, network, errors } = await pair()
    network.resume()
    client.pause()
    while (network.write(Buffer.alloc(1 << 20))) await turn()
    client.resetAndDestroy()
    await closed(network)
    expect(errors).toHaveLength(1)
    expect(['ECONNRESET', 'EPIPE']).toContain(errors[0]?.code)
  })

  it('holds back the writer when the far end does not read', async () => {
    const { client, network } = await pair()
    client.pause()
    let writes = 0
    while (network.write(Buffer.alloc(1 << 20))) {
      writes++
      await settle()
    }
    expect(network.writableLength).toBeGreaterThan(0)
    expect(network.writableNeedDrain).toBe(true)
    const drained = once(network, 'drain')
    client.resume()
    await drained
    expect(writes).toBeLessThan(100)
  })

  it('holds back the far end when the reader does not read', async () => {
    const { client, network } = await pair()
    network.pause()
    let sent = 0
    while (client.writableLength < 1 << 20) {
      client.write(Buffer.alloc(1 << 20))
      sent += 1 << 20
      await settle()
      expect(sent).toBeLessThan(100 << 20)
    }
    expect(network.readableLength).toBeLessThanOrEqual(network.readableHighWaterMark + 65_536)
    let received = 0
    network.on('data', (data: Buffer) => {
      received += data.length
    })
    network.resume()
    client.end()
    await once(network, 'end')
    expect(received).toBe(sent)
  })

  it('destroys the transport when it is destroyed', async () => {
    const { client, tcp, network } = await pair()
    client.resume()
    network.destroy()
    await once(client, 'end')
    expect(tcp.destroyed).toBe(true)
  })
})

describe('FaultyNetwork, silent', () => {
  it('lets nothing in, neither bytes nor an end, and loses none of them', async () => {
    const { client, network } = await pair()
    const seen: string[] = []
    network.on('data', (data) => seen.push(String(data)))
    network.on('end', () => seen.push('end'))
    network.break('silent')
    client.end('late')
    await settle()
    expect(seen).toEqual([])
    network.write('still heard')
    expect(await chunk(client)).toBe('still heard')
    network.mend()
    await once(network, 'end')
    expect(seen).toEqual(['late', 'end'])
  })

  it('hides a reset until it is mended', async () => {
    const { client, tcp, network, errors } = await pair()
    network.resume()
    network.break('silent')
    client.resetAndDestroy()
    await settle()
    network.write('into the void')
    await settle()
    expect(network.destroyed).toBe(false)
    expect(errors).toEqual([])
    const gone = closed(network)
    network.mend()
    await gone
    expect(tcp.destroyed).toBe(true)
    expect(errors).toHaveLength(1)
  })
})

describe('FaultyNetwork, stalled', () => {
  it('lets nothing out, so that writes back up, and lets it out when it is mended', async () => {
    const { client, network } = await pair()
    network.break('stalled')
    let written = 0
    expect(network.write('a', () => written++)).toBe(true)
    expect(network.write(Buffer.alloc(1 << 20), () => written++)).toBe(false)
    client.write('still heard')
    expect(await chunk(network)).toBe('still heard')
    await settle()
    expect(written).toBe(0)
    expect(network.writableLength).toBe((1 << 20) + 1)
    expect(client.bytesRead).toBe(0)
    client.resume()
    network.mend()
    await once(network, 'drain')
    expect(written).toBe(2)
  })

  it('holds the end back as well', async () => {
    const { client, network } = await pair()
    network.break('stalled')
    network.end('goodbye')
    await settle()
    expect(client.bytesRead).toBe(0)
    const received = text(client)
    network.mend()
    expect(await received).toBe('goodbye')
  })
})

describe('FaultyNetwork, cut', () => {
  it('lets nothing pass, and everything when it is mended', async () => {
    const { client, network } = await pair()
    network.resume()
    network.break('cut')
    network.write('out')
    client.write('in')
    await settle()
    expect(client.bytesRead).toBe(0)
    network.mend()
    expect(await Promise.all([chunk(client), chunk(network)])).toEqual(['out', 'in'])
  })

  it('destroys the transport when it is destroyed, with a write on its way', async () => {
    const { client, tcp, network, errors } = await pair()
    client.resume()
    network.break('cut')
    network.write('lost')
    network.destroy()
    await once(client, 'end')
    expect(tcp.destroyed).toBe(true)
    expect(client.bytesRead).toBe(0)
    expect(errors).toEqual([])
    network.mend()
  })
})
