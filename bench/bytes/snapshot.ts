/** Heap snapshots of V8's, by class: how many objects there are, and what they take by themselves. */
import { readFileSync } from 'node:fs'

interface Snapshot {
  snapshot: { meta: { node_fields: string[]; node_types: [string[], ...unknown[]] } }
  nodes: number[]
  strings: string[]
}

export interface Class {
  count: number
  /** Shallow, of all of them. */
  bytes: number
}

export function readSnapshot(path: string): Map<string, Class> {
  return classesOf(JSON.parse(readFileSync(path, 'utf8')) as Snapshot)
}

export function classesOf({ snapshot: { meta }, nodes, strings }: Snapshot): Map<string, Class> {
  const width = meta.node_fields.length
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => meta.node_fields.indexOf(field)) as [
    number,
    number,
    number,
  ]
  const [types] = meta.node_types
  const classes = new Map<string, Class>()
  for (let at = 0; at < nodes.length; at += width) {
    const key = nameOf(types[nodes[at + type]!] ?? '', strings[nodes[at + name]!] ?? '')
    const found = classes.get(key) ?? { count: 0, bytes: 0 }
    found.count++
    found.bytes += nodes[at + size]!
    classes.set(key, found)
  }
  return classes
}

/** What there is more of in the second one, for each of so many connections; the largest first. */
export function difference(
  before: ReadonlyMap<string, Class>,
  after: ReadonlyMap<string, Class>,
  connections: number,
): [name: string, each: Class][] {
  const all = [...after].map(([name, { count, bytes }]): [string, Class] => {
    const first = before.get(name) ?? { count: 0, bytes: 0 }
    return [name, { count: (count - first.count) / connections, bytes: (bytes - first.bytes) / connections }]
  })
  return all.toSorted(([, a], [, b]) => b.bytes - a.bytes)
}

/** An object is of its constructor's; the rest is called by its type, without what is different for each of them. */
function nameOf(type: string, name: string): string {
  if (type === 'object') return name
  if (type === 'closure') return `function ${name === '' ? '(anonymous)' : name}`
  if (type === 'array' || type === 'hidden' || type === 'native' || type === 'code') {
    return name === '' ? `(${type})` : `(${type}) ${name.replace(/^\(|\)$/g, '')}`
  }
  return `(${type})`
}
