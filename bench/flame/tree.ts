/** Stacks, put together to a tree: what was called from where, and how much of the time was spent there. */

/** Whose code a frame is. */
export type Kind = 'application' | 'heartwire' | 'addon' | 'node' | 'engine' | 'garbage' | 'kernel'

export interface Frame {
  name: string
  kind: Kind
  /** Where it is, for those who point at it. */
  place?: string
}

/** The frames of a sample, outermost first, and what it counts for. */
export interface Stack {
  frames: readonly Frame[]
  weight: number
}

export interface Node {
  frame: Frame
  /** With all that it has called. */
  weight: number
  /** By itself, and in what was too little to be shown. */
  own: number
  children: Node[]
}

/** @param least share of the whole below which a frame counts for the one that called it */
export function buildTree(stacks: readonly Stack[], least: number): Node {
  const root = node({ name: 'all', kind: 'engine' })
  for (const { frames, weight } of stacks) {
    root.weight += weight
    let at = root
    for (const frame of frames) {
      let next = at.children.find(({ frame: { name, kind } }) => name === frame.name && kind === frame.kind)
      if (next === undefined) {
        next = node(frame)
        at.children.push(next)
      }
      next.weight += weight
      at = next
    }
    at.own += weight
  }
  prune(root, root.weight * least)
  return root
}

/** What each kind has of the whole by itself, from 0 to 1. */
export function shares(root: Node): Map<Kind, number> {
  const found = new Map<Kind, number>()
  const add = ({ frame: { kind }, own, children }: Node): void => {
    if (own > 0) found.set(kind, (found.get(kind) ?? 0) + own / root.weight)
    children.forEach(add)
  }
  add(root)
  return found
}

export function depthOf({ children }: Node): number {
  return 1 + Math.max(0, ...children.map(depthOf))
}

function node(frame: Frame): Node {
  return { frame, weight: 0, own: 0, children: [] }
}

function prune(one: Node, least: number): void {
  for (const child of one.children) if (child.weight < least) one.own += child.weight
  one.children = one.children.filter(({ weight }) => weight >= least).toSorted((a, b) => b.weight - a.weight)
  for (const child of one.children) prune(child, least)
}
