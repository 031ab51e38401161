import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { Fault, LabNotice, LoggedFrame, Notice, Request } from '../../chat/wire.ts'

/** A connection to the chat as the page has it, with all that came in, and a way to wait for what is to come. */
class Client<In extends { type: string }, Out> {
  readonly socket: WebSocket
  readonly notices: In[] = []
  #arrived = () => {}

  constructor(url: string) {
    this.socket = new WebSocket(url)
    this.socket.on('error', () => {})
    this.socket.on('message', (data) => {
      const notice: In = JSON.parse(String(data))
      this.notices.push(notice)
      this.#arrived()
    })
  }

  send(request: Out): void {
    this.socket.send(JSON.stringify(request))
  }

  /** The first notice, of those that came or come, for which `accept` gives something: that thing. */
  async find<T>(accept: (notice: In) => T | undefined | false): Promise<T> {
    for (let seen = 0; ; ) {
      for (; seen < this.notices.length; seen++) {
        const notice = this.notices[seen]
        const found = notice && accept(notice)
        if (found) return found
      }
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
  }

  /** The code and the reason that the connection ends with. */
  async closed(): Promise<{ code: number; reason: string }> {
    const [code, reason] = await once(this.socket, 'close')
    return { code: Number(code), reason: String(reason) }
  }
}

export type Welcome = Extract<Notice, { type: 'welcome' }>

/** A member of a room. */
export class TestMember extends Client<Notice, Request> {
  /** Connects and joins; resolves when the room has said welcome. */
  static async join(port: number, name: string, room = 'lobby'): Promise<TestMember> {
    const member = new TestMember(`ws://127.0.0.1:${port}/chat`)
    await once(member.socket, 'open')
    member.send({ type: 'join', room, name })
    await member.welcome()
    return member
  }

  welcome(room?: string): Promise<Welcome> {
    return this.find((notice) => notice.type === 'welcome' && (!room || notice.room === room) && notice)
  }

  /** The text of the first entry of a kind, of those that came or come. */
  entry(kind: string, name?: string): Promise<string> {
    return this.find(
      (notice) =>
        notice.type === 'entry' &&
        notice.entry.kind === kind &&
        (!name || notice.entry.name === name) &&
        notice.entry.text,
    )
  }

  error(): Promise<string> {
    return this.find((notice) => notice.type === 'error' && notice.message)
  }

  /** The names of those who are here, as the last notice that tells has them. */
  get members(): string[] {
    const lists = this.notices.flatMap((notice) =>
      'members' in notice && notice.type !== 'pulse' ? [notice.members] : [],
    )
    return lists.at(-1)?.map(({ name }) => name) ?? []
  }
}

/** The laboratory of a member's connection. */
export class TestLab extends Client<LabNotice, { type: 'fault'; fault: Fault | null }> {
  static async of(port: number, member: TestMember): Promise<TestLab> {
    const { token } = await member.welcome()
    const lab = new TestLab(`ws://127.0.0.1:${port}/lab?token=${token}`)
    await once(lab.socket, 'open')
    return lab
  }

  set(fault: Fault | null): Promise<Extract<LabNotice, { type: 'fault' }>> {
    this.send({ type: 'fault', fault })
    return this.find((notice) => notice.type === 'fault' && notice.fault === fault && notice)
  }

  frame(accept: (frame: LoggedFrame) => boolean): Promise<LoggedFrame> {
    return this.find((notice) => notice.type === 'frames' && notice.frames.find(accept))
  }

  dead(): Promise<Extract<LabNotice, { type: 'dead' }>> {
    return this.find((notice) => notice.type === 'dead' && notice)
  }
}
