import { Type } from 'class-transformer'
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsEmail,
  IsEnum,
  IsIn,
  IsInt,
  IsISO8601,
  IsOptional,
  IsPositive,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator'
import {
  Body,
  Consumes,
  Controller,
  Cookie,
  Delete,
  Doc,
  Event,
  event,
  File,
  Get,
  Header,
  HttpCode,
  html,
  LastEventId,
  NotFoundError,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Redirect,
  Returns,
  SetHeader,
  SSE,
  type Subscription,
  Topics,
  UploadedFile,
} from 'okapi'

const Unit = { Piece: 'piece', Kilo: 'kilo' } as const

export class Article {
  @Matches(/^[A-Z]{3}-\d{3}$/)
  @Doc({ description: 'Three letters and three digits.' })
  sku!: string

  @IsString()
  @Length(1, 40)
  name!: string

  @IsPositive()
  price!: number

  @IsEnum(Unit)
  unit!: string

  @IsOptional()
  @IsString({ each: true })
  @ArrayMaxSize(3)
  tags?: string[]
}

export class Line {
  @Matches(/^[A-Z]{3}-\d{3}$/)
  sku!: string

  @IsInt()
  @Min(1)
  @Max(99)
  count = 1
}

export class Address {
  @IsString()
  street!: string

  @IsString()
  @Length(2, 2)
  country!: string
}

export class Order {
  @ValidateNested({ each: true })
  @Type(() => Line)
  @ArrayMinSize(1)
  lines!: Line[]

  @ValidateNested()
  @Type(() => Address)
  @IsOptional()
  address?: Address

  @IsEmail()
  email!: string

  @IsOptional()
  @IsISO8601()
  at?: string
}

export class Contact {
  @IsEmail()
  email!: string

  @IsInt()
  @Min(1)
  @Max(5)
  stars!: number
}

export class Ordered {
  @IsInt()
  id!: number

  @IsInt()
  pieces!: number
}

export class Search {
  @IsOptional()
  @IsString()
  text?: string

  @IsInt()
  @Min(1)
  page = 1

  @IsOptional()
  @IsIn(['name', 'price'])
  by?: string
}

export class Stock {
  @Matches(/^[A-Z]{3}-\d{3}$/)
  sku!: string

  @IsInt()
  left!: number
}

@Doc({ description: 'What there is to buy', security: [] })
@Controller('/articles')
export class Articles {
  @Doc({ summary: 'Looks for articles' })
  @Get()
  @Returns([Article])
  search(
    @Query() search: Search,
    @Header('accept-language') language: string,
    @Query('ids', { items: String }) ids: string[],
  ) {
    return language === '' || search.page > 1 || ids ? [] : [article('AAA-001')]
  }

  @Get('/:sku([A-Z]{3}-[0-9]{3})')
  @Returns(Article)
  one(@Param('sku') sku: string): Article {
    if (sku.startsWith('X')) throw new NotFoundError(`There is no article ${sku}`)
    return article(sku)
  }

  @Doc({ security: ['bearer', { key: [], bearer: [] }] })
  @Put('/:sku')
  @Returns(Article, { description: 'It was there already' })
  @Returns(Article, { status: 201, description: 'It is new' })
  put(@Param('sku') _sku: string, @Body() article: Article) {
    return article
  }

  @Doc({ deprecated: true, security: 'bearer' })
  @Patch('/:sku')
  patch(@Param('sku') sku: string, @Body('price', { required: true }) price: number) {
    return { sku, price }
  }

  @Doc({ security: 'bearer' })
  @Delete('/:sku')
  @Returns()
  remove(@Param('sku') _sku: string) {}

  @Get('/latest')
  @Redirect('/shop/articles/AAA-001', 303)
  latest() {}

  @Get('/:sku/sheet')
  @SetHeader('content-type', 'text/csv; charset=utf-8')
  sheet(@Param('sku') sku: string) {
    return `sku\n${sku}\n`
  }

  @Get('/:sku/page')
  page(@Param('sku') sku: string) {
    return html`<h1>${sku}</h1>`
  }

  @Get('/:sku/files/*')
  file(@Param('*') path: string): string {
    return path
  }
}

@Controller('/orders')
export class Orders {
  @Post()
  @HttpCode(201)
  @Returns(Ordered)
  order(@Body() { lines }: Order, @Cookie('visit') _visit: string): Ordered {
    return { id: 7, pieces: lines.reduce((sum, { count }) => sum + count, 0) }
  }

  @Get('/count')
  count(@Query('since') since: Date, @Query('open') open: boolean = false): number {
    return since || open ? 1 : 2
  }

  @Post('/note')
  note(@Body() text: string): string {
    return text
  }

  @Post('/contact')
  @Consumes('application/x-www-form-urlencoded')
  @Returns()
  contact(@Body() _contact: Contact) {}

  @Post('/:id/picture')
  @Returns()
  picture(@Param('id') _id: number, @File('picture', { required: true }) _picture: UploadedFile) {}

  @Post('/import')
  @Returns(Number)
  import(@Body({ items: Line }) lines: Line[]) {
    return lines.length
  }

  @Event('line', Ordered)
  @Event(String)
  @SSE('/progress', { method: 'POST' })
  *progress(@Body() { lines }: Order) {
    for (const [index, { count }] of lines.entries()) yield event('line', { id: index, pieces: count })
    yield 'over'
  }
}

@Controller('/stock')
export class Stocks {
  constructor(private readonly topics: Topics) {}

  @Event('stock', Stock, { id: true })
  @SSE('/live', { end: 'event' })
  live(): Subscription {
    const topic = this.topics.get<Stock>('stock')
    for (let left = 9; left > 0; left--) topic.publish(event('stock', { sku: 'AAA-001', left }))
    return topic.subscribe({ from: 'start' })
  }

  @Event('stock', Stock)
  @Event('stock', Number)
  @Event('empty')
  @SSE('/:sku', { ids: 'uuid' })
  *one(@Param('sku') sku: string, @LastEventId() _last: string) {
    if (sku.startsWith('X')) throw new NotFoundError()
    yield event('stock', { sku: 'AAA-001', left: 3 })
    yield event('stock', 2)
    yield event('empty')
  }

  @SSE('/anything')
  *anything() {
    yield event('whatever', { it: 'is' })
    yield 1
  }
}

/** What the shop says of itself. */
export const shopApi = {
  info: {
    title: 'A shop',
    version: '2.1.0',
    description: 'Sells *anything*.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: 'https://shop.example', name: 'production' }],
  securitySchemes: {
    bearer: { type: 'http' as const, scheme: 'bearer', bearerFormat: 'JWT' },
    key: { type: 'apiKey' as const, in: 'header', name: 'x-key' },
  },
  security: 'key',
  tags: [{ name: 'Orders', summary: 'Orders', description: 'What was bought', kind: 'nav' }],
}

/** The controllers of the shop. */
export const shop = [Articles, Orders, Stocks]

function article(sku: string): Article {
  return { sku, name: 'Something', price: 1.5, unit: 'piece' }
}
