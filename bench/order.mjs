// An order as a DTO with rules of class-validator, and one that follows them: what the validated POST is measured with.
import 'reflect-metadata'
import { Type } from 'class-transformer'
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsEmail,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Length,
  Max,
  Min,
  ValidateNested,
} from 'class-validator'

export class Address {}
rule(Address, 'street', String, [IsString(), Length(1, 100)])
rule(Address, 'city', String, [IsString(), Length(1, 50)])
rule(Address, 'country', String, [IsIn(['CH', 'DE', 'FR'])])

export class Item {}
rule(Item, 'symbol', String, [IsString(), Length(1, 20)])
rule(Item, 'count', Number, [IsInt(), Min(1), Max(1_000)])
rule(Item, 'price', Number, [IsNumber(), Min(0)])

export class Order {}
rule(Order, 'email', String, [IsEmail()])
rule(Order, 'express', Boolean, [IsBoolean()])
rule(Order, 'note', String, [IsOptional(), IsString()])
rule(Order, 'address', Address, [ValidateNested(), Type(() => Address)])
rule(Order, 'items', Array, [
  ...[IsArray(), ArrayMinSize(1), ArrayMaxSize(100)],
  ...[ValidateNested({ each: true }), Type(() => Item)],
])

export const order = {
  email: 'okapi@example.org',
  express: false,
  address: { street: 'Long Lane 1', city: 'Berne', country: 'CH' },
  items: [
    { symbol: 'OKP', count: 3, price: 12.5 },
    { symbol: 'TEA', count: 1, price: 4 },
    { symbol: 'SALT', count: 10, price: 0.8 },
  ],
}

// What tsc makes of decorators, by hand: this file is run without a compiler.
function rule(type, property, declared, decorators) {
  Reflect.defineMetadata('design:type', declared, type.prototype, property)
  for (const decorate of decorators) decorate(type.prototype, property)
}
