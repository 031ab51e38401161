import { Duplex } from 'node:stream'

/** Two streams, of which each gives what is written to the other one. */
export function duplexPair(): [Duplex, Duplex] {
  const ends: Duplex[] = []
  for (const index of [0, 1]) {
    const other = () => ends[1 - index]
    ends.push(
      new Duplex({
        read() {},
        write(chunk, _encoding, callback) {
          other()?.push(chunk)
          callback()
        },
        final(callback) {
          other()?.push(null)
          callback()
        },
      }),
    )
  }
  return ends as [Duplex, Duplex]
}
