import { byId } from './dom.ts'

/** The narrow page shows one part at a time, chosen here. */
export function setUpViews(): { unread(): void } {
  const badge = byId('unread', HTMLElement)
  const buttons = [...document.querySelectorAll<HTMLButtonElement>('.views button')]
  for (const button of buttons) {
    button.addEventListener('click', () => {
      document.body.dataset.view = button.dataset.view
      for (const each of buttons) each.setAttribute('aria-pressed', String(each === button))
      if (button.dataset.view === 'chat') badge.hidden = true
    })
  }
  return {
    /** A message came in; when the messages are out of sight, a dot tells of it. */
    unread() {
      if (byId('log', HTMLElement).offsetParent === null) badge.hidden = false
    },
  }
}
