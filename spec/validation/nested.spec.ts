import { expect } from 'chai'
import { Transform, Type } from 'class-transformer'
import { IsInt, ValidateNested } from 'class-validator'
import { Body, Controller, DefinitionError, Post } from 'okapi'
import { checkNested } from '../../src/validation/nested.js'
import { refusal } from '../support/refusal.js'

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

describe('checkNested', () => {
  const check = (type: new () => object) => () => checkNested('Orders.add, parameter 0', type)

  it('refuses a nested DTO that nobody would make, by the name of its property', () => {
    expect(check(Bare)).to.throw(
      DefinitionError,
      'Orders.add, parameter 0: Bare.item has @ValidateNested() without a type, so that nothing would be valid: add @Type(() => Item)',
    )
    expect(check(BareItems)).to.throw(DefinitionError, /BareItems\.items .* add @Type\(\(\) => Item\)$/)
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
