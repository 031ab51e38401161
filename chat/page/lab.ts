import type { Fault, LabNotice, LabRequest } from '../wire.ts'

/** When the second connection is lost though the first one lives: milliseconds until the next attempt. */
const AGAIN_AFTER = 2_000

/** The page's second connection, over which it sees its first one from outside and breaks that one's network. */
export class LabConnection {
  readonly #url: string
  readonly #notice: (notice: LabNotice, token: string) => void
  #socket: WebSocket | undefined
  #token: string | undefined
  #timer: number | undefined

  constructor(url: string, notice: (notice: LabNotice, token: string) => void) {
    this.#url = url
    this.#notice = notice
  }

  /** Watches the chat connection that was given this token, and no other any more. */
  watch(token: string): void {
    if (token === this.#token) return
    clearTimeout(this.#timer)
    this.#socket?.close(1000)
    this.#token = token
    this.#connect(token)
  }

  set(fault: Fault | null): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return
    const request: LabRequest = { type: 'fault', fault }
    this.#socket.send(JSON.stringify(request))
  }

  #connect(token: string): void {
    const socket = new WebSocket(`${this.#url}?token=${encodeURIComponent(token)}`)
    this.#socket = socket
    socket.onmessage = ({ data }) => {
      const notice: LabNotice = JSON.parse(String(data))
      this.#notice(notice, token)
    }
    socket.onclose = ({ code }) => {
      // 1000: the connection under watch has ended, or this one was replaced.
      if (this.#socket !== socket || code === 1000) return
      this.#timer = setTimeout(() => this.#connect(token), AGAIN_AFTER)
    }
  }

  /** The chat connection is gone; there is nothing left to watch. */
  forget(): void {
    clearTimeout(this.#timer)
    this.#token = undefined
  }
}
