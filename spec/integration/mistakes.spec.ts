import { expect } from 'chai'
import { IsInt, ValidateNested } from 'class-validator'
import fastify from 'fastify'
import {
  type AppOptions,
  Body,
  Catch,
  Controller,
  type ControllerClass,
  createParameter,
  DefinitionError,
  Event,
  type EventWriter,
  File,
  filter,
  Get,
  HttpCode,
  HttpError,
  LastEventId,
  MemoryJournal,
  Multipart,
  okapi,
  Param,
  Post,
  Query,
  Redirect,
  Req,
  Returns,
  Signal,
  SSE,
  Stream,
  Tickets,
  type UploadedFile,
} from 'okapi'
import { protest, refusal } from '../support/refusal.js'

class Note {
  @IsInt()
  stars!: number
}

class Order {
  @ValidateNested({ each: true })
  notes!: Note[]
}

interface Draft {
  text: string
}

/** What a JavaScript program would do without the compiler. */
// biome-ignore lint/suspicious/noExplicitAny: the mistakes that are made here do not compile
type Any = any

@Controller('/well')
class Well {
  @Get()
  well() {}
}

/** What people do wrong who write controllers; each is told at boot, by class, method and parameter. */
describe('A mistake', () => {
  const inBoot: [mistake: string, says: string | RegExp, declare: () => ControllerClass][] = [
    [
      'a parameter without a decorator',
      "A.add, parameter 1: has no decorator, so that nobody gives it a value: say @Body(), @Param('…') or another, or give it a default value",
      () => {
        @Controller('/a')
        class A {
          @Post('/:id')
          add(@Param('id') _id: string, _note: Note) {}
        }
        return A
      },
    ],
    [
      'an interface for a body',
      'A.add, parameter 0: the type of @Body() is not kept at run time, as that of an interface, a union, any, or a default value: declare a class with rules of class-validator, or say { validate: false } to take the value unchecked',
      () => {
        @Controller('/a')
        class A {
          @Post()
          add(@Body() _draft: Draft) {}
        }
        return A
      },
    ],
    [
      'an array without the type of its items',
      'A.add, parameter 0: the type of the items of @Body() is not kept at run time: say { items: Item }, or { items: String }, or { validate: false } to take them unchecked',
      () => {
        @Controller('/a')
        class A {
          @Post()
          add(@Body() _notes: Note[]) {}
        }
        return A
      },
    ],
    [
      'a nested DTO without @Type()',
      'A.add, parameter 0: Order.notes has @ValidateNested() without a type, so that nothing would be valid: add @Type(() => Item)',
      () => {
        @Controller('/a')
        class A {
          @Post()
          add(@Body() _order: Order) {}
        }
        return A
      },
    ],
    [
      'a body that is taken twice',
      "A.add: has two @Body() of the whole body; keep one, or name its properties: @Body('…')",
      () => {
        @Controller('/a')
        class A {
          @Post()
          add(@Body() _one: Note, @Body() _other: Note) {}
        }
        return A
      },
    ],
    [
      'a @Param() of which another one begins with the name',
      "A.get, parameter 0: @Param('id') names nothing in the path /a/:identity",
      () => {
        @Controller('/a')
        class A {
          @Get('/:identity')
          get(@Param('id') _id: string) {}
        }
        return A
      },
    ],
    [
      'a @LastEventId() without a stream',
      'A.get, parameter 0: @LastEventId() needs a stream: declare the method with @SSE',
      () => {
        @Controller('/a')
        class A {
          @Get()
          get(@LastEventId() _id: string) {}
        }
        return A
      },
    ],
    [
      'a @LastEventId() as a number',
      'A.live, parameter 0: @LastEventId() gives a text: declare it as string, and convert it yourself, not Number',
      () => {
        @Controller('/a')
        class A {
          @SSE()
          *live(@LastEventId() _id: number) {}
        }
        return A
      },
    ],
    [
      'a request of the browser for one of Fastify',
      "A.get, parameter 0: @Req() gives Fastify's request: declare it as FastifyRequest, not Request",
      () => {
        @Controller('/a')
        class A {
          @Get()
          get(@Req() _request: Request) {}
        }
        return A
      },
    ],
    [
      'a generator that sends by calls too',
      'A.live: yields, and sends by the calls of @Stream(); do the one or the other',
      () => {
        @Controller('/a')
        class A {
          @SSE()
          async *live(@Stream() stream: EventWriter) {
            await stream.text('one')
            yield 'other'
          }
        }
        return A
      },
    ],
    [
      'a status that ends an EventSource',
      'A.live: @HttpCode(201) ends an EventSource, which reads a stream of status 200 only',
      () => {
        @Controller('/a')
        class A {
          @SSE()
          @HttpCode(201)
          *live() {}
        }
        return A
      },
    ],
    [
      'an @Event without a stream',
      'A.get: @Event declares what a stream sends: declare the method with @SSE',
      () => {
        @Controller('/a')
        class A {
          @Event('tick')
          @Get()
          get() {}
        }
        return A
      },
    ],
    [
      'a @Returns of a stream',
      'A.live: @Returns declares an answer, and a stream has none: declare what it sends by @Event',
      () => {
        @Controller('/a')
        class A {
          @Returns(String)
          @SSE()
          *live() {}
        }
        return A
      },
    ],
    [
      'a stream option that nobody reads',
      'A.live: The stream options know no pingIntervall: is it pingInterval?',
      () => {
        @Controller('/a')
        class A {
          @SSE('', { pingIntervall: 5 } as Any)
          *live() {}
        }
        return A
      },
    ],
    [
      'a stream option of a controller, whether it has a stream or not',
      'A, option streamOptions: The stream option pingInterval is a whole number from 0 to 2147483647, not -1',
      () => {
        @Controller('/a', { streamOptions: { pingInterval: -1 } })
        class A {
          @Get()
          get() {}
        }
        return A
      },
    ],
    [
      'a serializer that is none',
      'A.live, option serializer: takes an object with a method serialize(data), or the class or the token of one',
      () => {
        @Controller('/a')
        class A {
          @SSE('', { serializer: ((data: unknown) => String(data)) as Any })
          *live() {}
        }
        return A
      },
    ],
  ]

  for (const [mistake, says, declare] of inBoot) {
    it(`is told at boot: ${mistake}`, async () => {
      const said = await refusal([declare()])

      if (typeof says === 'string') expect(said).to.equal(says)
      else expect(said).to.match(says)
    })
  }

  const inClass: [mistake: string, says: string, declare: () => unknown][] = [
    [
      'a method decorator without parentheses',
      'A.get: @Get lacks its parentheses: @Get()',
      () => {
        class A {
          @(Get as Any)
          get() {}
        }
        return A
      },
    ],
    [
      '@SSE without parentheses',
      'A.live: @SSE lacks its parentheses: @SSE()',
      () => {
        class A {
          @(SSE as Any)
          *live() {}
        }
        return A
      },
    ],
    [
      'a parameter decorator without parentheses',
      'A.add: @Body lacks its parentheses: @Body()',
      () => {
        class A {
          add(@(Body as Any) _note: Note) {}
        }
        return A
      },
    ],
    [
      '@Signal without parentheses',
      'A.live: @Signal lacks its parentheses: @Signal()',
      () => {
        class A {
          *live(@(Signal as Any) _signal: AbortSignal) {}
        }
        return A
      },
    ],
    [
      '@Controller without parentheses',
      "A: @Controller lacks its parentheses: @Controller('/path')",
      () => {
        @(Controller as Any)
        class A {}
        return A
      },
    ],
    [
      '@Controller on a method',
      'A.get: @Controller stands on a method; put it on the class',
      () => {
        class A {
          @(Controller('/a') as Any)
          get() {}
        }
        return A
      },
    ],
    [
      'two @Controller',
      'A: has @Controller twice; keep one',
      () => {
        @Controller('/a')
        @Controller('/b')
        class A {}
        return A
      },
    ],
    [
      'options where the prefix belongs',
      "A: the prefix of @Controller is no string; a string comes first, options behind it: @Controller('/path', { … })",
      () => {
        @Controller({ path: '/a' } as Any)
        class A {}
        return A
      },
    ],
    [
      'an option of @Controller that nobody reads',
      "A, @Controller('/a'): knows no streamOption: is it streamOptions?",
      () => {
        @Controller('/a', { streamOption: {} } as Any)
        class A {}
        return A
      },
    ],
    [
      '@Get on a class',
      'A: @Get stands on a class; put it on a method',
      () => {
        @(Get('/a') as Any)
        class A {}
        return A
      },
    ],
    [
      'several paths in one decorator',
      'A.get: @Get is given several paths: repeat it, @Get(path), for each',
      () => {
        class A {
          @Get(['/a', '/b'] as Any)
          get() {}
        }
        return A
      },
    ],
    [
      'what is no path',
      'A.live: @SSE is given no path, which is a string',
      () => {
        class A {
          @SSE({ method: 'POST' } as Any)
          *live() {}
        }
        return A
      },
    ],
    [
      'what is no method of a stream',
      'A.live: the method of @SSE is one of GET, POST, PUT, PATCH, DELETE, not post',
      () => {
        class A {
          @SSE('', { method: 'post' as Any })
          *live() {}
        }
        return A
      },
    ],
    [
      'a pipe, as elsewhere, behind the name of a parameter',
      "A.get, parameter 0, @Query('page'): takes an object with required, items, validate; not a function",
      () => {
        class ParseIntPipe {}
        class A {
          get(@Query('page', ParseIntPipe as Any) _page: number) {}
        }
        return A
      },
    ],
    [
      'a typing error in the options of a parameter',
      "A.get, parameter 0, @Query('page'): knows no requird: is it required?",
      () => {
        class A {
          get(@Query('page', { requird: true } as Any) _page: number) {}
        }
        return A
      },
    ],
    [
      'a parameter with an empty name',
      "A.get, parameter 0: the name that @Query is given is no text: @Query('name', { … })",
      () => {
        class A {
          get(@Query('') _page: number) {}
        }
        return A
      },
    ],
    [
      'a file without a name',
      "A.add, parameter 0: @File needs the name of the field: @File('photo')",
      () => {
        class A {
          add(@((File as Any)()) _photo: UploadedFile) {}
        }
        return A
      },
    ],
    [
      'a limit of files that there is none of',
      'A.add, @Multipart: knows no maxSize, but to, directory, fileSize, files, fieldSize, fields',
      () => {
        class A {
          @Multipart({ maxSize: 5 } as Any)
          add() {}
        }
        return A
      },
    ],
    [
      'a status that redirects nobody',
      "A.get: @Redirect('/b', 200) has none of the status 301, 302, 303, 307, 308",
      () => {
        class A {
          @Redirect('/b', 200 as Any)
          get() {}
        }
        return A
      },
    ],
    [
      '@Catch on the filter, as elsewhere',
      'A: @Catch(Error) has no filter; it stands on a controller or a method, and names the filter: @Catch(SoldOut, SoldOutFilter)',
      () => {
        @((Catch as Any)(Error))
        class A {}
        return A
      },
    ],
    [
      'a part of the request that there is none of',
      'createParameter(): the option in is one of path, query, body, header, cookie, not cookies',
      () => createParameter(request => request.ip, { in: 'cookies' as Any }),
    ],
  ]

  for (const [mistake, says, declare] of inClass) {
    it(`is told where the class is declared: ${mistake}`, () => {
      expect(protest(declare)).to.equal(says)
    })
  }

  const inOptions: [options: Any, says: string | RegExp][] = [
    [{ prefix: '/api' }, /^createApp\(\): knows no prefix, but controllers, container, /],
    [{ stremOptions: {} }, 'createApp(): knows no stremOptions: is it streamOptions?'],
    [{ streamOptions: { ping: 5 } }, /^option streamOptions: The stream options know no ping, but serializer, /],
    [
      { streamOptions: { end: true } },
      "option streamOptions: The stream option end is 'event', 'id' or false, not true",
    ],
    [{ controllers: undefined }, 'option controllers: takes an array, not undefined'],
    [{ controllers: Well }, 'option controllers: takes an array, not function'],
    [{ controllers: './*.js' }, 'option controllers: takes an array, not string'],
    [{ guards: null }, 'option guards: takes an array, not null'],
    [{ filters: filter(Error, () => new HttpError(500)) }, 'option filters: takes an array, not object'],
    [{ container: {} }, 'option container: is no container of tsyringe'],
    [{ closeGrace: '5s' }, 'The plugin: closeGrace is a whole number of milliseconds, not 5s'],
    [{ closeSpread: -1 }, 'The plugin: closeSpread is a whole number of milliseconds, not -1'],
    [{ validation: { whiteList: true } }, 'option validation: knows no whiteList: is it whitelist?'],
    [{ topics: { retension: {} } }, 'option topics: Topics know no retension: is it retention?'],
    [
      { topics: { retention: { size: 5 } } },
      'option topics: The retention of topics knows no size, but count, bytes, age',
    ],
    [{ topics: { retention: { count: -1 } } }, 'option topics: retention.count is a whole number from 1, not -1'],
    [{ topics: { journal: MemoryJournal } }, /^option topics: The journal of topics has no method open/],
    [{ topics: new MemoryJournal() }, 'option topics: is a journal; put it into the options: { journal }'],
    [{ tickets: { ttll: 5 } }, 'Tickets: knows no ttll: is it ttl?'],
    [{ uploads: { filesize: 5 } }, 'option uploads: knows no filesize: is it fileSize?'],
    [{ uploads: { fileSize: '10MB' } }, 'option uploads: fileSize is a whole number, not 10MB'],
    [{ uploads: { to: 'memory' } }, "option uploads: to is 'disk' or 'stream', not memory"],
    [{ health: { path: '/up' } }, 'option health: knows no path, but live, ready, checks, timeout'],
    [{ signals: { drain: 5 } }, /^option signals: knows no drain, but drainDelay, deadline$/],
    [{ health: { timeout: 2 ** 31 } }, 'option health: timeout is a whole number of milliseconds, not 2147483648'],
    [{ signals: { deadline: '5s' } }, 'option signals: deadline is a whole number of milliseconds, not 5s'],
    [{ openapi: true }, /^option openapi: takes an object with info, .*; not a boolean$/],
    [{ openapi: {} }, /^option openapi: lacks a title or a version: /],
    [
      { cors: 'https://app.example' },
      /^createApp\(\), option cors: takes true, or the options of its plugin; not https:/,
    ],
    [{ static: 'public' }, /^createApp\(\), option static: takes an object with root, .*; not a string$/],
    [{ static: { dir: 'public' } }, /^createApp\(\), option static: knows no dir, /],
    [{ spa: {} }, 'createApp(), option spa: names no folder: { root }'],
    [
      { spa: { root: '.', exclude: ['api'] } },
      "createApp(), option spa: exclude: the path 'api' lacks the leading slash: '/api'",
    ],
    [
      { static: [{ root: '.', prefix: 'public' }] },
      "createApp(), option static: prefix: the path 'public' lacks the leading slash: '/public'",
    ],
    [
      { cors: { origin: 'https://app.example/' } },
      "createApp(), option cors: origin: 'https://app.example/' is no origin as browsers send it: write 'https://app.example'",
    ],
    [
      { cors: { origin: [/x/, 'https://App.example:443'] } },
      "createApp(), option cors: origin: 'https://App.example:443' is no origin as browsers send it: write 'https://app.example'",
    ],
    [
      { cors: { origin: 'app.example' } },
      "createApp(), option cors: origin: 'app.example' is no origin as browsers send it: write 'https://app.example'",
    ],
    [
      { openapi: { info: { title: 'Well', version: '1' }, json: 'api.json' } },
      "option openapi: json is a path such as '/docs', or false; not api.json",
    ],
    [
      { guards: [() => true] },
      /^Well\.well, @Guard\(\): takes a class with a method allow\(request, context\), not a function/,
    ],
    [
      { guards: [Tickets] },
      'Well.well, @Guard(Tickets): has no method allow(request, context): of a kind of credentials, credentials([…]) makes a guard',
    ],
    [{ filters: [SyntaxError] }, 'filters: are made by filter(): filters: [filter(SoldOut, …)]'],
  ]

  for (const [options, says] of inOptions) {
    it(`is told of the options: ${says}`, async () => {
      const said = await refusal([Well], options as AppOptions)

      if (typeof says === 'string') expect(said).to.equal(says)
      else expect(said).to.match(says)
    })
  }

  it('is told: an app where the options of one belong', async () => {
    const { createApp } = await import('okapi')

    const boot = createApp({ controllers: [Well], fastify: fastify() as Any })

    await boot.then(
      () => expect.fail(),
      (error: Error) => {
        expect(error).to.be.an.instanceOf(DefinitionError)
        expect(error.message).to.match(/^createApp\(\), option fastify: takes options\. /)
      },
    )
  })

  it('is told to an app that registers the plugin', async () => {
    const app = fastify()
    app.register(okapi, { controllers: [Well], cors: true } as Any)

    const said = await app.ready().then(
      () => '',
      (error: Error) => error.message,
    )

    expect(said).to.match(/^The plugin: knows no cors, but controllers, /)
  })
})
