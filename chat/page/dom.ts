/** The element with that id, which the page is known to have. */
export function byId<E extends Element>(id: string, type: new () => E): E {
  const element = document.getElementById(id)
  if (!(element instanceof type)) throw new Error(`The page has no ${type.name} #${id}.`)
  return element
}

/** A new element. Texts become text nodes, never markup. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  if (className) element.className = className
  element.append(...children)
  return element
}

/** A `<time>` that shows the hour and the minute. */
export function clock(at: number): HTMLTimeElement {
  const date = new Date(at)
  const time = make('time', '', date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }))
  time.dateTime = date.toISOString()
  return time
}

/** Sets an element's text if it differs, so that nothing is announced or laid out twice. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Seconds with one decimal, as a countdown shows them. */
export function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1000).toFixed(1)} s`
}

/** A hue of its own for every name, in degrees. */
export function hue(name: string): number {
  let hash = 0
  for (const char of name.toLowerCase()) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) >>> 0
  return (hash * 137.508) % 360
}

/** A round picture with the initials of a name. */
export function avatar(name: string): HTMLElement {
  const words = name.split(/[\s_-]+/).filter(Boolean)
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]]
  const initials = letters.map((word) => Array.from(word ?? '?')[0] ?? '').join('')
  const picture = make('span', 'avatar', initials.toUpperCase())
  picture.setAttribute('aria-hidden', 'true')
  picture.style.setProperty('--hue', String(Math.round(hue(name))))
  return picture
}
