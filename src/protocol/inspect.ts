import { redact, redactHeaders } from './redact.ts'

/** The method that says how Node prints an object, by the symbol that stands for it in every environment. */
export const customInspect: unique symbol = Symbol.for('nodejs.util.inspect.custom')

/** What Node hands to such a method, in the order of its parameters behind the depth that is left. */
export interface InspectOptions {
  depth?: number | null | undefined
  colors?: boolean | undefined
}
export type Inspect = (value: unknown, options: InspectOptions) => string

/** How an object is printed: its name and these fields, without what is secret in them. */
export function inspectFields(name: string, fields: object, options: InspectOptions, inspect: Inspect): string {
  // Behind the escape sequence of a colour a secret would not be recognized.
  return `${name} ${redact(inspect(fields, { ...options, colors: false }))}`
}

/** How an error is printed: its stack, its fields and its cause. */
export function inspectError(error: Error, options: InspectOptions, inspect: Inspect): string {
  const { name: _name, ...fields } = { ...error } as Record<string, unknown>
  if (typeof fields.headers === 'object')
    fields.headers = redactHeaders(fields.headers as Parameters<typeof redactHeaders>[0])
  if (fields.body instanceof Uint8Array) fields.body = `${fields.body.length} bytes`
  if (error.cause !== undefined) fields['[cause]'] = error.cause
  return inspectFields(redact(error.stack ?? String(error)), fields, options, inspect)
}
