interface Flushable {
  flush(): void
}

let waiting: Flushable[] = []

/** Flushes what has bytes to write once the code that runs now has had its say: what it sends goes out in one write. */
export function flushSoon(one: Flushable): void {
  if (waiting.push(one) === 1) process.nextTick(flushAll)
}

function flushAll(): void {
  const all = waiting
  waiting = []
  for (const one of all) one.flush()
}

// Those who send and then call process.exit mean it to go out, as far as the kernel takes it.
process.on('exit', flushAll)
