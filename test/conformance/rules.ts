import type { Rule } from './case.ts'
import { CLOSING } from './cases/closing.ts'
import { CONTROL } from './cases/control.ts'
import { FRAGMENTATION } from './cases/fragmentation.ts'
import { FRAMING } from './cases/framing.ts'
import { LIMITED } from './cases/limits.ts'
import { TEXT } from './cases/text.ts'

/** Everything that this suite checks, in the order of the RFC's sections by and large. */
export const RULES: readonly Rule[] = [...FRAMING, ...FRAGMENTATION, ...CONTROL, ...TEXT, ...CLOSING, ...LIMITED]
