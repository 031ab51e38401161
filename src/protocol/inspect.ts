import { redact, redactHeaders } from './redact.ts'

/** The method that says how Node prints an object, by the symbol that stands for it in every environment. */
export const customInspect: unique symbol = Symbol.for('nodejs.util.inspect.custom')

/** What Node hands to such a method, in the order of its parameters behind the depth that is left. */
export interface InspectOptions {
  depth?: number | null | undefined
  colors?: boolean | undefined
}
export type Inspect = (value: unknown, options: InspectOptions) => string

/** What is being printed: it may be found again within itself, which Node does not notice across such methods. */
const underWay = new WeakSet<object>()

/** How an object is printed: its name and these fields, without what is secret in them. */
export function inspectFields(
  subject: object,
  name: string,
  fields: object,
  options: InspectOptions,
  inspect: Inspect,
): string {
  if (underWay.has(subject)) return '[Circular]'
  underWay.add(subject)
  try {
    // Behind the escape sequence of a colour a secret would not be recognized.
    return `${name} ${redact(inspect(fields, { ...options, colors: false }))}`
  } finally {
    underWay.delete(subject)
  }
}

/** How an error is printed: its stack, its fields and its cause. */
export function inspectError(error: Error, options: InspectOptions, inspect: Inspect): string {
  const { name: _name, ...fields } = { ...error } as Record<string, unknown>
  if (typeof fields.headers === 'object')
    fields.headers = redactHeaders(fields.headers as Parameters<typeof redactHeaders>[0])
  if (fields.body instanceof Uint8Array) {
    const length = `${fields.body.length} bytes`
    fields.body = { [customInspect]: () => length }
  }
  if (error.cause !== undefined) fields['[cause]'] = error.cause
  // Node puts a name like that in quotes, but not where it prints the cause of an error of its own.
  const inspectUnquoted: Inspect = (value, how) => inspect(value, how).replace("'[cause]': ", '[cause]: ')
  return inspectFields(error, redact(error.stack ?? String(error)), fields, options, inspectUnquoted)
}
