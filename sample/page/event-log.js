/** How many events are kept. */
const MOST = 200

/** The list of events, the newest first, and the buttons that count them by type and choose which ones are shown. */
export class EventLog {
  #list
  #empty
  #types
  #buttons = new Map()

  constructor(element) {
    this.#list = element.querySelector('#events')
    this.#empty = element.querySelector('#empty')
    this.#types = element.querySelector('#types')
    element.querySelector('#clear').addEventListener('click', () => this.clear())
  }

  add(url, type, data) {
    const button = this.#buttonOf(type)
    button.count.textContent = Number(button.count.textContent) + 1
    const item = make('li', '')
    item.dataset.type = type
    item.hidden = button.element.getAttribute('aria-pressed') === 'false'
    item.append(make('span', type, 'type'), make('code', url, 'url'), timeNow(), make('code', data, 'data'))
    this.#list.prepend(item)
    while (this.#list.children.length > MOST) this.#list.lastElementChild.remove()
    this.#showHint()
  }

  clear() {
    this.#list.replaceChildren()
    this.#types.replaceChildren()
    this.#buttons.clear()
    this.#showHint()
  }

  #buttonOf(type) {
    const known = this.#buttons.get(type)
    if (known) return known
    const element = make('button', '')
    const count = make('span', '0', 'count')
    element.type = 'button'
    element.dataset.type = type
    element.setAttribute('aria-pressed', 'true')
    element.append(make('span', type), ' ', count)
    element.addEventListener('click', () => this.#toggle(type, element))
    this.#types.append(element)
    this.#buttons.set(type, { element, count })
    return this.#buttons.get(type)
  }

  #toggle(type, element) {
    const shown = element.getAttribute('aria-pressed') === 'false'
    element.setAttribute('aria-pressed', shown)
    for (const item of this.#list.children) if (item.dataset.type === type) item.hidden = !shown
    this.#showHint()
  }

  /** Says why there is nothing to see, where there is nothing. */
  #showHint() {
    const events = [...this.#list.children]
    this.#empty.hidden = events.some(({ hidden }) => !hidden)
    const hint = this.#hint(events.length)
    if (this.#empty.textContent !== hint) this.#empty.textContent = hint
  }

  #hint(kept) {
    if (kept === 0) return 'Nothing has arrived yet.'
    const shown = [...this.#buttons.values()].some(({ element }) => element.getAttribute('aria-pressed') === 'true')
    return shown
      ? 'The events that are kept are of hidden types. Choose one above to see them.'
      : 'All types are hidden. Choose one above to see its events.'
  }
}

/** An element with text. As text alone: what an event says is never markup. */
function make(name, text, className = '') {
  const element = document.createElement(name)
  element.textContent = text
  if (className) element.className = className
  return element
}

function timeNow() {
  const now = new Date()
  const element = make('time', now.toLocaleTimeString())
  element.dateTime = now.toISOString()
  return element
}
