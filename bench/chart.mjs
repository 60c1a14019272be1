// Draws what CPU an event costs, beside hand-written node:http: for the README.
import { figures } from './cases.mjs'

const SHOWN = ['one stream', 'many streams', 'burst', 'paced', 'idle']
const LABELS = { idle: 'memory of a connection that only listens' }
const BAR = 16
const LEFT = 120
const WIDTH = 760

/**
 * An SVG with a panel for each case. Bars are in steps of ten: the peers differ by orders of magnitude.
 *
 * @param cases the cases with their results
 * @param median of numbers
 */
export function chart(cases, median) {
  const panels = cases.filter(({ name }) => SHOWN.includes(name))
  let y = 0
  const drawn = panels.map(panel => {
    const at = y
    y += 30 + panel.servers.length * (BAR + 4) + 16
    return `<g transform="translate(0 ${at})">${draw(panel, median)}</g>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-label="Cost beside hand-written node:http, less is better">
<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
rect { fill: #8c959f }
.okapi { fill: #b4561f }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }
</style>
${drawn.join('\n')}
</svg>
`
}

function draw({ name, title, base = 'node', servers, results }, median) {
  const { of } = figures[name === 'idle' ? 'memory' : name === 'short streams' ? 'cpuPerConnection' : 'cpu']
  const ratios = servers.map(server =>
    median(results.get(server).map((result, round) => of(result) / of(results.get(base)[round]))),
  )
  const most = Math.max(10, ...ratios)
  const scale = (WIDTH - LEFT - 70) / Math.log10(most * 10)
  const bars = servers.map((server, index) => {
    const ratio = ratios[index]
    const width = Math.max(2, Math.log10(ratio * 10) * scale).toFixed(1)
    const y = 30 + index * (BAR + 4)
    return `<text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${server}</text>
<rect class="${server}" x="${LEFT}" y="${y}" width="${width}" height="${BAR}" rx="2"/>
<text x="${LEFT + Number(width) + 6}" y="${y + 12}">${ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(0)}</text>`
  })
  const what = LABELS[name] ?? `CPU of an event: ${title}`
  return `<text class="title" x="0" y="18">${what}</text>\n${bars.join('\n')}`
}
