import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer, type ServerSocket, UpgradeRejected, type UpgradeRequest } from 'heartwire'
import { departure } from './departure.ts'
import { Lab } from './lab.ts'
import { BadMessage, parseLabRequest, parseRequest } from './messages.ts'
import { FaultyNetwork } from './network.ts'
import { ROOM_CAPACITY, type Room, Rooms } from './room.ts'
import type { Site } from './site.ts'
import type { Entry, Heartbeat, LabNotice, Notice, Pulse } from './wire.ts'

export interface ChatOptions {
  /** Serves ordinary HTTP requests. */
  site: Site
  /** Default 5 s and 5 s, so that a silent death shows within 10 s. */
  heartbeat?: Heartbeat
  /** Milliseconds between two notices of everybody's round-trip time. Default 2 s. */
  pulse?: number
  /** Is given a line for everything that happens. */
  log?: (line: string) => void
}

export interface Chat {
  /** Starts to listen; resolves with the port. */
  listen(port: number, host: string): Promise<number>
  /** Number of open WebSocket connections. */
  readonly connections: number
  /** Closes every connection with 1001 and stops to listen. */
  close(): Promise<void>
}

/** What the server knows of a page's connection. */
interface Guest {
  lab: Lab
  network: FaultyNetwork
  room?: Room
  /** A ping is on its way whose pong will tell the round-trip time. */
  pinged: boolean
}

/** How long a client may take for its side of the closing handshake when the server goes away, in milliseconds. */
const CLOSE_DEADLINE = 3_000

/** The chat: a room is a topic, a member is a socket, and under each member's socket is a network that can break. */
export function createChat(options: ChatOptions): Chat {
  const { site, heartbeat = { interval: 5_000, timeout: 5_000 }, pulse = 2_000, log = () => {} } = options
  const rooms = new Rooms()
  const networks = new WeakMap<object, FaultyNetwork>()
  const guests = new Map<string, ServerSocket<Guest>>()
  const labs = new Map<string, Lab>()
  let pulsing: NodeJS.Timeout | undefined

  const server = createServer({ log })
  server.route<Guest>('/chat', {
    heartbeat,
    maxPayload: 16 * 1024,
    maxBuffered: 1024 * 1024,
    // What a page asks that has not heard anything for a while.
    autoResponse: { request: 'ping', response: 'pong' },
    upgrade(request) {
      const network = networkUnder(request)
      return { data: { network, lab: new Lab(network, heartbeat), pinged: false } }
    },
    open(socket) {
      const { lab } = socket.data
      guests.set(socket.id, socket)
      labs.set(lab.token, lab)
      lab.watch(socket)
      measure(socket)
      pulsing ??= setInterval(publishPulses, pulse)
    },
    message(socket, message) {
      try {
        const request = parseRequest(message)
        if (request.type === 'join') join(socket, request.room, request.name)
        else say(socket, request.text)
      } catch (error) {
        if (!(error instanceof BadMessage)) throw error
        tell(socket, { type: 'error', message: error.message })
      }
    },
    close(socket, info) {
      const { lab } = socket.data
      guests.delete(socket.id)
      labs.delete(lab.token)
      const { kind, text } = departure(info, heartbeat)
      lab.died(leave(socket, kind, text)?.text ?? text('A guest'))
      if (guests.size > 0) return
      clearInterval(pulsing)
      pulsing = undefined
    },
    observeFrames(socket, frame) {
      socket.data.lab.observe(frame)
    },
  })

  server.route<{ lab: Lab }>('/lab', {
    maxPayload: 1024,
    upgrade(request) {
      const lab = labs.get(request.query.get('token') ?? '')
      if (!lab) throw new UpgradeRejected(403, 'The token is of no open connection.')
      return { data: { lab } }
    },
    open(socket) {
      socket.data.lab.attach(socket)
    },
    message(socket, message) {
      try {
        socket.data.lab.set(parseLabRequest(message).fault)
      } catch (error) {
        if (!(error instanceof BadMessage)) throw error
        const notice: LabNotice = { type: 'error', message: error.message }
        socket.send(JSON.stringify(notice))
      }
    },
    close(socket) {
      socket.data.lab.detach(socket)
    },
  })

  function join(socket: ServerSocket<Guest>, roomName: string, name: string): void {
    const room = rooms.get(roomName)
    const { lab, room: current } = socket.data
    if (current === room) {
      const entry = room.rename(socket.id, name)
      if (entry) publish(room, entry)
      return
    }
    if (room.size >= ROOM_CAPACITY) throw new BadMessage(`#${room.name} is full: it takes ${ROOM_CAPACITY} members.`)
    leave(socket, 'leave', (who) => `${who} moved to #${room.name}`)
    const entry = room.join(socket.id, name)
    publish(room, entry)
    socket.data.room = room
    socket.subscribe(topic(room))
    tell(socket, {
      type: 'welcome',
      you: { id: socket.id, name: entry.name },
      room: room.name,
      epoch: room.epoch,
      entries: [...room.entries],
      members: room.members,
      pulses: pulsesOf(room),
      rooms: rooms.sizes(),
      heartbeat,
      token: lab.token,
    })
  }

  function say(socket: ServerSocket<Guest>, text: string): void {
    const { room } = socket.data
    const entry = room?.say(socket.id, text)
    if (!room || !entry) throw new BadMessage('Join a room before you say something.')
    publish(room, entry)
  }

  function leave(
    socket: ServerSocket<Guest>,
    kind: 'leave' | 'death',
    text: (name: string) => string,
  ): Entry | undefined {
    const { room } = socket.data
    if (!room) return undefined
    delete socket.data.room
    socket.unsubscribe(topic(room))
    const entry = room.leave(socket.id, kind, text)
    if (entry) publish(room, entry)
    return entry
  }

  /** Tells a room what happened in it, and who is there when that has changed. */
  function publish(room: Room, entry: Entry): void {
    const notice: Notice = { type: 'entry', entry }
    if (entry.kind !== 'say') {
      notice.members = room.members
      log(`#${room.name}: ${entry.text}`)
    }
    server.publish(topic(room), JSON.stringify(notice))
  }

  function publishPulses(): void {
    const sizes = rooms.sizes()
    for (const room of rooms.occupied) {
      const notice: Notice = { type: 'pulse', members: pulsesOf(room), rooms: sizes }
      server.publish(topic(room), JSON.stringify(notice))
    }
    for (const socket of guests.values()) {
      measure(socket)
      if (socket.data.lab.fault) socket.data.lab.tellFault()
    }
  }

  /** Measures the round-trip time anew; the heartbeat pings only when nothing else comes in. */
  function measure(socket: ServerSocket<Guest>): void {
    const { data } = socket
    if (data.pinged) return
    data.pinged = true
    const answered = () => {
      data.pinged = false
    }
    socket.ping().then(answered, answered)
  }

  function pulsesOf(room: Room): Pulse[] {
    return room.members.flatMap(({ id }) => {
      const guest = guests.get(id)
      return guest ? { id, roundTrip: guest.latency ?? null, quiet: Math.round(guest.data.lab.quiet) } : []
    })
  }

  function networkUnder(request: UpgradeRequest): FaultyNetwork {
    const network = typeof request.raw === 'object' && request.raw ? networks.get(request.raw) : undefined
    if (!network) throw new Error('A chat connection came in on another way than over a faulty network.')
    return network
  }

  const http = createHttpServer(site)
  http.on('upgrade', (request: IncomingMessage, transport: Duplex, head: Buffer) => {
    const network = new FaultyNetwork(transport)
    networks.set(request, network)
    server.handleUpgrade(request, network, head)
  })

  return {
    listen(port, host) {
      return new Promise((resolve, reject) => {
        http.once('error', reject)
        http.listen(port, host, () => {
          http.off('error', reject)
          const address: AddressInfo | string | null = http.address()
          resolve(typeof address === 'object' && address ? address.port : port)
        })
      })
    },
    get connections() {
      return [...server.sockets].length
    },
    async close() {
      const stopped = new Promise<void>((resolve) => http.close(() => resolve()))
      // A goodbye does not come through a broken network.
      for (const { data } of guests.values()) data.network.mend()
      await server.close({ code: 1001, reason: 'the server is going away', deadline: CLOSE_DEADLINE })
      http.closeAllConnections()
      await stopped
    },
  }
}

function topic(room: Room): string {
  return `room:${room.name}`
}

function tell(socket: ServerSocket<Guest>, notice: Notice): void {
  socket.send(JSON.stringify(notice))
}
