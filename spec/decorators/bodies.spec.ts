import { expect } from 'chai'
import { Consumes, Multipart } from 'okapi'
import { methodRecords } from '../../src/metadata.js'
import { protest } from '../support/refusal.js'

describe('body decorators', () => {
  class Notes {
    @Consumes('Text/Plain', 'image/*')
    text() {}

    @Multipart({ files: 1 })
    form() {}

    @Multipart()
    any() {}
  }

  it('note what a method takes', () => {
    const { text, form, any } = Object.fromEntries(methodRecords(Notes))

    expect(text).to.have.deep.property('consumes', ['text/plain', 'image/*'])
    expect(form).to.have.deep.property('uploads', { files: 1 })
    expect(any).to.have.deep.property('uploads', {})
  })

  it('refuse what is no media type', () => {
    const declare = (): unknown => {
      class Wrong {
        @Consumes('json')
        add() {}
      }
      return Wrong
    }

    expect(protest(declare)).to.equal("Wrong.add: @Consumes('json') is no media type")
  })
})
