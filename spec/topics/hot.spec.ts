import { expect } from 'chai'
import type { JournalEntry } from 'okapi'
import { frameText, Hot } from '../../src/topics/hot.js'
import { chunksOf } from '../support/unchunked.js'

const LIMIT = 1 << 15

function entry(sequence: number, text = `data: ${sequence}\n\n`): JournalEntry {
  return { sequence, at: 0, text }
}

function entries(first: number, last: number): JournalEntry[] {
  return Array.from({ length: last - first + 1 }, (_, index) => entry(first + index))
}

/** What a client reads out of a chunk. */
function textOf(chunk: { bytes: Buffer } | undefined): string | undefined {
  return chunk && Buffer.concat(chunksOf(chunk.bytes)).toString()
}

describe('Hot', () => {
  it('frames the events of one time as one chunk, each with its position as its id', () => {
    const hot = new Hot('e')
    hot.add(entries(1, 2))

    const chunk = hot.after(0, LIMIT)

    expect(chunk?.bytes.toString()).to.equal('22\r\nid: e.1\ndata: 1\n\nid: e.2\ndata: 2\n\n\r\n')
    expect(chunk).to.include({ first: 1, last: 2 })
  })

  it('counts the bytes of a chunk, not its characters', () => {
    const hot = new Hot('e')
    hot.add([entry(1, 'data: größe 😀\n\n')])

    expect(hot.after(0, LIMIT)?.bytes.toString()).to.equal('1c\r\nid: e.1\ndata: größe 😀\n\n\r\n')
  })

  it('gives the very same bytes to all at the same position', () => {
    const hot = new Hot('e')
    for (let n = 1; n < 4; n++) hot.add([entry(n)])

    for (const position of [0, 1, 2]) {
      expect(hot.after(position, LIMIT)).to.be.an('object').and.equal(hot.after(position, LIMIT))
    }
    expect(textOf(hot.after(0, LIMIT))).to.equal('id: e.1\ndata: 1\n\nid: e.2\ndata: 2\n\nid: e.3\ndata: 3\n\n')
  })

  it('joins anew what has more behind it meanwhile', () => {
    const hot = new Hot('e')
    hot.add([entry(1)])
    hot.add([entry(2)])
    expect(hot.after(0, LIMIT)).to.include({ last: 2 })

    hot.add([entry(3)])

    expect(hot.after(0, LIMIT)).to.include({ first: 1, last: 3 })
  })

  it('joins about as much as it is asked for, and at least one chunk', () => {
    const hot = new Hot('e')
    for (let n = 1; n <= 100; n++) hot.add([entry(n, `data: ${'x'.repeat(100)}\n\n`)])

    const joined = hot.after(0, 1_000)

    expect(joined?.bytes.length).to.be.within(500, 1_100)
    expect(hot.after(0, 1_000)).to.equal(joined)
    expect(hot.after(0, 1)).to.include({ first: 1, last: 1 })
    expect(hot.after(99, 1)).to.include({ first: 100, last: 100 })
  })

  it('begins in the middle of a chunk for who has read half of it', () => {
    const hot = new Hot('e')
    hot.add(entries(1, 4))
    hot.add(entries(5, 6))

    expect(textOf(hot.after(2, LIMIT))).to.equal([3, 4, 5, 6].map(n => `id: e.${n}\ndata: ${n}\n\n`).join(''))
    expect(textOf(hot.after(5, LIMIT))).to.equal('id: e.6\ndata: 6\n\n')
  })

  it('has nothing behind the newest, before the oldest, or where it is empty', () => {
    const hot = new Hot('e')
    expect(hot.after(0, LIMIT)).to.equal(undefined)
    hot.add(entries(5, 6))

    expect(hot.after(3, LIMIT)).to.equal(undefined)
    expect(hot.after(4, LIMIT)).to.include({ first: 5 })
    expect(hot.after(6, LIMIT)).to.equal(undefined)
  })

  it('forgets what lies before a hole', () => {
    const hot = new Hot('e')
    hot.add(entries(1, 2))

    hot.add(entries(4, 5))

    expect(hot.after(0, LIMIT)).to.equal(undefined)
    expect(hot.after(2, LIMIT)).to.equal(undefined)
    expect(hot.after(3, LIMIT)).to.include({ first: 4, last: 5 })
  })

  it('forgets everything when it is cleared', () => {
    const hot = new Hot('e')
    hot.add(entries(1, 2))
    hot.after(0, LIMIT)

    hot.clear()

    expect(hot.after(0, LIMIT)).to.equal(undefined)
  })

  describe('When it is trimmed', () => {
    it('lets go of what the log has no longer', () => {
      const hot = new Hot('e')
      for (let n = 1; n < 4; n++) hot.add([entry(n)])
      hot.after(0, LIMIT)

      hot.trim(3, 3)

      expect(hot.after(0, LIMIT)).to.equal(undefined)
      expect(hot.after(1, LIMIT)).to.equal(undefined)
      expect(hot.after(2, LIMIT)).to.include({ first: 3 })
    })

    it('keeps a chunk of which the log has still some', () => {
      const hot = new Hot('e')
      hot.add(entries(1, 4))

      hot.trim(4, 4)

      expect(hot.after(0, LIMIT)).to.include({ first: 1, last: 4 })
    })

    it('keeps 256 KiB for those a little behind, and more only while somebody is on the way to it', () => {
      const hot = new Hot('e')
      const text = `data: ${'x'.repeat(100_000)}\n\n`
      for (let n = 1; n <= 5; n++) hot.add([entry(n, text)])

      hot.trim(1, 1)
      expect(hot.after(0, LIMIT)).to.equal(undefined)
      expect(hot.after(1, LIMIT)).to.include({ first: 2 })

      hot.trim(1, 5)
      expect(hot.after(2, LIMIT)).to.equal(undefined)
      expect(hot.after(3, LIMIT)).to.include({ first: 4 })
    })
  })
})

describe('frameText', () => {
  it('makes one chunk of text', () => {
    expect(frameText('data: ü\n\n').toString()).to.equal('a\r\ndata: ü\n\n\r\n')
  })
})
