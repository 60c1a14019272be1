import { expect } from 'chai'
import { Batch, Publication, type Publisher } from '../../src/topics/publication.js'

describe('Batch', () => {
  it('gives each event its place, and counts the characters', () => {
    const batch = new Batch()

    expect([batch.add('data: 1\n\n'), batch.add('data: 22\n\n')]).to.deep.equal([0, 1])
    expect(batch.texts).to.deep.equal(['data: 1\n\n', 'data: 22\n\n'])
    expect(batch.characters).to.equal(19)
  })

  it('tells the sequence of its first event, to those who asked before and after', async () => {
    const batch = new Batch()
    const before = [batch.first(), batch.first()]

    batch.resolve(7)

    expect(await Promise.all([...before, batch.first()])).to.deep.equal([7, 7, 7])
  })

  it('tells what it failed with, to those who asked before and after', async () => {
    const batch = new Batch()
    const error = new Error('disk full')
    const before = batch.first().catch(reason => reason)

    batch.reject(error)

    expect(await before).to.equal(error)
    expect(await batch.first().catch(reason => reason)).to.equal(error)
  })

  it('knows whether somebody has asked for each of its events', () => {
    const [heard, half, unheard] = [new Batch(), new Batch(), new Batch()]
    for (const batch of [heard, half, unheard]) for (const text of ['a', 'b']) batch.add(text)

    for (const batch of [heard, heard, half]) batch.first().catch(() => {})

    expect([heard, half, unheard].map(({ isHeard }) => isHeard)).to.deep.equal([true, false, false])
  })
})

describe('Publication', () => {
  /** The third event of a batch, of which `published` knows what becomes. */
  function publicationOf(published: Publisher['published']): Publication {
    return new Publication({ published }, new Batch(), 2)
  }

  it('asks for its own place in its batch', async () => {
    const batch = new Batch()
    const publisher: Publisher = {
      async published(asked, index) {
        return `${asked === batch} ${this === publisher} ${index}`
      },
    }

    expect(await new Publication(publisher, batch, 2)).to.equal('true true 2')
  })

  it('is a promise of a position, for whoever awaits it', async () => {
    const publication = publicationOf(async () => 'e.1')

    expect(await publication).to.equal('e.1')
    expect(await publication.then(position => position.length)).to.equal(3)
    expect(await publication.then()).to.equal('e.1')
    expect(await publication.finally()).to.equal('e.1')
    expect(await publication.catch(() => 'failed')).to.equal('e.1')
    expect(String(publication)).to.equal('[object Publication]')
  })

  it('costs nothing until it is awaited, and little however often', async () => {
    let made = 0
    const publication = publicationOf(async () => `e.${++made}`)
    await Promise.resolve()
    expect(made).to.equal(0)

    expect(await Promise.all([publication, publication, publication])).to.deep.equal(['e.1', 'e.1', 'e.1'])
  })

  it('disturbs no one when it fails and nobody awaits it', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown): unknown => unhandled.push(reason)
    process.on('unhandledRejection', note)

    publicationOf(() => Promise.reject(new Error('disk full')))

    await new Promise(resolve => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unhandled).to.deep.equal([])
  })

  it('rejects for those who await it', async () => {
    const error = new Error('disk full')
    const publication = publicationOf(() => Promise.reject(error))

    expect(await publication.catch(reason => reason)).to.equal(error)
    expect(await publication.then(undefined, reason => reason)).to.equal(error)
    let tidied = false
    const tidy = (): void => {
      tidied = true
    }
    expect(await publication.finally(tidy).catch(reason => reason)).to.equal(error)
    expect(tidied).to.equal(true)
  })
})
