/** A message that is being delivered. */
interface Delivery<Member> {
  readonly topic: string
  /** Who has subscribed meanwhile, perhaps again. */
  late: Set<Member> | undefined
  /** The one in the midst of which this one began. */
  readonly outer: Delivery<Member> | undefined
}

/** Who has subscribed to what, in this process. */
export class Topics<Member> {
  private readonly members = new Map<string, Set<Member>>()
  private readonly topics = new Map<Member, Set<string>>()
  private delivery: Delivery<Member> | undefined

  /** False when the member had subscribed already. */
  subscribe(member: Member, topic: string): boolean {
    const members = this.members.get(topic)
    if (members === undefined) this.members.set(topic, new Set([member]))
    else if (members.has(member)) return false
    else members.add(member)
    const topics = this.topics.get(member)
    if (topics === undefined) this.topics.set(member, new Set([topic]))
    else topics.add(topic)
    for (let delivery = this.delivery; delivery !== undefined; delivery = delivery.outer) {
      if (delivery.topic !== topic) continue
      delivery.late ??= new Set()
      delivery.late.add(member)
    }
    return true
  }

  /** False when the member had not subscribed. */
  unsubscribe(member: Member, topic: string): boolean {
    const topics = this.topics.get(member)
    if (topics === undefined || !topics.delete(topic)) return false
    if (topics.size === 0) this.topics.delete(member)
    this.drop(member, topic)
    return true
  }

  /** Takes one who has left out of everything; nobody else is affected. */
  leave(member: Member): void {
    const topics = this.topics.get(member)
    if (topics === undefined) return
    this.topics.delete(member)
    for (const topic of topics) this.drop(member, topic)
  }

  /**
   * Delivers to each who has subscribed by now but `except`, and returns how many took it, as `deliver` says. Whoever
   * subscribes meanwhile comes last in the set, but not in this delivery: else it could go on for ever.
   */
  publish(topic: string, deliver: (member: Member) => boolean, except?: Member): number {
    const members = this.members.get(topic)
    if (members === undefined) return 0
    const delivery: Delivery<Member> = { topic, late: undefined, outer: this.delivery }
    this.delivery = delivery
    let count = 0
    try {
      for (const member of members) {
        if (member !== except && !delivery.late?.has(member) && deliver(member)) count++
      }
    } finally {
      this.delivery = delivery.outer
    }
    return count
  }

  subscriberCount(topic: string): number {
    return this.members.get(topic)?.size ?? 0
  }

  topicsOf(member: Member): ReadonlySet<string> {
    return this.topics.get(member) ?? new Set()
  }

  private drop(member: Member, topic: string): void {
    const members = this.members.get(topic)
    members?.delete(member)
    if (members?.size === 0) this.members.delete(topic)
  }
}
