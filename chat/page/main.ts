import type { Notice, Request } from '../wire.ts'
import { Connection } from './connection.ts'
import { byId, seconds, setText } from './dom.ts'
import { FrameLog } from './frames.ts'
import { LabConnection } from './lab.ts'
import { Members } from './members.ts'
import { Messages } from './messages.ts'
import { rememberedName, rememberName } from './names.ts'
import { NetworkPanel } from './network.ts'
import { currentRoom, RoomList } from './rooms.ts'
import { setUpViews } from './views.ts'

const origin = location.origin.replace(/^http/, 'ws')
const frames = new FrameLog()
const members = new Members()
const rooms = new RoomList()
const views = setUpViews()
const messages = new Messages(say)
const lab = new LabConnection(`${origin}/lab`, (notice, token) => {
  if (notice.type === 'frames') frames.add(notice.frames, token)
  else if (notice.type === 'error') setText(problem, notice.message)
  else network.notice(notice)
})
const network = new NetworkPanel((fault) => lab.set(fault), showState)
const connection = new Connection(`${origin}/chat`, { change: connectionChanged, greeting: join, notice: noticed })

const state = byId('state', HTMLElement)
const stateText = byId('state-text', HTMLElement)
const problem = byId('problem', HTMLElement)
const name = byId('name', HTMLInputElement)
const text = byId('text', HTMLTextAreaElement)
const lost = byId('lost', HTMLElement)
const now = byId('now', HTMLButtonElement)
const leaveButton = byId('leave', HTMLButtonElement)

/** The name that the person wants; another member of a room may have it already. */
let wantedName = rememberedName()
/** The name that they have. */
let ownName = wantedName
/** The room that they are in, and the one that they want to be in. */
let room = ''
let wantedRoom = currentRoom()
let roundTrip = ''
let retryTimer: number | undefined

name.value = wantedName
setText(byId('room-title', HTMLElement), wantedRoom)
connection.connect()

// What comes from the server

function noticed(notice: Notice): void {
  switch (notice.type) {
    case 'welcome':
      room = wantedRoom = notice.room
      ownName = notice.you.name
      setText(byId('room-title', HTMLElement), room)
      document.title = `#${room} · heartwire chat`
      setText(problem, '')
      messages.welcome(notice.you.id, room, notice.epoch, notice.entries)
      members.welcome(notice.you.id, notice.heartbeat, notice.members)
      members.pulse(notice.pulses)
      rooms.show(notice.rooms, room)
      network.welcome(notice.heartbeat)
      lab.watch(notice.token)
      break
    case 'entry':
      messages.add(notice.entry)
      if (notice.members) members.show(notice.members)
      if (notice.entry.kind === 'say') views.unread()
      break
    case 'pulse':
      members.pulse(notice.members)
      rooms.show(notice.rooms, room)
      roundTrip = members.roundTrip(notice.members)
      showState()
      break
    case 'error':
      setText(problem, notice.message)
      // The server did not like the room in the address.
      if (wantedRoom !== room) location.hash = encodeURIComponent(room)
      break
  }
}

// The connection

function connectionChanged(): void {
  const { phase, left } = connection
  if (phase === 'closed') {
    messages.lost()
    network.enable(false)
    roundTrip = ''
  }
  setText(leaveButton, left ? 'Come back' : 'Say goodbye')
  setText(now, left ? 'Come back' : 'Now')
  document.body.dataset.phase = phase
  byId('send', HTMLButtonElement).disabled = phase !== 'open'
  const showLost = phase === 'closed' && connection.lost !== undefined
  if (!showLost && lost.contains(document.activeElement)) text.focus()
  lost.hidden = !showLost
  clearInterval(retryTimer)
  if (showLost) {
    retryTimer = setInterval(showRetry, 100)
    showRetry()
  }
  showState()
}

function showRetry(): void {
  const { retry, left } = connection
  const why = connection.lost
  const reason = why?.reason ? `: ${why.reason}` : ''
  setText(
    byId('lost-why', HTMLElement),
    left ? 'You said goodbye.' : `Connection lost (${why?.code ?? 1006}${reason}).`,
  )
  const remaining = retry ? retry.at - performance.now() : 0
  setText(byId('lost-when', HTMLElement), retry ? `Trying again in ${seconds(remaining)}` : '')
  byId('lost-bar', HTMLElement).style.setProperty('--part', retry ? String(Math.max(0, remaining / retry.delay)) : '0')
}

function showState(): void {
  const { phase, left } = connection
  const broken = phase === 'open' ? network.summary : undefined
  if (state.dataset.phase !== phase) state.dataset.phase = phase
  state.toggleAttribute('data-broken', broken !== undefined)
  // A countdown would be read out ten times a second.
  state.setAttribute('aria-live', broken || roundTrip ? 'off' : 'polite')
  const open = roundTrip && roundTrip !== '…' ? `Open · ${roundTrip}` : 'Open'
  const words = { connecting: 'Connecting', open, closing: 'Closing', closed: left ? 'Closed' : 'Closed, coming back' }
  setText(stateText, broken ?? words[phase])
}

now.addEventListener('click', () => connection.connect())
leaveButton.addEventListener('click', () => {
  if (connection.left) connection.connect()
  else connection.leave()
})

// What the person does

function join(): Request {
  return { type: 'join', room: wantedRoom, name: wantedName }
}

function say(message: string): void {
  if (!connection.send({ type: 'say', text: message })) {
    setText(problem, 'Not connected: your message was not sent.')
    return
  }
  setText(problem, '')
  messages.sent(message, ownName)
}

byId('say-form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault()
  const message = text.value.trim()
  if (!message || connection.phase !== 'open') return
  text.value = ''
  say(message)
})

text.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  text.form?.requestSubmit()
})

byId('name-form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault()
  const wanted = name.value.trim()
  if (!wanted) return
  wantedName = wanted
  rememberName(wanted)
  connection.send(join())
  name.blur()
})

addEventListener('hashchange', () => {
  wantedRoom = currentRoom()
  connection.send(join())
})
