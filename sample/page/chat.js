import { post } from './post.js'
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
    let response
    try {
      response = await post('/chat', { message }, controller.signal)
      await read(response, word => add(answer, word))
    } catch (error) {
      const { aborted } = controller.signal
      add(answer, note(aborted ? 'Stopped.' : error.message))
      // What was not taken is not lost either.
      if (!response && !aborted) input.value ||= message
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

/** Gives on the words of an answer. Whatever ends it before `done` has cut it off. */
async function read(response, onWord) {
  try {
    for await (const { type, data } of readEvents(response.body)) {
      if (type === 'done') return
      if (type === 'message') onWord(data)
    }
  } catch {}
  throw new Error('The answer was cut off.')
}

function note(text) {
  const element = document.createElement('em')
  element.textContent = text
  return element
}
