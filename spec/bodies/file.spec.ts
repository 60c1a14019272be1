import { expect } from 'chai'
import fc from 'fast-check'
import { filenameOf } from '../../src/bodies/file.js'

describe('filenameOf', () => {
  it('keeps the last part of a path', () => {
    expect(filenameOf('tea.png')).to.equal('tea.png')
    expect(filenameOf('../../etc/passwd')).to.equal('passwd')
    expect(filenameOf('C:\\temp\\tea.png')).to.equal('tea.png')
    expect(filenameOf('Grüße 茶.txt')).to.equal('Grüße 茶.txt')
  })

  it('has a name for what has none', () => {
    for (const text of ['', '.', '..', '/', 'a/..', '\0', '  ']) expect(filenameOf(text), text).to.equal('file')
  })

  it('leaves out what file systems and terminals stumble over', () => {
    expect(filenameOf('a\0b\r\nc\u001b[31m.png')).to.equal('abc[31m.png')
    expect(filenameOf('tea\u202egnp.exe')).to.equal('teagnp.exe')
    expect(filenameOf('a:b|c?.png')).to.equal('abc.png')
  })

  it('is as long as a file system takes, and ends with a whole character', () => {
    expect(filenameOf('a'.repeat(300))).to.equal('a'.repeat(255))
    expect(filenameOf('茶'.repeat(300))).to.equal('茶'.repeat(85))
    expect(filenameOf(`ab${'🍵'.repeat(300)}`)).to.equal(`ab${'🍵'.repeat(63)}`)
  })

  it('is never a path, never a control character, and never long', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), text => {
        const name = filenameOf(text)
        expect(name).to.match(/^[^/\\\p{C}]+$/u)
        expect(name).to.not.match(/^\.+$/)
        expect(Buffer.byteLength(name)).to.be.at.most(255)
      }),
    )
  })
})
