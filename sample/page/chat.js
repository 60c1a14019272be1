import { readEvents } from './read-events.js'

/** The chat: sends a message, and shows the answer while it arrives. */
export function startChat(element) {
  const form = element.querySelector('form')
  const input = element.querySelector('#message')
  const stop = element.querySelector('#stop')
  const send = element.querySelector('[type=submit]')
  const talk = element.querySelector('#talk')

  form.addEventListener('submit', async submit => {
    submit.preventDefault()
    if (send.hidden) return
    const controller = new AbortController()
    const onStop = () => controller.abort()
    stop.addEventListener('click', onStop)
    const message = input.value
    input.value = ''
    say('you', message)
    const answer = say('okapi', '')
    busy(true)
    try {
      await ask(message, controller.signal, word => add(answer, word))
    } catch (error) {
      add(answer, note(controller.signal.aborted ? 'Stopped.' : error.message))
    }
    stop.removeEventListener('click', onStop)
    busy(false)
    input.focus()
  })

  function busy(is) {
    send.hidden = is
    stop.hidden = !is
    talk.ariaBusy = is
    if (is) stop.focus()
  }

  function say(who, text) {
    const item = document.createElement('li')
    item.className = who
    talk.append(item)
    add(item, text)
    return item
  }

  /** Adds to what was said. A string is appended as text, never as markup. */
  function add(item, text) {
    item.append(text)
    talk.scrollTop = talk.scrollHeight
  }
}

/** Posts a message and gives on the words of the answer. */
async function ask(message, signal, onWord) {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch('/chat', { method: 'POST', headers, body: JSON.stringify({ message }), signal })
  if (!response.ok) throw new Error(await reasonOf(response))
  for await (const { type, data } of readEvents(response.body)) {
    if (type === 'done') return
    if (type === 'message') onWord(data)
  }
  throw new Error('The answer was cut off.')
}

/** Why the server refused: errors are answered as problem details, with every issue of the message in them. */
async function reasonOf(response) {
  const { title, detail, errors = [] } = await response.json()
  return errors.length > 0 ? errors.map(issue => issue.detail).join(', ') : (detail ?? title)
}

function note(text) {
  const element = document.createElement('em')
  element.textContent = text
  return element
}
