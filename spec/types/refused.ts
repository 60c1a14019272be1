/**
 * What must not compile. Nothing here runs: `tsc` fails where a line below `@ts-expect-error` is no mistake any more.
 */
import {
  Channel,
  Controller,
  Cookie,
  createApp,
  EventWriter,
  event,
  File,
  Get,
  HttpCode,
  HttpError,
  type Issue,
  Param,
  Post,
  Query,
  Redirect,
  SERIALIZER,
  ServerSentEvent,
  SetHeader,
  SSE,
  Stream,
  type UploadedFile,
  view,
} from 'okapi'
import { container } from 'tsyringe'

@Controller('/taken')
class Taken {
  @SSE('/generator')
  async *generator() {
    yield 1
  }

  @SSE('/iterable')
  iterable() {
    return [1, 2]
  }

  @SSE('/promise')
  async promise() {
    return new Channel<number>()
  }

  @SSE('/maybe')
  maybe(@Query('q') q: string) {
    return q === '' ? undefined : new ReadableStream()
  }

  @SSE('/calls')
  async calls(@Stream() stream: EventWriter) {
    await stream.data(1)
  }

  @SSE('/private')
  protected *hidden(_id: number) {
    yield 1
  }
}

class Refused {
  // @ts-expect-error: a number is no source of events
  @SSE('/number')
  number() {
    return 5
  }

  // @ts-expect-error: neither is an object
  @SSE('/object')
  async object() {
    return { data: 1 }
  }

  // @ts-expect-error: a field is no method
  @SSE('/field')
  field = async function* () {}

  // @ts-expect-error: a field is no method
  @Get('/answer')
  answer = () => 'answer'

  // @ts-expect-error: a parameter decorator is for parameters
  @Param('id')
  id() {}

  // @ts-expect-error: nobody can stream the head alone
  @SSE('/head', { method: 'HEAD' })
  *head() {
    yield 1
  }

  // @ts-expect-error: an option that is none
  @SSE('/option', { pingIntervall: 5 })
  *option() {
    yield 1
  }

  // @ts-expect-error: a route has one path
  @Post('/a', '/b')
  post() {}

  // @ts-expect-error: this status is no redirection
  @Redirect('/', 200)
  redirect() {}

  // @ts-expect-error: a status is a number
  @HttpCode('201')
  status() {}

  // @ts-expect-error: the value of a header is a text
  @SetHeader('x', 1)
  header() {}

  cookie(
    // @ts-expect-error: the options of a parameter are an object
    @Cookie('id', 'required') id: string,
  ) {
    return id
  }

  file(
    // @ts-expect-error: a file has the name of its field
    @File() file: UploadedFile,
  ) {
    return file
  }
}

export class Methods {
  // @ts-expect-error: a method is no class
  @Controller('/method')
  method() {}
}

export async function refused() {
  // @ts-expect-error: an app has controllers
  await createApp({})
  // @ts-expect-error: the classes, not instances of them
  await createApp({ controllers: [new Taken()] })
  // @ts-expect-error: it counts its streams itself
  await createApp({ controllers: [Taken], streams: undefined })
  // @ts-expect-error: a serializer has a method serialize
  await createApp({ controllers: [Taken], streamOptions: { serializer: { toText: () => '' } } })
  const app = await createApp({ controllers: [Taken, Refused] })
  // @ts-expect-error: the streams of an app are its own
  app.streams = undefined
  // @ts-expect-error: it is counted, not set
  app.streams.size = 0

  container.register(SERIALIZER, { useValue: { serialize: String } })
  // @ts-expect-error: no serializer
  container.register(SERIALIZER, { useValue: { serialize: 5 } })

  // @ts-expect-error: a status is a number
  new HttpError('404')
  // @ts-expect-error: the reconnection time is a number
  new ServerSentEvent({ retry: '5' })
  // @ts-expect-error: an event has no name but its type
  new ServerSentEvent({ name: 'tick' })
  // @ts-expect-error: the type of an event is a text
  event(1)
  // @ts-expect-error: the channel is for numbers
  new Channel<number>().trySend('one')
  // @ts-expect-error: the data of a view is an object
  view('page', 'title')

  const issue: Pick<Issue, 'in'> = { in: 'body' }
  // @ts-expect-error: no part of a request
  issue.in = 'trailer'
}
