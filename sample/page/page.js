import { startChat } from './chat.js'
import { EventLog } from './event-log.js'
import { StreamRow } from './stream-row.js'

/** A browser has six connections to one host over HTTP/1.1. One is left for the chat. */
const MOST = 5

const status = document.querySelector('#status')
const { eventUrl } = document.querySelector('main').dataset
const log = new EventLog(document.querySelector('.events'))
const rows = [...document.querySelectorAll('#streams > li')].map(element => new StreamRow(element, log, onChange))

function onChange(row) {
  if (row.url === eventUrl) {
    status.textContent = row.label
    status.dataset.state = row.state
  }
  const open = rows.filter(({ busy }) => busy).length
  for (const other of rows) other.mayOpen = open < MOST
  document.querySelector('#open-count').textContent = open
  document.querySelector('#limit').hidden = open < MOST
}

rows.find(({ url }) => url === eventUrl).open()
startChat(document.querySelector('.chat'))
