/** Milliseconds to wait where EventSource gives up: after an answer that is no event stream, such as a 503. */
const COME_BACK = 3_000

const labels = {
  connecting: 'Connecting…',
  connected: 'Connected',
  reconnecting: 'Reconnecting…',
  finished: 'Finished',
  closed: 'Closed',
}

/** One event stream, and the row of the page that tells its state and opens and closes it. */
export class StreamRow {
  state = 'closed'
  #element
  #button
  #log
  #onChange
  #source
  #timer
  #received = 0

  constructor(element, log, onChange) {
    this.#element = element
    this.#button = element.querySelector('button')
    this.#log = log
    this.#onChange = onChange
    this.#button.addEventListener('click', () => (this.busy ? this.close() : this.open()))
  }

  get url() {
    return this.#element.dataset.url
  }

  get label() {
    return labels[this.state]
  }

  /** Whether it has a connection, or is about to. */
  get busy() {
    return this.state !== 'closed' && this.state !== 'finished'
  }

  set mayOpen(may) {
    this.#button.disabled = !may && !this.busy
  }

  open() {
    this.#received = 0
    this.#show('connecting')
    this.#connect()
  }

  close() {
    this.#disconnect()
    this.#show('closed')
  }

  #connect() {
    this.#disconnect()
    const source = new EventSource(this.url)
    this.#source = source
    source.addEventListener('open', () => this.#show('connected'))
    source.addEventListener('error', () => this.#onError(source))
    source.addEventListener('stream:end', ({ data }) => this.#onEnd(JSON.parse(data)))
    for (const type of [...this.#element.dataset.types.split(' '), 'stream:error']) {
      source.addEventListener(type, ({ data }) => this.#onEvent(type, data))
    }
  }

  #disconnect() {
    clearTimeout(this.#timer)
    this.#source?.close()
  }

  #onEvent(type, data) {
    this.#received++
    this.#log.add(this.url, type, data)
    this.#showCount()
  }

  /** A stream that is done needs no more: the browser asks once again, is answered 204, and closes by itself. */
  #onEnd({ reason }) {
    if (reason === 'done') this.#show('finished')
  }

  #onError(source) {
    if (this.state === 'finished') return
    this.#show('reconnecting')
    if (source.readyState === EventSource.CLOSED) this.#timer = setTimeout(() => this.#connect(), COME_BACK)
  }

  #show(state) {
    this.state = state
    const element = this.#element.querySelector('.state')
    if (element.textContent !== this.label) element.textContent = this.label
    element.dataset.state = state
    this.#button.textContent = this.busy ? 'Close' : 'Open'
    this.#button.setAttribute('aria-label', `${this.#button.textContent} ${this.url}`)
    this.#showCount()
    this.#onChange(this)
  }

  #showCount() {
    this.#element.querySelector('.count').textContent =
      this.#received === 0 ? '' : `${this.#received} ${this.#received === 1 ? 'event' : 'events'}`
  }
}
