import { last, say, show } from './quotes.js'

const form = document.querySelector('form')

const path = '/quotes/live'

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

form.onsubmit = event => {
  event.preventDefault()
  read()
}
