import { Chart } from './chart.js'

/** Milliseconds to wait where EventSource gives up. */
const COME_BACK = 2_000

const viewer = crypto.randomUUID()
const chart = new Chart(document.querySelector('.chart'))
const rows = new Map([...document.querySelectorAll('#quotes > tr')].map(row => [row.dataset.symbol, row]))
let last
let connections = 0
let sinceCut = 0
let missing = 0

function connect() {
  const source = new EventSource(`/prices/live?viewer=${viewer}`)
  source.addEventListener('open', () => {
    show('#connections', ++connections)
    showState('connected', 'Connected')
  })
  source.addEventListener('error', () => {
    showState('reconnecting', 'Reconnecting…')
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, COME_BACK)
  })
  listen(source, 'market', onMarket)
  listen(source, 'price', onQuote)
  listen(source, 'viewers', ({ viewers }) => show('#viewers', viewers))
}

function listen(source, type, take) {
  source.addEventListener(type, ({ data }) => take(JSON.parse(data)))
}

/** The whole market: on the first visit, or where what was missed is no longer kept. */
function onMarket({ quotes, number, viewers }) {
  for (const quote of quotes) showQuote(quote)
  show('#viewers', viewers)
  show('#number', number)
  last = number
}

function onQuote(quote) {
  if (last !== undefined) missing += quote.number - last - 1
  last = quote.number
  if (connections > 1) show('#since-cut', ++sinceCut)
  show('#missing', missing)
  show('#number', quote.number)
  showQuote(quote)
}

function showQuote({ symbol, price, change }) {
  const row = rows.get(symbol)
  const cell = row.querySelector('.price')
  const before = Number(cell.textContent)
  cell.textContent = price.toFixed(2)
  row.querySelector('.change').textContent = `${change.toFixed(2)} %`
  row.dataset.trend = change < 0 ? 'down' : 'up'
  if (price !== before) row.dataset.moved = row.dataset.moved === 'a' ? 'b' : 'a'
  chart.add(symbol, price)
}

function choose(symbol) {
  for (const [name, row] of rows) row.querySelector('button').setAttribute('aria-pressed', name === symbol)
  chart.show(symbol)
}

function show(selector, value) {
  document.querySelector(selector).textContent = value
}

function showState(state, label) {
  const status = document.querySelector('#status')
  status.dataset.state = state
  status.textContent = label
}

for (const [symbol, row] of rows) row.querySelector('button').addEventListener('click', () => choose(symbol))
document.querySelector('#cut').addEventListener('click', () => {
  fetch('/prices/cut', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ viewer }),
  })
})
choose('OKP')
connect()
