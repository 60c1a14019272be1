const status = document.querySelector('[role=status]')
const quotes = document.querySelector('ol')

/** The last event ID, for the EventSource that takes over. */
export let last = ''

export function show({ data, lastEventId }) {
  last = lastEventId
  const item = document.createElement('li')
  item.textContent = data
  quotes.append(item)
}

export function say(text) {
  status.textContent = text
}
