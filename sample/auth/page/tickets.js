const form = document.querySelector('form')
const status = document.querySelector('[role=status]')
const quotes = document.querySelector('ol')

const path = '/quotes/live'
let last = ''

/** Asks for a ticket, and opens the stream with it; after every end again, since a ticket is good for once. */
async function read() {
  const answer = await fetch('/tickets', {
    method: 'POST',
    headers: { authorization: `Bearer ${form.token.value}`, 'content-type': 'application/json' },
    body: JSON.stringify({ path }),
  }).catch(() => undefined)
  if (answer?.status === 401) return say('Sign in again')
  if (!answer?.ok) return later()
  const { ticket } = await answer.json()
  const source = new EventSource(`${path}?${new URLSearchParams({ ticket, lastEventId: last })}`)
  source.onopen = () => say('Reading')
  source.onmessage = show
  source.onerror = () => {
    source.close()
    later()
  }
}

/** Not at once, and not together with all others. */
function later() {
  say('Away')
  setTimeout(read, 1000 + 4000 * Math.random())
}

function show({ data, lastEventId }) {
  last = lastEventId
  const item = document.createElement('li')
  item.textContent = data
  quotes.append(item)
}

function say(text) {
  status.textContent = text
}

form.onsubmit = event => {
  event.preventDefault()
  read()
}
