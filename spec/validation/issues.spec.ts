import { expect } from 'chai'
import { ValidationError } from 'class-validator'
import { InvalidRequestError } from 'okapi'
import { invalid, issuesOf } from '../../src/validation/issues.js'

describe('invalid', () => {
  it('names the value in one sentence', () => {
    const sentence = (...given: Parameters<typeof invalid>): string | undefined => invalid(...given).issues[0]?.detail

    expect(sentence('body', '', 'object', 'is missing')).to.equal('The body is missing')
    expect(sentence('body', 'a', 'required', 'is missing')).to.equal('The property "a" of the body is missing')
    expect(sentence('query', 'a', 'number', 'is not a number')).to.equal('The query parameter "a" is not a number')
    expect(sentence('header', 'a', 'required', 'is missing')).to.equal('The header "a" is missing')
    expect(invalid('path', 'a', 'date', 'is not a date')).to.be.instanceOf(InvalidRequestError)
  })
})

describe('issuesOf', () => {
  const error = (fields: Partial<ValidationError>): ValidationError => Object.assign(new ValidationError(), fields)

  it('gives each constraint the path to its property', () => {
    const price = error({ property: 'price', constraints: { min: 'too low', isInt: 'not whole' } })
    const first = error({ property: '0', children: [price] })

    expect(issuesOf('body', [error({ property: 'items', children: [first] })], 'order')).to.deep.equal([
      { in: 'body', property: 'order.items.0.price', constraint: 'min', detail: 'too low' },
      { in: 'body', property: 'order.items.0.price', constraint: 'isInt', detail: 'not whole' },
    ])
  })

  it('names the object around an unknown value', () => {
    const unknown = error({ constraints: { unknownValue: 'unknown' } })

    expect(issuesOf('body', [error({ property: 'one', children: [unknown] })], '')).to.deep.equal([
      { in: 'body', property: 'one', constraint: 'unknownValue', detail: 'unknown' },
    ])
  })

  it('tells the first hundred of very many, and looks at no more', () => {
    const item = (n: number): ValidationError => error({ property: `${n}`, constraints: { isInt: 'not whole' } })
    const children = Array.from({ length: 100 }, (_, n) => item(n))
    const last = error({})
    Object.defineProperty(last, 'constraints', { get: () => expect.fail('looks at one more') })

    const issues = issuesOf('body', [error({ property: 'items', children: [...children, last] })], '')

    expect(issues).to.have.length(100)
    expect(issues.at(-1)).to.deep.equal({
      in: 'body',
      property: 'items.99',
      constraint: 'isInt',
      detail: 'not whole',
    })
  })
})
