import 'reflect-metadata'
import { expect } from 'chai'
import * as cv from 'class-validator'
import * as fc from 'fast-check'
import { describeApi, type Schema } from 'okapi'
import { keywordsOf, together } from '../../src/openapi/keywords.js'
import { Schemas } from '../../src/openapi/schemas.js'
import type { DtoClass } from '../../src/validation/dto.js'
import { Contract } from '../support/contract.js'
import { fromSchema } from '../support/from-schema.js'

/** As the compiler makes of `enum Side { Buy = 'buy', Sell = 'sell' }` and `enum Level { Low, High = 5 }`. */
const Side = { Buy: 'buy', Sell: 'sell' }
const Level = { Low: 0, High: 5, 0: 'Low', 5: 'High' }

const info = { title: 'Rules', version: '1' }

/** Each rule, and a value that breaks it. */
const rules: [name: string, rule: PropertyDecorator, type: unknown, wrong: unknown][] = [
  ['Equals', cv.Equals('a'), String, 'b'],
  ['NotEquals', cv.NotEquals('a'), String, 'a'],
  ['IsIn', cv.IsIn(['a', 1]), Object, 'b'],
  ['IsNotIn', cv.IsNotIn(['a']), String, 'a'],
  ['IsEnum of strings', cv.IsEnum(Side), String, 'Buy'],
  ['IsEnum of numbers', cv.IsEnum(Level), Number, 1],
  ['IsEmpty', cv.IsEmpty(), String, 'a'],
  ['IsNotEmpty', cv.IsNotEmpty(), String, ''],
  ['IsBoolean', cv.IsBoolean(), Boolean, 'true'],
  ['IsObject', cv.IsObject(), Object, []],
  ['IsNotEmptyObject', cv.IsNotEmptyObject(), Object, {}],
  ['IsNumber', cv.IsNumber(), Number, '1'],
  ['IsInt', cv.IsInt(), Number, 1.5],
  ['Min', cv.Min(2), Number, 1],
  ['Max', cv.Max(2), Number, 3],
  ['IsPositive', cv.IsPositive(), Number, 0],
  ['IsNegative', cv.IsNegative(), Number, 0],
  ['IsDivisibleBy', cv.IsDivisibleBy(3), Number, 4],
  ['IsLatitude', cv.IsLatitude(), Number, 91],
  ['IsLongitude', cv.IsLongitude(), Number, 181],
  ['IsString', cv.IsString(), String, 1],
  ['MinLength', cv.MinLength(2), String, 'a'],
  ['MaxLength', cv.MaxLength(2), String, 'abc'],
  ['Length', cv.Length(2, 3), String, 'a'],
  ['Length without an end', cv.Length(2), String, 'a'],
  ['Matches', cv.Matches(/^[a-c]+\d$/), String, 'abc'],
  ['Matches of a text', cv.Matches('^[a-c]+$'), String, 'd'],
  ['Contains', cv.Contains('a.b'), String, 'axb'],
  ['NotContains', cv.NotContains('a.b'), String, 'a.b'],
  ['IsAlpha', cv.IsAlpha(), String, 'a1'],
  ['IsAlphanumeric', cv.IsAlphanumeric(), String, 'a-1'],
  ['IsAscii', cv.IsAscii(), String, 'é'],
  ['IsHexadecimal', cv.IsHexadecimal(), String, 'xyz'],
  ['IsHexColor', cv.IsHexColor(), String, '#12'],
  ['IsMongoId', cv.IsMongoId(), String, 'a'],
  ['IsMilitaryTime', cv.IsMilitaryTime(), String, '24:00'],
  ['IsNumberString', cv.IsNumberString(), String, 'one'],
  ['IsBooleanString', cv.IsBooleanString(), String, 'yes'],
  ['IsPort', cv.IsPort(), String, '65536'],
  ['IsEmail', cv.IsEmail(), String, 'a'],
  ['IsUUID', cv.IsUUID(), String, 'a'],
  ['IsUUID 4', cv.IsUUID('4'), String, '0188a4c4-7c1c-7a3b-8c1d-000000000000'],
  ['IsFQDN', cv.IsFQDN(), String, '-'],
  ['IsUrl with a protocol', cv.IsUrl({ require_protocol: true }), String, 'a'],
  ['IsIP 4', cv.IsIP('4'), String, '::1'],
  ['IsIP 6', cv.IsIP('6'), String, '127.0.0.1'],
  ['IsIP', cv.IsIP(), String, 'a'],
  ['IsISO8601', cv.IsISO8601(), String, 'today'],
  ['IsDateString', cv.IsDateString(), String, 'today'],
  ['IsRFC3339', cv.IsRFC3339(), String, 'today'],
  ['IsArray', cv.IsArray(), Array, 'a'],
  ['ArrayMinSize', cv.ArrayMinSize(2), Array, [1]],
  ['ArrayMaxSize', cv.ArrayMaxSize(1), Array, [1, 2]],
  ['ArrayNotEmpty', cv.ArrayNotEmpty(), Array, []],
  ['ArrayUnique', cv.ArrayUnique(), Array, [1, 1]],
  ['ArrayNotContains', cv.ArrayNotContains([1]), Array, [1]],
  ['IsInt of each', cv.IsInt({ each: true }), Array, [1.5]],
]

function dtoWith(type: unknown, ...decorators: PropertyDecorator[]): DtoClass {
  class Dto {}
  Reflect.defineMetadata('design:type', type, Dto.prototype, 'value')
  for (const decorate of decorators) decorate(Dto.prototype, 'value')
  return Dto
}

function schemaOf(dto: DtoClass): { contract: Contract; schema: Schema } {
  const schemas = new Schemas()
  const schema = schemas.ref(dto)
  return {
    contract: new Contract({ ...describeApi([], { info }), components: { schemas: schemas.components } }),
    schema,
  }
}

function broken(dto: DtoClass, plain: object): string[] {
  const errors = cv.validateSync(Object.assign(new dto(), plain))
  return errors.flatMap(({ constraints = {} }) => Object.values(constraints))
}

describe('keywordsOf', () => {
  for (const [name, rule, type, wrong] of rules) {
    it(`lets through only what @${name} lets through`, () => {
      const dto = dtoWith(type, rule)
      const { contract, schema } = schemaOf(dto)

      fc.assert(
        fc.property(fromSchema(contract, schema), value => {
          expect(broken(dto, value as object)).to.deep.equal([])
        }),
        { numRuns: 50 },
      )
    })

    it(`refuses what @${name} refuses`, () => {
      const dto = dtoWith(type, rule)
      const { contract, schema } = schemaOf(dto)

      expect(broken(dto, { value: wrong })).to.not.deep.equal([])
      expect(contract.faults(schema, { value: wrong })).to.not.deep.equal([])
    })

    it(`says of a value that is missing what @${name} says`, () => {
      const dto = dtoWith(type, rule)
      const { contract, schema } = schemaOf(dto)

      expect(contract.faults(schema, {}).length === 0).to.equal(broken(dto, {}).length === 0)
    })
  }

  it('says nothing of a rule that it does not know, nor of one that is named like a method of objects', () => {
    for (const name of ['', 'ofTheUser', 'toString', '__proto__'])
      expect(keywordsOf({ name, constraints: [], each: false })).to.deep.equal({})
  })

  it('says of a text that it is one where the rule is more than a pattern can say', () => {
    for (const name of ['isIBAN', 'isPhoneNumber', 'isStrongPassword', 'isUrl', 'isByteLength'])
      expect(keywordsOf({ name, constraints: [], each: false })).to.deep.equal({ type: 'string' })
    expect(keywordsOf({ name: 'matches', constraints: [/a/i], each: false })).to.deep.equal({ type: 'string' })
    expect(keywordsOf({ name: 'isAlpha', constraints: ['de-DE'], each: false })).to.deep.equal({ type: 'string' })
  })

  it('knows every rule of class-validator by its name', () => {
    const names = Object.entries(cv).flatMap(([name, value]) => (/^[A-Z0-9_]+$/.test(name) ? [value as string] : []))
    const silent = names.filter(name => {
      const first = name === 'isDivisibleBy' ? 2 : /contains$/i.test(name) && !name.startsWith('array') ? 'a' : ['a']
      const constraints = [first, 'a']
      return Object.keys(keywordsOf({ name, constraints, each: false })).length === 0
    })

    // These say whether there is a value, not what it is; an instance is told by its class.
    expect(silent).to.have.members(['isDefined', 'isOptional', 'isInstance'])
  })
})

describe('together', () => {
  it('takes the narrower of two bounds, lengths and kinds of numbers', () => {
    const schemas = [
      { type: 'number', minimum: 1, maximum: 9, maxLength: 5 },
      { type: 'integer', minimum: 2, maximum: 7, maxLength: 6 },
    ]

    expect(together(schemas)).to.deep.equal({ type: 'integer', minimum: 2, maximum: 7, maxLength: 5 })
  })

  it('keeps apart what cannot be one', () => {
    expect(together([{ pattern: 'a' }, { pattern: 'b' }, { allOf: [{ not: {} }] }])).to.deep.equal({
      pattern: 'a',
      allOf: [{ not: {} }, { pattern: 'b' }],
    })
  })
})
