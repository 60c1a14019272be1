import { Chart } from './chart.js'
import { Missing } from './missing.js'
import { post } from './post.js'

/** Milliseconds to wait where EventSource gives up. */
const COME_BACK = 2_000

const viewer = crypto.randomUUID()
const chart = new Chart(document.querySelector('.chart'))
const rows = new Map([...document.querySelectorAll('#quotes > tr')].map(row => [row.dataset.symbol, row]))
const missing = new Missing()
let connections = 0
/** The connection that was cut: quotes since then come by later ones. */
let cut = Number.POSITIVE_INFINITY
let sinceCut = 0

function connect() {
  const source = new EventSource(`/prices/live?viewer=${viewer}`)
  source.addEventListener('open', () => {
    show('#connections', ++connections)
    show('#cut-note', '')
    showState('connected', 'Connected')
  })
  source.addEventListener('error', () => {
    showState('reconnecting', 'Reconnecting…')
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, COME_BACK)
  })
  listen(source, 'stream:gap', onGap)
  listen(source, 'market', onMarket)
  listen(source, 'price', onQuote)
  listen(source, 'viewers', onViewers)
}

function listen(source, type, take) {
  source.addEventListener(type, ({ data, lastEventId }) => take(JSON.parse(data), lastEventId))
}

/** What was missed is no longer kept: the market follows. */
function onGap(gap) {
  missing.onGap(gap)
  showMissing()
}

/** The whole market: on the first visit, and after a gap. */
function onMarket({ quotes, number, viewers }) {
  missing.onMarket(number)
  for (const quote of quotes) showQuote(quote)
  show('#viewers', viewers)
  show('#number', number)
}

function onQuote(quote, id) {
  missing.onQuote(quote.number, id)
  if (connections > cut) show('#since-cut', ++sinceCut)
  showMissing()
  show('#number', quote.number)
  showQuote(quote)
}

function onViewers({ viewers }, id) {
  missing.onPosition(id)
  showMissing()
  show('#viewers', viewers)
}

async function cutConnection() {
  const connection = connections
  show('#cut-note', '')
  try {
    await post('/prices/cut', { viewer })
    cut = connection
    sinceCut = 0
    show('#since-cut', 0)
  } catch (error) {
    show('#cut-note', error.message)
  }
}

function showQuote({ symbol, price, change }) {
  const row = rows.get(symbol)
  const cell = row.querySelector('.price')
  const before = Number(cell.textContent)
  cell.textContent = price.toFixed(2)
  row.querySelector('.change').textContent = `${change.toFixed(2)} %`
  row.dataset.trend = ['down', 'flat', 'up'][Math.sign(change) + 1]
  if (price !== before) row.dataset.moved = row.dataset.moved === 'a' ? 'b' : 'a'
  chart.add(symbol, price)
}

function choose(symbol) {
  for (const [name, row] of rows) row.querySelector('button').setAttribute('aria-pressed', name === symbol)
  chart.show(symbol)
}

function showMissing() {
  show('#missing', missing)
  show(
    '#missing-note',
    missing.unknown ? 'The log of the server began anew. How many quotes came in between cannot be known.' : '',
  )
}

/** Shows a text, unless it stands there already: a live region would be read out again. */
function show(selector, value) {
  const element = document.querySelector(selector)
  if (element.textContent !== String(value)) element.textContent = value
}

function showState(state, label) {
  const status = document.querySelector('#status')
  status.dataset.state = state
  status.textContent = label
}

for (const [symbol, row] of rows) {
  const button = row.querySelector('button')
  button.disabled = false
  button.addEventListener('click', () => choose(symbol))
}
document.querySelector('#cut').addEventListener('click', cutConnection)
choose('OKP')
connect()
