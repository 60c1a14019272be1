import { expect } from 'chai'
import { departSoon } from '../../src/sse/departure.js'
import { turns } from '../support/until.js'

describe('departSoon', () => {
  function streamsOf(...names: string[]) {
    const gone: string[] = []
    return { gone, streams: names.map(name => ({ depart: () => void gone.push(name) })) }
  }

  it('lets streams depart behind the callbacks of this turn, in their order', async () => {
    const { gone, streams } = streamsOf('a', 'b')

    for (const stream of streams) departSoon(stream)
    await new Promise(resolve => process.nextTick(resolve))
    expect(gone).to.deep.equal([])

    await turns(1)
    expect(gone).to.deep.equal(['a', 'b'])
  })

  it('lets a thousand go in one turn, and the next one in the next, though nobody comes after it', async () => {
    const { gone, streams } = streamsOf(...Array.from({ length: 1_001 }, (_, n) => `${n}`))

    for (const stream of streams) departSoon(stream)
    await turns(1)
    expect(gone).to.have.length(1_000)

    await turns(1)
    expect(gone.slice(999)).to.deep.equal(['999', '1000'])
  })

  it('lets one that comes while others depart go in the next turn', async () => {
    const { gone, streams } = streamsOf('late')
    const [late] = streams as [(typeof streams)[number]]

    departSoon({ depart: () => departSoon(late) })
    await turns(1)
    expect(gone).to.deep.equal([])

    await turns(1)
    expect(gone).to.deep.equal(['late'])
  })

  it('does not keep the others from going when one throws, which the process is told', async () => {
    const { gone, streams } = streamsOf('a')
    const [other] = streams as [(typeof streams)[number]]
    const listeners = process.rawListeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const raised = new Promise<Error>(resolve => process.once('uncaughtException', resolve))
    try {
      departSoon({
        depart: () => {
          throw new Error('broken')
        },
      })
      departSoon(other)

      expect((await raised).message).to.equal('broken')
      expect(gone).to.deep.equal(['a'])
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of listeners) process.on('uncaughtException', listener as () => void)
    }
  })
})
