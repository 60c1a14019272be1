import { expect } from 'chai'
import { IsDefined, IsInt, IsOptional, IsString, Min, ValidateNested } from 'class-validator'
import { rulesOf } from '../../src/validation/rules.js'

class Rules {
  @IsInt()
  @Min(1)
  count!: number

  @IsOptional()
  @IsString({ each: true })
  tags?: unknown

  @IsDefined()
  @ValidateNested()
  inner!: object

  @IsString({ groups: ['full'] })
  name!: string
}

describe('rulesOf', () => {
  const accept = (property: string, value: unknown, options = {}, nested = false): boolean | undefined =>
    rulesOf(Rules, options)
      ?.get(property)
      ?.accept({ [property]: value }, value, () => nested)

  it('asks every rule of a property', () => {
    expect([accept('count', 1), accept('count', 0), accept('count', 1.5)]).to.deep.equal([true, false, false])
  })

  it('asks none of an optional value that is missing', () => {
    expect([accept('tags', null), accept('tags', undefined)]).to.deep.equal([true, true])
  })

  it('asks a rule of each item of an array, and knows nothing of sets and maps', () => {
    expect([accept('tags', ['a']), accept('tags', ['a', 1]), accept('tags', 'a')]).to.deep.equal([true, false, true])
    expect(accept('tags', new Set(['a']))).to.equal(false)
  })

  it('leaves what is nested to the one who knows it', () => {
    expect([accept('inner', {}), accept('inner', {}, {}, true)]).to.deep.equal([false, true])
  })

  it('skips what the options say, but for @IsDefined', () => {
    expect(accept('count', undefined, { skipUndefinedProperties: true })).to.equal(true)
    expect(accept('count', null, { skipUndefinedProperties: true })).to.equal(false)
    expect(accept('count', null, { skipNullProperties: true })).to.equal(true)
    expect(accept('count', null, { skipMissingProperties: true })).to.equal(true)
    expect(accept('inner', null, { skipMissingProperties: true })).to.equal(false)
  })

  it('knows the rules of a group', () => {
    expect([...(rulesOf(Rules, { groups: ['full'] })?.keys() ?? [])]).to.deep.equal(['name'])
    expect([...(rulesOf(Rules, { strictGroups: true })?.keys() ?? [])]).to.deep.equal(['count', 'tags', 'inner'])
  })

  it('knows nothing of a class without rules', () => {
    expect(rulesOf(class {}, {})).to.equal(undefined)
  })
})
