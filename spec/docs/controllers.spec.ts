import { expect } from 'chai'
import { IsString } from 'class-validator'
import { Body, Controller, Get, Header, Query } from 'okapi'
import { convert } from '../../src/convert.js'
import { ask, posting } from '../support/ask.js'
import { examplesOf } from '../support/examples.js'
import { codesIn, tableAfter } from '../support/papers.js'
import { refusal } from '../support/refusal.js'
import { closeAll, serve } from '../support/serve.js'

const paper = 'docs/controllers.md'

/** What the compiler keeps of a type. */
const kept: Record<string, unknown> = { number: Number, boolean: Boolean, bigint: BigInt, Date }

describe(paper, () => {
  const examples = examplesOf(paper)

  afterEach(closeAll)

  it('prices: answers, converts, refuses and redirects', async () => {
    const url = `${(await examples.serve('prices')).url}/prices`
    const { headers } = await fetch(`${url}/OKP`)

    expect(headers.get('cache-control')).to.equal('max-age=5')
    expect(await ask(`${url}/OKP`)).to.equal('200 {"symbol":"OKP","price":"12.50"}')
    expect(await ask(`${url}/OKP?digits=1`)).to.equal('200 {"symbol":"OKP","price":"12.5"}')
    expect(await ask(`${url}/OKP?digits=one`)).to.match(/^400 .*is not a number/)
    expect(await ask(`${url}/latest`)).to.equal('200 {"symbol":"OKP","price":"12.50"}')
    expect(await ask(`${url}/NEW?price=3`, { method: 'POST' })).to.equal('201 {"symbol":"NEW","price":3}')
    expect(await ask(`${url}/NEW`, { method: 'POST' })).to.match(/^400 .*is missing/)
    expect(await ask(`${url}/NEW`, { method: 'DELETE' })).to.equal('204 ')
    expect(await ask(`${url}/NEW`)).to.match(/^404 .*There is no price of NEW/)
  })

  it('serves the classes that an app is given, and no others', async () => {
    @Controller('/given')
    class Given {
      @Get()
      answer() {
        return 'given'
      }
    }

    @Controller('/declared')
    class Declared {
      @Get()
      answer() {
        return 'declared'
      }
    }

    const { url } = await serve([Given])

    expect(await ask(`${url}/given`)).to.equal('200 given')
    expect(await ask(`${url}/declared`)).to.match(/^404 /)
    expect(Declared).to.be.a('function')
  })

  it('stops the boot with the class, the method and the parameter', async () => {
    @Controller('/wrong')
    class Wrong {
      @Get()
      answer(@Body() body: string) {
        return body
      }
    }

    expect(await refusal([Wrong])).to.match(/^Wrong\.answer, parameter 0\b.*@Body\(\)/)
  })

  for (const [type = '', takes = ''] of tableAfter(paper, '<!-- check: types -->').slice(0, 4)) {
    const [name = ''] = codesIn(type)
    const [taken = '', refused = ''] = takes.split('; not ')

    for (const text of codesIn(taken)) {
      it(`takes ${text} for a ${name}`, () => {
        expect(convert(text, kept[name])).to.have.property('value').that.does.not.equal(text)
      })
    }

    for (const text of codesIn(refused)) {
      it(`does not take ${text} for a ${name}`, () => {
        expect(convert(text, kept[name])).not.to.have.property('value')
      })
    }
  }

  it('has a row for each type that text is converted to', () => {
    const told = tableAfter(paper, '<!-- check: types -->').map(([type]) => codesIn(type)[0] ?? type)

    expect(told).to.deep.equal([...Object.keys(kept), 'an array'])
    expect(convert('', Number)).not.to.have.property('value')
    expect(convert('12', Array)).to.deep.equal({ value: ['12'] })
    expect(convert(['12', '13'], Array)).to.deep.equal({ value: ['12', '13'] })
  })

  it('is right in what is done with enums, and in what is refused at boot', async () => {
    // biome-ignore lint/style/noEnum: what is told of
    enum Colour {
      Red = 'red',
    }
    // biome-ignore lint/style/noEnum: what is told of
    enum Level {
      Low,
    }
    class Place {
      @IsString()
      name!: string
    }

    @Controller('/kept')
    class Kept {
      @Get()
      kept(@Query('colour') colour: Colour, @Query('level') level: Level) {
        return [colour, level]
      }
    }

    @Controller('/map')
    class OfMap {
      @Get()
      map(@Query('map') _map: Map<string, string>) {}
    }

    @Controller('/dto')
    class OfDto {
      @Get()
      dto(@Header('place') _place: Place) {}
    }
    const { url } = await serve([Kept])

    expect(await ask(`${url}/kept?colour=green&level=7`)).to.equal('200 ["green",7]')
    expect(await ask(`${url}/kept?level=low`)).to.match(/^400 /)
    expect(await refusal([OfMap])).to.match(/@Query\('map'\) gives nothing that is a Map/)
    expect(await refusal([OfDto])).to.match(/@Header\('place'\) gives one text, which is no Place/)
  })

  it('is right that the compiler keeps no type of a default value', async () => {
    @Controller('/default')
    class Default {
      @Get('/told')
      told(@Query('digits') digits: number = 2) {
        return { is: typeof digits }
      }
    }

    @Controller('/default')
    class Untold {
      @Get()
      digits(@Query('digits') digits = 2) {
        return { is: typeof digits }
      }
    }

    @Controller('/default')
    class Unchecked {
      @Get()
      digits(@Query('digits', { validate: false }) digits = 2) {
        return { is: typeof digits }
      }
    }

    const { url } = await serve([Default])

    expect(await ask(`${url}/default/told?digits=5`)).to.equal('200 {"is":"number"}')
    expect(await refusal([Untold])).to.contain("the type of @Query('digits') is not kept at run time")
    const unchecked = await serve([Unchecked])
    expect(await ask(`${unchecked.url}/default?digits=5`)).to.equal('200 {"is":"string"}')
  })

  it('takes options behind the name, or alone', async () => {
    @Controller('/options')
    class Options {
      @Get()
      behind(@Query('ids', { required: true, items: Number }) ids: number[]) {
        return ids
      }
    }

    const { url } = await serve([Options])

    expect(await ask(`${url}/options?ids=1&ids=2`)).to.equal('200 [1,2]')
    expect(await ask(`${url}/options`)).to.match(/^400 .*is missing/)
    expect(await ask(`${url}/options`, posting({}))).to.match(/^405 /)
  })
})
