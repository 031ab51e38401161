/** A market: prices that move a little with every tick. */
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import { SYMBOLS } from './words.ts'

interface Stock {
  symbol: string
  open: number
  last: number
  high: number
  low: number
  volume: number
}

export class Market {
  private readonly chance: Chance
  private readonly clock: Clock
  private readonly stocks: Stock[]
  private sequence: number

  constructor(chance: Chance, clock: Clock) {
    this.chance = chance
    this.clock = clock
    this.sequence = chance.whole(1_000_000, 9_000_000)
    this.stocks = SYMBOLS.map((symbol) => {
      const open = cents(8 + 400 * chance.early())
      const volume = chance.whole(1_000, 4_000_000)
      return { symbol, open, last: open, high: open, low: open, volume }
    })
  }

  /** Everything about one stock. */
  tick(): object {
    const { stock, bid, ask } = this.trade()
    return {
      type: 'tick',
      seq: this.sequence++,
      time: this.clock.now(),
      symbol: stock.symbol,
      bid,
      bidSize: this.lots(),
      ask,
      askSize: this.lots(),
      last: stock.last,
      volume: stock.volume,
      high: stock.high,
      low: stock.low,
      change: Number((stock.last / stock.open - 1).toFixed(4)),
    }
  }

  /** The envelope of several quotes. */
  quotes(): object {
    return { type: 'quotes', seq: this.sequence++, time: this.clock.now(), delayed: this.chance.chance(0.1) }
  }

  /** The least that a list of prices needs. */
  quote(): object {
    const { stock, bid, ask, size } = this.trade()
    return { s: stock.symbol, b: bid, a: ask, l: stock.last, q: size, v: stock.volume, t: this.clock.now() }
  }

  private trade(): { stock: Stock; bid: number; ask: number; size: number } {
    const stock = this.chance.pickEarly(this.stocks)
    const size = this.lots()
    stock.last = Math.max(1, cents(stock.last * (1 + 0.004 * this.chance.swing())))
    stock.high = Math.max(stock.high, stock.last)
    stock.low = Math.min(stock.low, stock.last)
    stock.volume += size
    const half = 0.01 * this.chance.whole(1, 4)
    return { stock, bid: cents(stock.last - half), ask: cents(stock.last + half), size }
  }

  /** Most trades are a few hundreds. */
  private lots(): number {
    return 100 * (1 + Math.floor(40 * this.chance.early() * this.chance.early()))
  }
}

function cents(price: number): number {
  return Math.round(price * 100) / 100
}
