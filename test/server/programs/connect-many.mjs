// Connects this many times to the first port, which may not take them all, then to the second one. Prints how many of the
// first are connected when all of the second are.
import { once } from 'node:events'
import { connect } from 'node:net'

const [few, many] = JSON.parse(process.argv[2] ?? '')
let connected = 0
for (let i = 0; i < few.count; i++) connect(few.port, '127.0.0.1', () => connected++).on('error', () => {})
await Promise.all(Array.from({ length: many.count }, () => once(connect(many.port, '127.0.0.1'), 'connect')))
process.stdout.write(String(connected), () => process.exit())
