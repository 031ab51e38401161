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
  flushFrom(all, 0)
}

/** One that throws, by the application's `generateMask`, does not keep the others from being flushed. */
function flushFrom(all: readonly Flushable[], first: number): void {
  let at = first
  try {
    while (at < all.length) all[at++]!.flush()
  } finally {
    if (at < all.length) process.nextTick(flushFrom, all, at)
  }
}

// Those who send and then call process.exit mean it to go out, as far as the kernel takes it.
process.on('exit', flushAll)
