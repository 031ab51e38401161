import { LIMITS } from '../wire.ts'

const MOODS = 'Amber Brave Calm Clever Dapper Eager Gentle Happy Jolly Keen Lucky Merry Nimble Quiet Sunny Witty'.split(
  ' ',
)
const ANIMALS = 'Badger Crane Dolphin Finch Fox Heron Ibex Koala Lynx Marten Otter Owl Panda Robin Seal Wren'.split(' ')

const KEY = 'heartwire-chat-name'

/** The name from last time, or a friendly one. */
export function rememberedName(): string {
  try {
    const name = localStorage.getItem(KEY)
    if (name) return name.slice(0, LIMITS.name)
  } catch {
    // A browser may forbid storage.
  }
  const name = `${pick(MOODS)} ${pick(ANIMALS)}`
  rememberName(name)
  return name
}

export function rememberName(name: string): void {
  try {
    localStorage.setItem(KEY, name)
  } catch {
    // Then it is forgotten.
  }
}

function pick(words: readonly string[]): string {
  return words[Math.floor(Math.random() * words.length)] ?? ''
}
