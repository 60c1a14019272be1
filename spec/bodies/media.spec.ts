import { expect } from 'chai'
import { charsetOf, isForm, isMediaRange, isWithin, mediaTypeOf } from '../../src/bodies/media.js'

describe('isMediaRange', () => {
  it('takes media types, and ranges of them', () => {
    for (const text of ['text/plain', 'application/ld+json', 'image/*', '*/*', 'application/vnd.api+json']) {
      expect(isMediaRange(text), text).to.equal(true)
    }
    for (const text of ['', 'json', '*/json', 'text/plain; charset=utf-8', 'a/b/c', 'text/', 'te xt/plain']) {
      expect(isMediaRange(text), text).to.equal(false)
    }
  })
})

describe('mediaTypeOf', () => {
  it('leaves out parameters, spaces and capitals', () => {
    expect(mediaTypeOf(' Text/Plain ; charset=UTF-8')).to.equal('text/plain')
  })
})

describe('isWithin', () => {
  it('knows which media types lie in a range', () => {
    expect(isWithin('image/png', 'image/png')).to.equal(true)
    expect(isWithin('image/png', 'image/*')).to.equal(true)
    expect(isWithin('image/png', '*/*')).to.equal(true)
    expect(isWithin('imagery/png', 'image/*')).to.equal(false)
    expect(isWithin('text/plain', 'image/*')).to.equal(false)
  })
})

describe('charsetOf', () => {
  it('reads the charset, with or without quotes', () => {
    expect(charsetOf('text/plain; a=b; Charset="latin1"')).to.equal('latin1')
    expect(charsetOf('text/plain;charset=utf-16le')).to.equal('utf-16le')
    expect(charsetOf('text/plain')).to.equal('utf-8')
  })
})

describe('isForm', () => {
  it('is true of both kinds of form', () => {
    expect(isForm('application/x-www-form-urlencoded')).to.equal(true)
    expect(isForm('multipart/form-data; boundary=x')).to.equal(true)
    expect(isForm('application/json')).to.equal(false)
    expect(isForm(undefined)).to.equal(false)
  })
})
