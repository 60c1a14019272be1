import { expect } from 'chai'
import { IsInt, IsOptional } from 'class-validator'
import { textReader } from '../../src/validation/text.js'

class Page {
  @IsInt()
  size!: number

  @IsInt()
  page = 1

  @IsOptional()
  exact?: boolean
}

describe('textReader', () => {
  it('converts text to the types of the properties, which a default value tells too', () => {
    const page = Object.assign(new Page(), { size: '20', page: '3', exact: 'true' })

    textReader(Page)(page)

    expect(page).to.deep.equal(Object.assign(new Page(), { size: 20, page: 3, exact: true }))
  })

  it('leaves text that does not convert, and what has no type', () => {
    const page = Object.assign(new Page(), { size: '20px', exact: null, more: '5' })

    textReader(Page)(page)

    expect(page).to.deep.equal(Object.assign(new Page(), { size: '20px', exact: null, more: '5' }))
  })
})
