import { expect } from 'chai'
import { IsArray, IsBoolean, IsDate, IsInt, IsOptional, IsString } from 'class-validator'
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

  it('converts the items of arrays to what a rule for each of them says, and takes one text for an array of one', () => {
    class Lists {
      @IsInt({ each: true })
      ids!: number[]

      @IsBoolean({ each: true })
      flags!: boolean[]

      @IsDate({ each: true })
      days!: Date[]

      @IsString({ each: true })
      names!: string[]

      @IsArray()
      more!: unknown[]
    }
    const lists = Object.assign(new Lists(), {
      ids: ['1', '2x'],
      flags: 'true',
      days: '2026-01-31',
      names: ['1'],
      more: ['1'],
    })

    textReader(Lists)(lists)

    expect({ ...lists }).to.deep.equal({
      ids: [1, '2x'],
      flags: [true],
      days: [new Date('2026-01-31')],
      names: ['1'],
      more: ['1'],
    })
  })
})
