import { expect } from 'chai'
import { Exclude, Expose, Type } from 'class-transformer'
import {
  Allow,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsDate,
  IsDefined,
  IsIBAN,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  Min,
  MinLength,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator'
import { Doc, type Schema, type ValidationOptions } from 'okapi'
import { Schemas } from '../../src/openapi/schemas.js'
import type { DtoClass } from '../../src/validation/dto.js'

class Line {
  @IsString()
  symbol!: string

  @IsInt()
  @Min(1)
  count = 1
}

@Doc({ description: 'What somebody wants', deprecated: true })
class Order {
  @ValidateNested({ each: true })
  @ArrayMinSize(1)
  @Type(() => Line)
  lines!: Line[]

  @ValidateNested()
  @IsOptional()
  bonus?: Line

  @IsIn(['fast', 'cheap'])
  @IsOptional()
  way?: string

  @IsDate()
  @Type(() => Date)
  @Doc({ description: 'When it is wanted', deprecated: true, examples: ['2026-01-31T12:00:00Z'] })
  at!: Date

  @IsString({ each: true })
  tags: string[] = ['new']
}

function schemaOf(dto: DtoClass, options?: ValidationOptions): Schema {
  const schemas = new Schemas(options)
  const { $ref } = schemas.ref(dto)
  return schemas.components[($ref as string).split('/').at(-1) as string] as Schema
}

function propertyOf(dto: DtoClass, name = 'value'): unknown {
  return (schemaOf(dto).properties as Schema)[name]
}

describe('Schemas', () => {
  it('says of a DTO what its rules, its types and its first values say', () => {
    const schemas = new Schemas()
    schemas.ref(Order)

    expect(schemas.components).to.deep.equal({
      Order: {
        type: 'object',
        description: 'What somebody wants',
        deprecated: true,
        properties: {
          lines: { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/Line' } },
          bonus: { anyOf: [{ $ref: '#/components/schemas/Line' }, { type: 'null' }] },
          way: { enum: ['fast', 'cheap', null] },
          at: {
            type: 'string',
            format: 'date-time',
            description: 'When it is wanted',
            deprecated: true,
            examples: ['2026-01-31T12:00:00Z'],
          },
          tags: { type: 'array', items: { type: 'string' }, default: ['new'] },
        },
        required: ['lines', 'at'],
      },
      Line: {
        type: 'object',
        properties: { symbol: { type: 'string' }, count: { type: 'integer', minimum: 1, default: 1 } },
        required: ['symbol'],
      },
    })
  })

  it('takes what a class inherits, and what its base says in documents', () => {
    class Small extends Line {
      @MinLength(2)
      declare symbol: string
    }

    expect(schemaOf(Small).properties).to.deep.equal({
      symbol: { type: 'string', minLength: 2 },
      count: { type: 'integer', minimum: 1, default: 1 },
    })
  })

  it('follows a class that holds its own kind', () => {
    class Tree {
      @ValidateNested({ each: true })
      @Type(() => Tree)
      @IsArray()
      branches!: Tree[]
    }

    expect(propertyOf(Tree, 'branches')).to.deep.equal({ type: 'array', items: { $ref: '#/components/schemas/Tree' } })
  })

  it('tells two classes of one name apart, and gives a class without a name one', () => {
    const made = () => {
      class Twin {
        @IsString()
        name!: string
      }
      return Twin
    }
    const nameless = (() => class {})() as DtoClass
    IsString()(nameless.prototype, 'name')
    Object.defineProperty(nameless, 'name', { value: '' })
    const schemas = new Schemas()

    const refs = [made(), made(), nameless].map(dto => schemas.ref(dto).$ref)

    expect(refs).to.deep.equal(['Twin', 'Twin_2', 'Anonymous'].map(name => `#/components/schemas/${name}`))
  })

  it('knows the variants of a property by what tells them apart', () => {
    class Cat {
      @IsString()
      kind!: string
    }
    class Dog {
      @IsString()
      kind!: string
    }
    class Owner {
      @ValidateNested()
      @Type(() => Object, {
        discriminator: {
          property: 'kind',
          subTypes: [
            { value: Cat, name: 'cat' },
            { value: Dog, name: 'dog' },
          ],
        },
      })
      @IsDefined()
      pet!: Cat | Dog
    }

    expect(propertyOf(Owner, 'pet')).to.deep.include({
      oneOf: [{ $ref: '#/components/schemas/Cat' }, { $ref: '#/components/schemas/Dog' }],
      discriminator: {
        propertyName: 'kind',
        mapping: { cat: '#/components/schemas/Cat', dog: '#/components/schemas/Dog' },
      },
    })
  })

  it('goes by the type of the compiler where no rule says what a value is', () => {
    class Loose {
      @IsNotEmpty()
      name!: string
      @IsDefined()
      list!: unknown[]
      @IsDefined()
      anything: unknown
      @IsDefined()
      unchecked!: Line
      @Allow()
      count!: number
    }

    expect(schemaOf(Loose)).to.deep.equal({
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1 },
        list: { type: 'array', items: {} },
        anything: {},
        unchecked: {},
        count: { type: ['number', 'null'] },
      },
      required: ['name', 'list', 'anything', 'unchecked'],
    })
  })

  it('tells the type alone of what has a rule of the user, or one that no keyword can say', () => {
    const IsEven = () => ValidateBy({ name: 'isEven', validator: { validate: value => Number(value) % 2 === 0 } })
    class Account {
      @IsEven()
      count!: number
      @IsEven()
      @IsOptional()
      either?: number | string
      @IsIBAN()
      iban!: string
    }

    expect(schemaOf(Account)).to.deep.equal({
      type: 'object',
      properties: { count: { type: 'number' }, either: {}, iban: { type: 'string' } },
      required: ['count', 'iban'],
    })
  })

  it('takes a property with a condition for optional', () => {
    class Conditional {
      @ValidateIf(() => true)
      @IsString()
      value!: string
    }

    expect(schemaOf(Conditional)).to.deep.equal({ type: 'object', properties: { value: { type: 'string' } } })
  })

  it('lets null through where class-validator does', () => {
    class Nullable {
      @IsOptional()
      @IsBoolean()
      flag?: boolean
      @IsOptional()
      @IsIn(['a', null])
      either?: string
    }

    expect(propertyOf(Nullable, 'flag')).to.deep.equal({ type: ['boolean', 'null'] })
    expect(propertyOf(Nullable, 'either')).to.deep.equal({ enum: ['a', null] })
  })

  it('names a property as class-transformer does, and leaves out what it keeps out', () => {
    class Renamed {
      @Expose({ name: 'the_name' })
      @IsString()
      name!: string
      @Exclude()
      @IsString()
      secret!: string
      @Exclude({ toPlainOnly: true })
      @IsString()
      password!: string
    }
    @Exclude()
    class Closed {
      @Expose()
      @IsString()
      open!: string
      @IsString()
      closed!: string
    }

    expect(Object.keys(schemaOf(Renamed).properties as object)).to.deep.equal(['password', 'the_name'].reverse())
    expect(Object.keys(schemaOf(Closed).properties as object)).to.deep.equal(['open'])
  })

  it('keeps to the options of class-validator', () => {
    class Grouped {
      @IsString({ groups: ['a'] })
      a!: string
      @IsString({ groups: ['b'] })
      b!: string
    }

    expect(schemaOf(Grouped, { groups: ['a'] }).properties).to.have.keys('a')
    expect(schemaOf(Line, { forbidNonWhitelisted: true })).to.have.property('additionalProperties', false)
    expect(schemaOf(Line, { skipMissingProperties: true })).to.not.have.property('required')
    expect(schemaOf(Line, { skipUndefinedProperties: true })).to.not.have.property('required')
  })

  it('does without first values of a class that cannot be made of nothing', () => {
    class Stubborn {
      @IsInt()
      count = 1
      constructor() {
        throw new Error('No')
      }
    }

    expect(schemaOf(Stubborn)).to.deep.equal({
      type: 'object',
      properties: { count: { type: 'integer' } },
      required: ['count'],
    })
  })

  it('knows the classes of the language, and arrays of anything', () => {
    const schemas = new Schemas()

    expect(
      [String, Number, Boolean, Date, Uint8Array, Object, [Number]].map(shape => schemas.of('here', shape as never)),
    ).to.deep.equal([
      { type: 'string' },
      { type: 'number' },
      { type: 'boolean' },
      { type: 'string', format: 'date-time' },
      { type: 'string', contentEncoding: 'base64' },
      {},
      { type: 'array', items: { type: 'number' } },
    ])
  })

  it('refuses a class without rules', () => {
    class Bare {}

    expect(() => new Schemas().of('Prices.price', Bare)).to.throw(/^Prices.price: its type Bare has no rules/)
  })
})
