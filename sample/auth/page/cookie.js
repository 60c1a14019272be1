import { last, say, show } from './quotes.js'

const form = document.querySelector('form')

/** Signs in: from then on the browser sends the cookie by itself, with every request of the stream as well. */
async function signIn() {
  const answer = await fetch('/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: form.user.value, password: form.password.value }),
  })
  if (answer.ok) read()
  else say('The name or the password is wrong')
}

/** The browser comes back by itself after a break, but for one that is refused: then somebody has to sign in again. */
function read() {
  const source = new EventSource(`/quotes/live?${new URLSearchParams({ lastEventId: last })}`)
  source.onopen = () => say('Reading')
  source.onmessage = show
  source.onerror = () => say(source.readyState === EventSource.CLOSED ? 'Sign in again' : 'Away')
  source.addEventListener('stream:end', ({ data }) => {
    if (JSON.parse(data).reason !== 'expired') return
    source.close()
    say('Sign in again')
  })
}

form.onsubmit = event => {
  event.preventDefault()
  signIn()
}
