import { expect } from 'chai'
import { begin } from '../../src/topics/rounds.js'
import { turns, until } from '../support/until.js'

/** Works until it has to stop. */
function spin(deadline: number): void {
  while (performance.now() <= deadline);
}

describe('Rounds', () => {
  it('begin when the code that runs now is done, together', async () => {
    const order: string[] = []
    for (const name of ['a', 'b']) {
      begin({
        go: () => {
          order.push(name)
          return true
        },
      })
    }
    order.push('now')

    await new Promise(resolve => process.nextTick(resolve))

    expect(order).to.deep.equal(['now', 'a', 'b'])
  })

  it('end when everybody was told', async () => {
    let went = 0
    begin({
      go: () => {
        went++
        return true
      },
    })

    await turns(5)

    expect(went).to.equal(1)
  })

  it('go on in the next turn of the event loop, and let it turn in between', async () => {
    const order: string[] = []
    let left = 3
    begin({
      go: deadline => {
        order.push('round')
        spin(deadline)
        left--
        return left === 0
      },
    })
    while (left > 0) {
      await turns(1)
      order.push('turn')
    }

    expect(order.join(' ')).to.match(/^round (turn )+round (turn )+round turn$/)
  })

  it('take turns, so that one without end does not keep the others', async () => {
    let ends = false
    let went = 0
    begin({
      go: deadline => {
        spin(deadline)
        return ends
      },
    })
    begin({
      go: () => {
        went++
        return true
      },
    })

    await until(() => went === 1, 'the turn of the other')
    ends = true
    await turns(5)
    expect(went).to.equal(1)
  })

  it('that begin in a turn whose time is spent wait for the next one', async () => {
    const order: string[] = []
    begin({
      go: deadline => {
        spin(deadline)
        begin({
          go: () => {
            order.push('late')
            return true
          },
        })
        return true
      },
    })
    await new Promise(resolve => process.nextTick(() => process.nextTick(() => process.nextTick(resolve))))
    order.push('same turn')

    await until(() => order.length === 2, 'the late one')

    expect(order).to.deep.equal(['same turn', 'late'])
  })
})
