import { expect } from 'chai'
import fc from 'fast-check'
import { type Gap, gapFrame } from '../../src/topics/gap.js'
import { anyText } from '../support/any-text.js'
import { parsed } from '../support/parsed.js'

const gap: Gap = { requested: 'a.1', earliest: 'a.5', latest: 'a.9', lost: 3, reason: 'expired' }

describe('gapFrame', () => {
  it('tells of a gap, and of the position behind it', () => {
    expect(gapFrame(gap, 'a.4')).to.equal(
      'id: a.4\nevent: stream:gap\ndata: {"requested":"a.1","earliest":"a.5","latest":"a.9","lost":3,"reason":"expired"}\n\n',
    )
  })

  it('leaves the client the position it has, where none is given', () => {
    expect(
      gapFrame({ requested: 'b.2', earliest: null, latest: null, lost: null, reason: 'epoch', topic: 'b' }),
    ).to.equal(
      'event: stream:gap\ndata: {"requested":"b.2","earliest":null,"latest":null,"lost":null,"reason":"epoch","topic":"b"}\n\n',
    )
  })

  it('is one event, whatever the client asked for', () => {
    fc.assert(
      fc.property(anyText(), requested => {
        const [event, ...more] = parsed(gapFrame({ ...gap, requested }))

        expect(more).to.deep.equal([])
        expect(event?.event).to.equal('stream:gap')
        expect(JSON.parse(event?.data ?? '')).to.deep.equal({ ...gap, requested })
      }),
    )
  })
})
