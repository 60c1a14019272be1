import { expect } from 'chai'

interface Missing {
  unknown: boolean
  onGap(gap: { lost: number | null }): void
  onMarket(number: number): void
  onPosition(id: string): void
  onQuote(number: number, id: string): void
}

describe('Missing, by which the page of prices counts what never came', () => {
  let missing: Missing

  beforeEach(async () => {
    const url = new URL('../../../sample/page/missing.js', import.meta.url)
    const script = (await import(url.href)) as { Missing: new () => Missing }
    missing = new script.Missing()
    missing.onMarket(10)
    missing.onPosition('one.10')
  })

  it('misses nothing where each number follows the last, be it told twice', () => {
    for (const number of [11, 12, 12, 13]) missing.onQuote(number, `one.${number}`)

    expect(String(missing)).to.equal('0')
  })

  it('counts the numbers that were passed over', () => {
    missing.onQuote(12, 'one.12')
    missing.onQuote(15, 'one.15')

    expect(String(missing)).to.equal('3')
  })

  it('counts what the market stands for after a gap', () => {
    missing.onQuote(11, 'one.11')
    missing.onGap({ lost: 30 })
    missing.onMarket(20)
    missing.onQuote(21, 'one.50')

    expect(String(missing)).to.equal('9')
  })

  it('cannot count what was lost when the server was started anew', () => {
    missing.onQuote(11, 'one.11')
    missing.onGap({ lost: null })
    missing.onMarket(3)
    const told = String(missing)
    missing.onQuote(4, 'two.4')

    expect([told, String(missing), missing.unknown]).to.deep.equal(['unknown', 'unknown', true])
  })

  it('counts on within the new life, and says that it is not all', () => {
    missing.onGap({ lost: null })
    missing.onMarket(3)
    missing.onQuote(6, 'two.6')

    expect(String(missing)).to.equal('at least 2')
  })

  it('tells another life by its ids, where no gap is told', () => {
    missing.onQuote(11, 'one.11')
    missing.onMarket(500)
    missing.onPosition('two.700')
    missing.onQuote(501, 'two.701')

    expect(String(missing)).to.equal('unknown')
  })
})
