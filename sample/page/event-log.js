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
    this.#empty.hidden = true
  }

  clear() {
    this.#list.replaceChildren()
    this.#types.replaceChildren()
    this.#buttons.clear()
    this.#empty.hidden = false
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
