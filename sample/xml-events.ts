import { Controller, custom, Doc, Event, SSE } from 'okapi'
import { Clock } from './clock.js'
import { XmlSerializer } from './xml-serializer.js'

/** An event with a serializer of its own, which is injected. */
@Controller()
export class XmlEvents {
  constructor(
    private readonly clock: Clock,
    private readonly xml: XmlSerializer,
  ) {}

  @Doc({ summary: 'XML by a serializer of its own, once' })
  @Event(Object, { contentType: 'application/xml' })
  @SSE('/xml-events')
  *events() {
    const update = { message: 'Hello World', time: this.clock.now().toISOString() }
    yield custom({ update }, this.xml)
  }
}
