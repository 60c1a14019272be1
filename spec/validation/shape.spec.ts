import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { expect } from 'chai'
import { Expose, plainToInstance, Transform, Type } from 'class-transformer'
import * as rules from 'class-validator'
import { type ValidatorOptions, validate } from 'class-validator'
import fc from 'fast-check'
import type { DtoClass } from '../../src/validation/dto.js'
import { unsure } from '../../src/validation/plain.js'
import { shapeOf } from '../../src/validation/shape.js'

class Item {
  @rules.IsString()
  name!: string

  @rules.IsInt()
  @rules.Min(1)
  count = 1
}

class Order {
  @rules.ValidateNested({ each: true })
  @Type(() => Item)
  items!: Item[]

  @rules.IsOptional()
  @rules.IsDate()
  @Type(() => Date)
  due?: Date

  @rules.IsOptional()
  @rules.ValidateNested()
  @Type(() => Order)
  before?: Order

  total = 0
}

describe('A shape', () => {
  it('makes the same instance as class-transformer, of what follows the rules', () => {
    const plain = { items: [{ name: 'tea', colour: 1 }], due: '2026-01-31', before: { items: [] }, total: 5 }

    const made = take(Order, plain, { whitelist: true })

    const items = [Object.assign(new Item(), { name: 'tea' })]
    const bare = new Order() as Partial<Order>
    delete bare.total
    const before = Object.assign(Object.create(Order.prototype), bare, { items: [] })
    assert.deepStrictEqual(
      made,
      Object.assign(Object.create(Order.prototype), { items, due: new Date('2026-01-31'), before }),
    )
  })

  it('takes nothing of a prototype from outside', () => {
    const made = take(Item, JSON.parse('{"name":"tea","__proto__":{"count":7},"constructor":1}'), { whitelist: true })

    assert.deepStrictEqual(made, Object.assign(new Item(), { name: 'tea' }))
  })

  it('is unsure of what breaks a rule, and of a value that stands too deep', () => {
    const nested = (depth: number): object => (depth === 0 ? { items: [] } : { items: [], before: nested(depth - 1) })

    expect(take(Item, { name: 5 }, {})).to.equal(unsure)
    expect(take(Order, nested(90), {})).to.be.instanceOf(Order)
    expect(take(Order, nested(110), {})).to.equal(unsure)
  })

  it('is unsure of a default value that would be checked inside', () => {
    class Parcel {
      @rules.ValidateNested()
      @Type(() => Item)
      item = new Item()
    }

    expect(take(Parcel, {}, {})).to.equal(unsure)
    expect(take(Parcel, { item: { name: 'tea' } }, {})).to.be.instanceOf(Parcel)
  })

  it('is unsure of what is no plain object, where a class does not say what it is', () => {
    class Anything {
      @rules.Allow()
      value: unknown
    }

    expect(take(Anything, { value: { a: [1, { b: null }] } }, {})).to.deep.equal({ value: { a: [1, { b: null }] } })
    for (const value of [new Date(), new Map(), { toString: 1 }]) {
      expect(take(Anything, { value }, {})).to.equal(unsure)
    }
  })

  describe('is left to class-transformer and class-validator for', () => {
    const custom: PropertyDecorator = (target, name) =>
      rules.registerDecorator({
        name: 'isTea',
        target: target.constructor,
        propertyName: String(name),
        validator: { validate: value => value === 'tea' },
      })

    @rules.ValidatorConstraint({ name: 'isString' })
    class Own {
      validate(value: unknown): boolean {
        return value === 'tea'
      }
    }

    const decorated: Record<string, PropertyDecorator[]> = {
      'a rule of the user': [custom],
      'a class of the user with the name of another rule': [rules.Validate(Own)],
      'a condition': [rules.ValidateIf(() => false), rules.IsString()],
      'a rule with a condition': [rules.IsString({ validateIf: () => false } as object)],
      'a rule with a class of the user': [rules.IsInstance(Item)],
      'a function of the user that compares nested objects': [
        rules.ArrayUnique(item => item),
        rules.ValidateNested(),
        Type(() => Item),
      ],
      'a promise': [rules.ValidatePromise(), rules.IsString()],
      '@Transform': [rules.IsString(), Transform(({ value }) => value)],
      '@Expose': [rules.IsString(), Expose({ name: 'other' })],
      '@Type that depends on the object': [rules.IsString(), Type(given => (given?.object ? String : Number))],
      '@Type with subclasses': [
        rules.ValidateNested(),
        Type(() => Item, { discriminator: { property: 'kind', subTypes: [{ value: Item, name: 'item' }] } }),
      ],
      '@ValidateNested without @Type': [rules.ValidateNested()],
      '@Type of a class without @ValidateNested': [rules.IsObject(), Type(() => Item)],
      '@Type of a class of the language': [rules.IsObject(), Type(() => Map)],
      'a nested class without rules': [rules.ValidateNested(), Type(() => class {})],
    }

    for (const [what, decorators] of Object.entries(decorated)) {
      it(what, () => {
        class One {}
        for (const decorate of decorators) decorate(One.prototype, 'value')
        class Around {}
        rules.ValidateNested()(Around.prototype, 'one')
        Type(() => One)(Around.prototype, 'one')

        expect(shapeOf(One, {})).to.equal(undefined)
        expect(shapeOf(Around, {})).to.equal(undefined)
      })
    }

    it('getters and setters', () => {
      class Accessor extends Item {
        set price(value: number) {
          this.count = value
        }
      }

      expect(shapeOf(Accessor, {})).to.equal(undefined)
    })

    it('a property that is a method, or that every object has', () => {
      class Method {
        name() {}
      }
      rules.IsString()(Method.prototype, 'name')
      class Inherited {}
      rules.IsString()(Inherited.prototype, 'toString')

      expect(shapeOf(Method, {})).to.equal(undefined)
      expect(shapeOf(Inherited, {})).to.equal(undefined)
    })

    it('a class that extends one of the language', () => {
      class List extends Array {}
      rules.IsString()(List.prototype, 'name')

      expect(shapeOf(List, {})).to.equal(undefined)
    })
  })

  it('takes only what class-validator takes, and makes of it what class-transformer makes', async function () {
    this.timeout(60_000)
    let taken = 0
    let judged = 0
    const one = fc.tuple(
      options,
      classes.chain(made => fc.tuple(fc.constant(made.type), fc.array(made.values, { minLength: 8, maxLength: 8 }))),
    )
    await fc.assert(
      fc.asyncProperty(one, async ([given, [type, values]]) => {
        for (const plain of values) {
          if (shapeOf(type, given) === undefined) continue
          judged++
          const made = take(type, plain, given)
          if (made === unsure) continue
          taken++
          const expected = plainToInstance(type, structuredClone(plain))
          expect(await validate(expected, given)).to.deep.equal([])
          // Classes, the order of the properties and invalid dates show in it.
          expect(inspect(made, { depth: null })).to.equal(inspect(expected, { depth: null }))
        }
      }),
      { numRuns: 300 },
    )
    expect(taken).to.be.above(judged / 10)
  })
})

/** The instance that a shape makes and takes for valid; or `unsure`. */
function take(type: DtoClass, plain: object, given: ValidatorOptions): unknown {
  const shape = shapeOf(type, given)
  if (shape === undefined) throw new Error(`${type.name} has no shape`)
  const made = shape.read(plain, 0)
  return made !== unsure && shape.accepts(made as object) ? made : unsure
}

const flag = fc.constantFrom(undefined, true, false)
const options: fc.Arbitrary<ValidatorOptions> = fc
  .record({
    whitelist: fc.constantFrom(true, true, false),
    forbidNonWhitelisted: fc.constantFrom(false, false, true),
    forbidUnknownValues: flag,
    skipMissingProperties: flag,
    skipUndefinedProperties: flag,
    skipNullProperties: flag,
    groups: fc.constantFrom(undefined, undefined, ['some']),
    always: flag,
    strictGroups: flag,
  })
  .map(given => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)))

/** A class, and plain values that may follow its rules. */
interface Made {
  type: DtoClass
  values: fc.Arbitrary<object>
}

interface Field {
  decorators: PropertyDecorator[]
  declared: unknown
  value: fc.Arbitrary<unknown>
  initial?: unknown
}

type Decorate = (given: rules.ValidationOptions) => PropertyDecorator

const text = fc.constantFrom('', 'tea', 'two words', '5', '1.5', 'true', 'a@example.org', '2026-01-31', 'b'.repeat(30))
const number = fc.constantFrom(0, 1, -1, 1.5, 99, 1e21)
const kinds: [value: fc.Arbitrary<unknown>, declared: unknown, types: unknown[], decorators: Decorate[]][] = [
  [
    text,
    String,
    [String],
    [
      rules.IsString,
      rules.IsNotEmpty,
      about => rules.IsEmail(undefined, about),
      about => rules.IsUUID('4', about),
      about => rules.IsUrl(undefined, about),
      about => rules.Length(1, 10, about),
      about => rules.MinLength(3, about),
      about => rules.MaxLength(5, about),
      about => rules.Matches(/e/, about),
      about => rules.IsIn(['tea', '5', 5], about),
      about => rules.IsEnum({ a: 'tea', b: 5 }, about),
      about => rules.IsDateString(undefined, about),
      about => rules.IsNumberString(undefined, about),
      about => rules.Contains('e', about),
    ],
  ],
  [
    number,
    Number,
    [Number],
    [
      rules.IsInt,
      about => rules.IsNumber({ maxDecimalPlaces: 1 }, about),
      rules.IsPositive,
      about => rules.Min(1, about),
      about => rules.Max(50, about),
      about => rules.IsDivisibleBy(3, about),
      about => rules.NotEquals(99, about),
    ],
  ],
  [fc.boolean(), Boolean, [Boolean], [rules.IsBoolean, about => rules.Equals(true, about)]],
  [
    fc.oneof(text, number),
    Date,
    [Date],
    [rules.IsDate, about => rules.MinDate(new Date(1), about), rules.IsDefined, rules.IsNotEmpty],
  ],
  [fc.object({ maxDepth: 2 }), Object, [], [rules.IsObject, about => rules.IsNotEmptyObject({}, about), rules.Allow]],
]

/** What decorators say of one property, and values for it. */
const plainField: fc.Arbitrary<Field> = fc.constantFrom(...kinds).chain(([value, declared, types, decorators]) =>
  fc
    .record({
      chosen: fc.subarray(decorators, { minLength: 1, maxLength: Math.min(2, decorators.length) }),
      type: fc.constantFrom(undefined, ...types),
      isTyped: fc.constant(declared === Date),
      more: fc.subarray<Decorate>([rules.IsOptional, rules.IsDefined]),
      each: fc.boolean(),
      lists: fc.subarray<Decorate>([
        rules.IsArray,
        about => rules.ArrayMinSize(1, about),
        about => rules.ArrayMaxSize(2, about),
        rules.ArrayNotEmpty,
        about => rules.ArrayUnique(undefined, about),
      ]),
      groups: fc.constantFrom<(string[] | undefined)[]>(undefined, undefined, undefined, ['some'], ['other']),
      initial: fc.constantFrom(undefined, undefined, 'tea', 1, null, new Set(['', 'tea'])),
    })
    .map(({ chosen, type, isTyped, more, each, lists, groups, initial }) => {
      const about = { ...(each ? { each } : {}), ...(groups ? { groups } : {}) }
      const converts = type ?? (isTyped ? declared : undefined)
      return {
        decorators: [
          ...chosen.map(decorate => decorate(about)),
          ...more.map(decorate => decorate({})),
          ...(each ? lists.map(decorate => decorate({})) : []),
          ...(converts ? [Type(() => converts as DtoClass)] : []),
        ],
        declared: each ? Array : declared,
        value: each ? fc.oneof(fc.array(value, { maxLength: 3 }), value) : value,
        initial,
      }
    }),
)

function nestedField({ type, values }: Made): fc.Arbitrary<Field> {
  return fc.record({ many: fc.boolean(), optional: fc.boolean() }).map(({ many, optional }) => ({
    decorators: [rules.ValidateNested({ each: many }), Type(() => type), ...(optional ? [rules.IsOptional()] : [])],
    declared: many ? Array : type,
    value: many
      ? fc.array(fc.oneof({ weight: 9, arbitrary: values }, fc.constantFrom(null, 5, [])), { maxLength: 3 })
      : values,
  }))
}

const anyClass = (fields: fc.Arbitrary<Field[]>): fc.Arbitrary<Made> => fields.map(classOf)
const leaf = anyClass(fc.array(plainField, { minLength: 1, maxLength: 4 }))
const classes: fc.Arbitrary<Made> = fc.oneof(
  leaf,
  leaf.chain(inner => anyClass(fc.tuple(nestedField(inner), plainField))),
  leaf.chain(inner =>
    anyClass(fc.tuple(nestedField(inner), plainField)).chain(middle => anyClass(fc.tuple(nestedField(middle)))),
  ),
)

let made = 0

function classOf(fields: Field[]): Made {
  const initial = fields.flatMap((field, index) => (field.initial === undefined ? [] : [[`p${index}`, field.initial]]))
  class Dto {
    constructor() {
      Object.assign(this, Object.fromEntries(initial))
    }
  }
  Object.defineProperty(Dto, 'name', { value: `Dto${made++}` })
  for (const [index, { decorators, declared }] of fields.entries()) {
    Reflect.defineMetadata('design:type', declared, Dto.prototype, `p${index}`)
    for (const decorate of decorators) decorate(Dto.prototype, `p${index}`)
  }
  const odd = fc.constantFrom(undefined, null, '', 'tea', 5, NaN, [], [null], {}, { a: { b: 1 } })
  const parts = fields.map(({ value }, index) =>
    fc
      .oneof(
        { weight: 12, arbitrary: value.map(one => [[`p${index}`, one]]) },
        { weight: 1, arbitrary: odd.map(one => [[`p${index}`, one]]) },
        { weight: 1, arbitrary: fc.constant([]) },
      )
      .map(entries => entries as [string, unknown][]),
  )
  const unknown = fc.oneof(
    { weight: 8, arbitrary: fc.constant([]) },
    fc.constantFrom('more', 'constructor', '__proto__', 'toString').chain(name => odd.map(one => [[name, one]])),
  )
  const values = fc.tuple(...parts, unknown as fc.Arbitrary<[string, unknown][]>).map(all => plainOf(all.flat()))
  return { type: Dto, values }
}

/** An object as JSON.parse makes it: `__proto__` is a key like others. */
function plainOf(entries: [string, unknown][]): object {
  const plain = {}
  for (const [name, value] of entries) {
    Object.defineProperty(plain, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return plain
}
