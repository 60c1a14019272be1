import { expect } from 'chai'
import { HttpError } from 'okapi'
import { decode } from '../../src/bodies/text.js'

describe('decode', () => {
  it('reads bytes by the charset of the body', () => {
    expect(decode(Buffer.from('Zürich'), 'text/plain')).to.equal('Zürich')
    expect(decode(Buffer.from('Zürich', 'latin1'), 'text/plain; charset=ISO-8859-1')).to.equal('Zürich')
    expect(decode(Buffer.from('Zürich', 'utf16le'), 'text/plain; charset=utf-16le')).to.equal('Zürich')
    expect(decode(Buffer.from('Zürich'))).to.equal('Zürich')
  })

  it('refuses a charset that nobody knows', () => {
    expect(() => decode(Buffer.of(), 'text/plain; charset=klingon'))
      .to.throw(HttpError, 'The charset klingon of the body is unknown')
      .with.property('statusCode', 415)
  })

  it('refuses bytes that are no text', () => {
    expect(() => decode(Buffer.of(0xff, 0xfe, 0xfd), 'text/plain'))
      .to.throw(HttpError, 'The body is no text in the charset utf-8')
      .with.property('statusCode', 400)
  })
})
