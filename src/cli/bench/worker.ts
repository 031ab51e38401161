/** A process with a part of a load: does what it is told, until nobody is there any more to tell it. */
import { Load } from './load.ts'
import type { Answer, Instruction } from './processes.ts'

let load: Load | undefined

// A Ctrl-C is meant for the process that started this one, and will be told.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
process.on('disconnect', () => process.exit())
process.on('message', async (instruction: Instruction) => {
  if ('plan' in instruction) load = new Load(instruction.plan, instruction)
  else {
    const { order } = instruction
    const result = await load?.[order]()
    process.send?.({ order, result } satisfies Answer)
  }
})
