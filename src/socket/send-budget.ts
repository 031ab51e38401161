import { totalmem } from 'node:os'
import { checkCount } from './check.ts'

/** One whose queue counts. */
export interface Debtor {
  /** What the budget was last told is queued for it; the budget's own. */
  charged: number
  /** Gives up what is queued for it. Called again, ends at once. */
  evict(): void
}

/** After an eviction this share of the limit is free again, so that not each message evicts. */
const FREED = 0.1

/**
 * Bounds what is queued for all connections of a process (of a thread, where there are several) together. Above the
 * limit those who are furthest behind are closed, as many as it takes for a tenth of it to be free.
 */
export class SendBudget {
  private most: number
  private total = 0
  private readonly debtors = new Set<Debtor>()
  private evicting = false

  /** @internal */
  constructor(limit: number) {
    this.most = limit
  }

  /** Bytes. Default: 512 MiB, or 10 % of the memory that the process may use, where that is less. Can be set at any time. */
  get limit(): number {
    return this.most
  }

  set limit(bytes: number) {
    this.most = checkCount('sendBudget.limit', bytes)
    this.enforce()
  }

  /** Bytes that are queued for all connections whose peers did not take at once what was sent. */
  get used(): number {
    return this.total
  }

  /** @internal What is queued for one of them now. */
  charge(debtor: Debtor, load: number): void {
    if (load === debtor.charged) return
    this.total += load - debtor.charged
    debtor.charged = load
    if (load === 0) this.debtors.delete(debtor)
    else this.debtors.add(debtor)
    if (this.total > this.most) this.enforce()
  }

  private enforce(): void {
    if (this.total <= this.most || this.evicting) return
    this.evicting = true
    const furthestBehind = [...this.debtors].sort((a, b) => b.charged - a.charged)
    // The frame under way stays until it is written, or its connection is cut by a second eviction.
    let leaving = 0
    for (const debtor of furthestBehind) {
      if (this.total - leaving <= this.most * (1 - FREED)) break
      debtor.evict()
      leaving += debtor.charged
    }
    this.evicting = false
  }
}

/** The budget of this process. */
export const sendBudget = new SendBudget(Math.min(512 * 1024 * 1024, Math.floor(usableMemory() / 10)))

/** What the machine has, or a container is given of it. */
function usableMemory(): number {
  // 0, or more than there is, where nothing constrains the process.
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
}
