import type { CloseInfo } from '../../src/protocol/close-info.ts'
import type { RuleCode, Side } from '../../src/protocol/error.ts'
import { FrameMaker, join } from '../protocol/frames.ts'

/** Frames, one for each element, as one side sends them. The last one may be cut short. */
export type Frames = (maker: FrameMaker) => Uint8Array[]

/** What goes in and what has to come out, of an endpoint that echoes every message; for both roles. */
export interface Rule {
  /** Section of RFC 6455. */
  section: string
  name: string
  /** The role that the rule is for; both without. */
  only?: Side
  /** What the endpoint was told to do before the first byte came: close, with a code and a reason. */
  closes?: [code: number, reason: string]
  limits?: { maxPayload?: number; maxFragments?: number }
  /** What the peer sends. */
  input: Frames
  /** Whether the peer then ends TCP, without having waited for anything. */
  thenEnds?: boolean
  /** What the endpoint sends. */
  output: Frames
  /** How the endpoint reports the end. */
  report: Omit<CloseInfo, 'error'>
  /** The rule that the peer broke, and where. */
  violation?: Violation
}

export interface Violation {
  code: RuleCode
  /** The frame, the first one being 1, and the offending byte: in the frame, or in the frame's payload. */
  frame: number
  byte?: number
  payload?: number
  /** What the hint, which depends on how much had arrived, says at best. */
  hint?: RegExp
}

/** A rule for one role. */
export interface Case extends Omit<Rule, 'only' | 'input' | 'output' | 'violation'> {
  role: Side
  input: Uint8Array
  output: Uint8Array
  violation?: { code: RuleCode; side: Side; offset: number; frameNumber: number; hint?: RegExp | undefined }
  /** Whether the endpoint ends TCP before the peer does: the server of a closing handshake, and whoever fails. */
  endsFirst: boolean
}

const SERVER = new FrameMaker('server')
const CLIENT = new FrameMaker('client')

function caseOf(rule: Rule, role: Side): Case {
  const [own, peer] = role === 'server' ? [SERVER, CLIENT] : [CLIENT, SERVER]
  const { violation, only: _, ...rest } = rule
  const frames = rule.input(peer)
  const made: Case = {
    ...rest,
    role,
    input: join(...frames),
    output: join(...rule.output(own)),
    endsFirst: violation !== undefined || (role === 'server' && rule.report.wasClean),
  }
  if (violation !== undefined) {
    const { code, frame, hint } = violation
    const start = join(...frames.slice(0, frame - 1)).length
    const within = violation.byte ?? headerLength(frames[frame - 1]!) + violation.payload!
    made.violation = { code, side: peer.side, offset: start + within, frameNumber: frame, hint }
  }
  return made
}

/** The cases of one role. */
export function casesOf(rules: readonly Rule[], role: Side): Case[] {
  return rules.filter(({ only }) => only === undefined || only === role).map((rule) => caseOf(rule, role))
}

function headerLength(frame: Uint8Array): number {
  const length7 = frame[1]! & 0x7f
  return (length7 < 126 ? 2 : length7 === 126 ? 4 : 10) + (frame[1]! >= 0x80 ? 4 : 0)
}

/** What is allowed: the peer sends it, then closes with 1000. Without an output of its own it is echoed as it is. */
export function accepts(
  section: string,
  name: string,
  input: Frames,
  output: Frames = input,
  limits: NonNullable<Rule['limits']> = {},
): Rule {
  return {
    section,
    name,
    limits,
    input: (peer) => [...input(peer), peer.close(1000)],
    output: (own) => [...output(own), own.close(1000)],
    report: {
      code: 1000,
      reason: '',
      wasClean: true,
      initiator: 'peer',
      cause: 'peer-close',
      sent: 1000,
      received: 1000,
    },
  }
}

/** What is not: the endpoint fails the connection with this close code, after it has answered what came before. */
export function rejects(
  section: string,
  name: string,
  closeCode: number,
  violation: Violation,
  input: Frames,
  before: Frames = () => [],
  limits: NonNullable<Rule['limits']> = {},
): Rule {
  const { code } = violation
  const tooLarge = code === 'MESSAGE_TOO_LARGE' || code === 'LENGTH_UNREPRESENTABLE'
  return {
    section,
    name,
    limits,
    input,
    output: (own) => [...before(own), own.close(closeCode, code.toLowerCase().replaceAll('_', ' '))],
    report: {
      code: 1006,
      reason: '',
      wasClean: false,
      initiator: 'local',
      cause: tooLarge ? 'message-too-large' : 'protocol-error',
      sent: closeCode,
      received: undefined,
    },
    violation,
  }
}
