import { expect } from 'chai'
import { IsInt } from 'class-validator'
import { Body, Controller, Get, HttpCode, Param, Post, Query, SetHeader, SSE } from 'okapi'
import request from 'supertest'
import { injectable } from 'tsyringe'
import { protest, refusal } from '../support/refusal.js'
import { closeAll, serve } from '../support/serve.js'

describe('@Controller', () => {
  afterEach(closeAll)

  describe('with a prefix', () => {
    const prefixes = [
      ['', '/', '/'],
      ['', '', '/'],
      ['/', '', '/'],
      ['/', '/a', '/a'],
      ['/p', '', '/p'],
      ['/p', '/', '/p'],
      ['/p', '/a', '/p/a'],
      ['/p/', '/a', '/p/a'],
      ['/p/:id', '/a/*', '/p/7/a/b/c'],
      ['', '*', '/any/where'],
    ] as const
    for (const [prefix, path, url] of prefixes) {
      it(`serves '${prefix}' and '${path}' at ${url}`, async () => {
        @Controller(prefix)
        class Prefixed {
          @Get(path)
          get() {
            return 'here'
          }
        }
        const { app } = await serve([Prefixed])

        expect((await request(app.server).get(url)).text).to.equal('here')
      })
    }

    it('refuses one without its leading slash', () => {
      const said = protest(() => {
        @Controller('prices')
        class Prices {}
        return Prices
      })

      expect(said).to.equal("Prices: @Controller('prices') lacks the leading slash: '/prices'")
    })
  })

  describe('with a base class', () => {
    class Patch {
      @IsInt()
      n!: number
    }

    @injectable()
    class Source {
      readonly name = 'source'
    }

    @Controller('/base')
    abstract class Base {
      constructor(readonly source: Source) {}

      @Get('/kept/:id')
      @HttpCode(203)
      @SetHeader('x-base', 'yes')
      kept(@Param('id') id: number): unknown {
        return { id, by: 'base', source: this.source.name }
      }

      @Get('/bare/:id')
      bare(@Param('id') id: number): unknown {
        return { id, by: 'base' }
      }

      @Get('/moved')
      @HttpCode(203)
      @SetHeader('x-base', 'yes')
      @SetHeader('x-both', 'base')
      moved(@Query('q') q: string): unknown {
        return q
      }

      @Post('/checked')
      checked(@Body({ validate: false }) patch: object): unknown {
        return patch
      }

      @SSE('/live')
      *live(): Iterable<unknown> {
        yield 'base'
      }
    }

    @Controller('/derived')
    class Derived extends Base {
      override bare(id: number): unknown {
        return { id, by: 'derived' }
      }

      @Get('/moved/here')
      @SetHeader('x-both', 'derived')
      override moved(q: string): unknown {
        return `derived ${q}`
      }

      override checked(@Body() patch: Patch): unknown {
        return { n: patch.n, dto: patch instanceof Patch }
      }

      @Get('/own')
      own() {
        return 'own'
      }

      override *live() {
        yield* super.live()
        yield 'derived'
      }
    }

    const start = async () => (await serve([Derived])).app.server

    it('inherits its routes, and the parameters of its constructor', async () => {
      const server = await start()

      const { status, headers, body } = await request(server).get('/derived/kept/7')

      expect(status).to.equal(203)
      expect(headers['x-base']).to.equal('yes')
      expect(body).to.deep.equal({ id: 7, by: 'base', source: 'source' })
      expect((await request(server).get('/derived/own')).text).to.equal('own')
    })

    it('overrides a method without decorators under the route of its base', async () => {
      const server = await start()

      expect((await request(server).get('/derived/bare/7')).body).to.deep.equal({ id: 7, by: 'derived' })
      expect((await request(server).get('/derived/live')).text).to.match(/^data: base\n\ndata: derived\n\n/)
    })

    it('moves a method with a route of its own, and keeps what it does not say anew', async () => {
      const server = await start()

      const { status, headers, text } = await request(server).get('/derived/moved/here?q=1')
      const old = await request(server).get('/derived/moved?q=1')

      expect(status).to.equal(203)
      expect(headers).to.include({ 'x-base': 'yes', 'x-both': 'derived' })
      expect(text).to.equal('derived 1')
      expect(old.status).to.equal(404)
    })

    it('reads the parameters anew with decorators of its own', async () => {
      const server = await start()

      expect((await request(server).post('/derived/checked').send({ n: 1 })).body).to.deep.equal({ n: 1, dto: true })
      expect((await request(server).post('/derived/checked').send({ n: 'x' })).status).to.equal(400)
    })

    it('leaves another class with the same base as it was', async () => {
      @Controller('/other')
      class Other extends Base {}
      const { app } = await serve([Derived, Other])

      expect((await request(app.server).get('/other/moved?q=1')).text).to.equal('1')
      expect((await request(app.server).get('/other/bare/7')).body).to.deep.equal({ id: 7, by: 'base' })
    })

    it('is a controller only if it says so itself', async () => {
      class Silent extends Derived {}

      expect(await refusal([Silent])).to.equal('Silent: is not a controller: give the class @Controller(prefix)')
    })

    it('lays the options of its own streams over those of no base', async () => {
      @Controller('/retrying', { streamOptions: { retry: 5 } })
      class Retrying extends Base {}
      const { app } = await serve([Retrying, Derived])

      expect((await request(app.server).get('/retrying/live')).text).to.match(/^retry: 5\n\ndata: base\n\n/)
      expect((await request(app.server).get('/derived/live')).text).to.match(/^data: base\n\n/)
    })
  })
})
