import { expect } from 'chai'
import { Transform, Type } from 'class-transformer'
import { IsDate, IsInt, IsOptional, ValidateNested } from 'class-validator'
import { Body, Consumes, Controller, DefinitionError, Get, Post, Query } from 'okapi'
import { checkNested } from '../../src/validation/nested.js'
import { ask } from '../support/ask.js'
import { refusal } from '../support/refusal.js'
import { closeAll, serve } from '../support/serve.js'

class Item {
  @IsInt()
  count!: number
}

class Bare {
  @ValidateNested()
  item!: Item
}

class BareItems {
  @ValidateNested({ each: true })
  items!: Item[]
}

class Typed {
  @ValidateNested()
  @Type(() => Item)
  item!: Item

  @ValidateNested()
  @Type(() => Typed)
  within?: Typed
}

class Deep {
  @ValidateNested({ each: true })
  @Type(() => BareItems)
  all!: BareItems[]
}

class Transformed {
  @ValidateNested()
  @Transform(({ value }) => Object.assign(new Item(), value))
  item!: Item
}

class Chosen {
  @ValidateNested()
  @Type(options => (options?.object.bare ? Bare : Typed))
  item!: Bare | Typed
}

class Dated {
  @IsOptional()
  @IsDate()
  at?: Date
}

class Holiday {
  @ValidateNested()
  @Type(() => Dated)
  first!: Dated
}

class Made {
  @IsDate()
  @Type(() => Date)
  at!: Date
}

describe('checkNested', () => {
  afterEach(closeAll)

  const check = (type: new () => object) => () => checkNested('Orders.add, parameter 0', type, true)

  it('refuses a nested DTO that nobody would make, by the name of its property', () => {
    expect(check(Bare)).to.throw(
      DefinitionError,
      'Orders.add, parameter 0: Bare.item has @ValidateNested() without a type, so that nothing would be valid: add @Type(() => Item)',
    )
    expect(check(BareItems)).to.throw(DefinitionError, /BareItems\.items .* add @Type\(\(\) => Item\)$/)
  })

  it('refuses a date that JSON cannot hold, and not one that text is made', () => {
    expect(check(Dated)).to.throw(
      DefinitionError,
      'Orders.add, parameter 0: Dated.at is a Date, and JSON has none, so that nothing would be valid: add @Type(() => Date)',
    )
    expect(check(Holiday)).to.throw(DefinitionError, /: Dated\.at is a Date/)
    expect(check(Made)).not.to.throw()
    expect(() => checkNested('Orders.find, parameter 0', Dated, false)).not.to.throw()
  })

  it('knows bodies of JSON from others', async () => {
    @Controller('/orders')
    class Orders {
      @Get()
      find(@Query() when: Dated) {
        return when
      }

      @Post()
      @Consumes('application/x-www-form-urlencoded')
      add(@Body() when: Dated) {
        return when
      }
    }
    @Controller('/json')
    class Json {
      @Post()
      add(@Body() when: Dated) {
        return when
      }
    }

    expect(await refusal([Json])).to.match(/^Json\.add, parameter 0: Dated\.at is a Date/)
    const { url } = await serve([Orders])
    expect(await ask(`${url}/orders?at=2026-01-31`)).to.equal('200 {"at":"2026-01-31T00:00:00.000Z"}')
    const body = new URLSearchParams({ at: '2026-01-31' })
    expect(await ask(`${url}/orders`, { method: 'POST', body })).to.equal('200 {"at":"2026-01-31T00:00:00.000Z"}')
  })

  it('looks into nested DTOs', () => {
    expect(check(Deep)).to.throw(DefinitionError, /: BareItems\.items has /)
  })

  it('lets those pass that are made, also in a circle', () => {
    expect(check(Typed)).not.to.throw()
  })

  it('leaves alone what is transformed or chosen by the value', () => {
    expect(check(Transformed)).not.to.throw()
    expect(check(Chosen)).not.to.throw()
  })

  it('stops the boot', async () => {
    @Controller('/orders')
    class Orders {
      @Post()
      add(@Body() order: Bare) {
        return order
      }
    }

    expect(await refusal([Orders])).to.match(/^Orders\.add, parameter 0: Bare\.item has @ValidateNested\(\)/)
  })
})
