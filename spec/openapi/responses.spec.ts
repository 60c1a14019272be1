import { expect } from 'chai'
import { IsInt } from 'class-validator'
import {
  Controller,
  describeApi,
  Get,
  Html,
  HttpCode,
  Param,
  Post,
  Redirect,
  Returns,
  SetHeader,
  SSE,
  View,
} from 'okapi'

class Price {
  @IsInt()
  cents!: number
}

interface Priced {
  cents: number
}

class Unruly {
  anything = 1
}

@Controller()
class Prices {
  @Get('/unknown')
  unknown() {}
  @Get('/promise')
  async promise(): Promise<Price> {
    return { cents: 1 }
  }
  @Get('/interface')
  interface(): Priced {
    return { cents: 1 }
  }
  @Get('/dto')
  dto(): Price {
    return { cents: 1 }
  }
  @Get('/unruly')
  unruly(): Unruly {
    return new Unruly()
  }
  @Get('/text')
  text(): string {
    return ''
  }
  @Get('/number')
  number(): number {
    return 1
  }
  @Get('/html')
  html(): Html {
    return new Html('')
  }
  @Get('/view')
  view(): View {
    return new View('page', {})
  }
  @Post('/created')
  @HttpCode(201)
  created(): Price {
    return { cents: 1 }
  }
  @Post('/nothing')
  @HttpCode(204)
  nothing(): string {
    return ''
  }
  @Get('/csv')
  @SetHeader('content-type', 'text/CSV; charset=utf-8')
  csv() {
    return ''
  }
  @Get('/moved')
  @Redirect('/', 301)
  moved() {}
  @Post('/several')
  @Returns([Price])
  @Returns(Price, { status: 201, description: 'It is new' })
  @Returns(Uint8Array, { status: 203 })
  @Returns(String, { status: 206, contentType: 'text/csv' })
  @Returns(null, { status: 202 })
  several() {}
  @Post('/gone')
  @Returns()
  gone() {}
  @Post('/strange')
  @HttpCode(299)
  @Returns(Price)
  strange() {}
  @Get('/one/:id')
  one(@Param('id') id: number): number {
    return id
  }
  @SSE('/stream')
  *stream() {
    yield 1
  }
  @SSE('/silent', { end: 'id' })
  *silent() {
    yield 1
  }
  @SSE('/post', { method: 'POST' })
  @HttpCode(201)
  *post() {
    yield 1
  }
}

const { paths } = describeApi([Prices], { info: { title: 'Prices', version: '1' } })
const ref = { $ref: '#/components/schemas/Price' }

function answersOf(path: string): object {
  const [operation] = Object.values(paths[path] ?? {})
  const { default: _, ...answers } = operation?.responses ?? {}
  return answers
}

describe('answersOf', () => {
  it('goes by the type that a method is written to return', () => {
    expect(answersOf('/dto')).to.deep.equal({
      200: { description: 'OK', content: { 'application/json': { schema: ref } } },
    })
    expect(answersOf('/number')).to.deep.equal({
      200: { description: 'OK', content: { 'application/json': { schema: { type: 'number' } } } },
    })
    for (const [path, type] of [
      ['/text', 'text/plain'],
      ['/html', 'text/html'],
      ['/view', 'text/html'],
    ] as const) {
      expect(answersOf(path)).to.deep.equal({
        200: { description: 'OK', content: { [type]: { schema: { type: 'string' } } } },
      })
    }
  })

  it('knows no more of a method that says nothing than that it answers', () => {
    for (const path of ['/unknown', '/promise', '/interface', '/unruly'])
      expect(answersOf(path)).to.deep.equal({ 200: { description: 'OK' }, 204: { description: 'No Content' } })
  })

  it('goes by @HttpCode, @SetHeader and @Redirect', () => {
    expect(answersOf('/created')).to.deep.equal({
      201: { description: 'Created', content: { 'application/json': { schema: ref } } },
    })
    expect(answersOf('/nothing')).to.deep.equal({ 204: { description: 'No Content' } })
    expect(answersOf('/csv')).to.deep.equal({ 200: { description: 'OK', content: { 'text/csv': {} } } })
    expect(answersOf('/moved')).to.deep.equal({
      301: {
        description: 'Moved Permanently',
        headers: {
          Location: { description: 'Where to go instead.', schema: { type: 'string', format: 'uri-reference' } },
        },
      },
    })
  })

  it('goes by @Returns before all', () => {
    expect(answersOf('/several')).to.deep.equal({
      200: { description: 'OK', content: { 'application/json': { schema: { type: 'array', items: ref } } } },
      201: { description: 'It is new', content: { 'application/json': { schema: ref } } },
      202: { description: 'Accepted' },
      203: { description: 'Non-Authoritative Information', content: { 'application/octet-stream': {} } },
      206: { description: 'Partial Content', content: { 'text/csv': { schema: { type: 'string' } } } },
    })
    expect(answersOf('/gone')).to.deep.equal({ 204: { description: 'No Content' } })
    expect(answersOf('/strange')).to.have.property('299').that.has.property('description', 'Status 299')
  })
})

describe('streamAnswers', () => {
  it('tells that a client that comes back to a stream that was over is answered 204', () => {
    expect(Object.keys(answersOf('/stream'))).to.deep.equal(['200', '204', '400'])
    expect(Object.keys(answersOf('/silent'))).to.deep.equal(['200', '204', '400'])
    expect(Object.keys(answersOf('/post'))).to.deep.equal(['201'])
  })
})

describe('refusalsOf', () => {
  it('tells of problem details: for what is read, for what is named, and for all others', () => {
    const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }

    expect(paths['/one/{id}']?.get?.responses).to.deep.include({
      400: { description: 'Bad Request', content: problem },
      404: { description: 'Not Found', content: problem },
      default: { description: 'Any other error', content: problem },
    })
    expect(Object.keys(paths['/dto']?.get?.responses ?? {})).to.deep.equal(['200', 'default'])
  })
})
