import { expect } from 'chai'
import type { EventSourceMessage } from 'eventsource-parser'
import * as fc from 'fast-check'
import type { OpenApiDocument, Schema } from 'okapi'
import { Contract } from '../support/contract.js'
import { FastClock } from '../support/fast-clock.js'
import { fromSchema } from '../support/from-schema.js'
import { closeSamples, startSample } from '../support/sample.js'
import { closeAll, serve } from '../support/serve.js'
import { shop, shopApi } from '../support/shop.js'
import { subscribe } from '../support/subscribe.js'

type Operation = OpenApiDocument['paths'][string][string]

/** A request by its parts. */
interface Made {
  readonly path: Record<string, string>
  readonly query: Record<string, string | string[]>
  readonly header: Record<string, string>
  readonly cookie: Record<string, string>
  readonly body: unknown
  /** The media type of the body. */
  readonly type: string | undefined
}

/** How many events of a stream that does not end are looked at. */
const EVENTS = 6

agree('The sample', async () => {
  const { url } = await startSample({ clock: new FastClock(1_000_000), options: { checkEvents: true } })
  return url
})

agree('A shop', async () => {
  const { url } = await serve(shop, { openapi: { ...shopApi, yaml: false, page: false }, checkEvents: true })
  return url
})

/** Checks that an app and its document agree. */
function agree(name: string, start: () => Promise<string>): void {
  describe(`${name} and its OpenAPI document`, function () {
    this.timeout(60_000)

    let url: string
    let contract: Contract
    let operations: { path: string; method: string; operation: Operation }[]

    before(async () => {
      url = await start()
      contract = new Contract((await (await fetch(`${url}/openapi.json`)).json()) as OpenApiDocument)
      const all = Object.entries(contract.document.paths).flatMap(([path, item]) =>
        Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
      )
      // Nothing here makes files.
      operations = all.filter(({ operation }) => operation.requestBody?.content['multipart/form-data'] === undefined)
    })

    after(async () => {
      await closeSamples()
      await closeAll()
    })

    /** Requests that the document lets through. */
    function requestsOf({ parameters = [], requestBody }: Operation): fc.Arbitrary<Made> {
      const part = (place: string) =>
        fc.record(
          Object.fromEntries(
            parameters
              .filter(one => one.in === place)
              .map(one => [one.name, textOf(place, fromSchema(contract, one.schema))]),
          ),
          { requiredKeys: parameters.filter(one => one.in === place && one.required).map(({ name }) => name) },
        )
      const [type, media] = Object.entries(requestBody?.content ?? {})[0] ?? []
      return fc.record({
        path: part('path'),
        query: part('query'),
        header: part('header'),
        cookie: part('cookie'),
        body: media?.schema ? fromSchema(contract, media.schema) : fc.constant(undefined),
        type: fc.constant(type),
      }) as fc.Arbitrary<Made>
    }

    function send(template: string, method: string, { path, query, header, cookie, body, type }: Made) {
      const filled = template.replace(/\{(.+?)\}/g, (_, name: string) => encodeURIComponent(path[name] as string))
      const search = new URLSearchParams(
        Object.entries(query).flatMap(([name, given]) => [given].flat().map((one): [string, string] => [name, one])),
      )
      const cookies = Object.entries(cookie).map(([name, value]) => `${name}=${value}`)
      return subscribe(`${url}${filled}?${search}`, {
        method: method.toUpperCase(),
        headers: {
          ...header,
          ...(cookies.length === 0 ? {} : { cookie: cookies.join('; ') }),
          ...(type === undefined ? {} : { 'content-type': type }),
        },
        redirect: 'manual',
        ...(type === undefined ? {} : { body: textOfBody(type, body) }),
      })
    }

    /** Asks, and holds what comes back to the document; gives the status and the events. */
    async function ask(template: string, method: string, operation: Operation, made: Made) {
      const answer = await send(template, method, made)
      const declared =
        operation.responses[answer.status] ?? (answer.status >= 400 ? operation.responses.default : undefined)
      if (declared === undefined) throw new Error(`${answer.status} is not declared`)
      const type = answer.headers.get('content-type')?.split(';', 1)[0] ?? ''
      const media = declared.content?.[type]
      if (declared.content) expect(Object.keys(declared.content)).to.include(type)
      if (media?.itemSchema) {
        const events = await answer.take(EVENTS)
        answer.leave()
        for (const event of events)
          expect(contract.eventFaults(media.itemSchema, event), JSON.stringify(event)).to.deep.equal([])
        return { status: answer.status, events }
      }
      await answer.rest()
      const text = answer.text()
      if (media?.schema) expect(contract.faults(media.schema, isJson(type) ? JSON.parse(text) : text)).to.deep.equal([])
      return { status: answer.status, events: [] as EventSourceMessage[] }
    }

    it('agree: what the document lets in is let in, and answered as it says, event by event', async () => {
      for (const { path, method, operation } of operations) {
        const seen = new Set<string>()
        await fc.assert(
          fc.asyncProperty(requestsOf(operation), async made => {
            const { status, events } = await ask(path, method, operation, made)
            expect(status, `${method} ${path}`).to.be.oneOf([200, 201, 204, 303, 404])
            for (const { event = 'message' } of events) seen.add(event)
          }),
          { numRuns: 20 },
        )
        expect([...seen]).to.not.include('stream:error')
      }
    })

    it('agree: what the document does not let in is refused, with problem details', async () => {
      for (const { path, method, operation } of operations) {
        const schema = operation.requestBody?.content['application/json']?.schema
        if (schema === undefined) continue
        const { properties = {} } = contract.resolve(schema) as { properties?: object }
        const value = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constant('x'.repeat(501)), fc.integer())
        const alike = fc.record(Object.fromEntries(Object.keys(properties).map(name => [name, value])), {
          requiredKeys: [],
          noNullPrototype: true,
        })
        const wrong = fc.oneof(fc.jsonValue({ maxDepth: 2 }), alike)
        await fc.assert(
          fc.asyncProperty(
            requestsOf(operation),
            wrong.filter(body => contract.faults(schema, body).length > 0),
            async (made, body) => {
              expect((await ask(path, method, operation, { ...made, body })).status, `${method} ${path}`).to.equal(400)
            },
          ),
          { numRuns: 100 },
        )
      }
    })

    it('agree: a stream takes the last event ID that the document lets in, and refuses any other', async () => {
      const streams = operations.filter(({ operation }) =>
        operation.parameters?.some(one => one.name === 'lastEventId'),
      )
      expect(streams).to.not.have.length(0)
      for (const { path, method, operation } of streams) {
        const schema = operation.parameters?.find(({ name }) => name === 'lastEventId')?.schema as Schema
        const id = fc.oneof(
          fromSchema(contract, schema),
          fc.string({ unit: 'binary' }),
          fc.constantFrom('\0', 'a\n', '\r'),
        )
        await fc.assert(
          fc.asyncProperty(requestsOf(operation), id, async ({ header, ...made }, lastEventId) => {
            const { 'Last-Event-ID': _, ...others } = header
            const query = { ...made.query, lastEventId: lastEventId as string }
            const { status } = await ask(path, method, operation, { ...made, header: others, query })
            const wrong = contract.faults(schema, lastEventId).length > 0
            expect(status, `${method} ${path}`).to.be.oneOf(wrong ? [400] : [200, 204, 404])
          }),
          { numRuns: 30 },
        )
      }
    })

    it('agree on every event type that a stream has', async () => {
      for (const { path, method, operation } of operations) {
        const item = operation.responses[200]?.content?.['text/event-stream']?.itemSchema
        if (item === undefined) continue
        const titles = (item.oneOf as Schema[]).flatMap(one => (contract.resolve(one).title as string) ?? [])
        const [made] = fc.sample(requestsOf(operation), { numRuns: 1, seed: 2 }) as [Made]
        // Only who was there before can have missed something; all others begin at the beginning.
        const header = titles.includes('stream:gap') ? { 'last-event-id': 'of-another-house' } : {}
        const { lastEventId: _, ...query } = made.query
        const stream = await send(path, method, { ...made, header, query })
        const seen = new Set<string>()
        const own = titles.filter(title => title !== 'stream:error' && title !== 'stream:end')
        for (let events = await stream.take(1); events.length > 0; events = await stream.take(1)) {
          seen.add(events[0]?.event ?? 'message')
          if (own.every(title => seen.has(title))) break
        }
        stream.leave()

        expect([...seen], path).to.include.members(own)
      }
    })
  })
}

/** What stands in a path is never empty, what stands in a header is one line, and a query may have a name several times. */
function textOf(place: string, values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  if (place === 'query') return values.map(value => (Array.isArray(value) ? value.map(String) : String(value)))
  const texts = values.map(String)
  if (place === 'path') return texts.filter(text => !/^\.{0,2}$/.test(text))
  return texts.filter(text => /^[!-:<-~]*$/.test(text))
}

function textOfBody(type: string, body: unknown): string {
  if (isJson(type)) return JSON.stringify(body)
  return type.endsWith('urlencoded') ? String(new URLSearchParams(body as Record<string, string>)) : String(body)
}

function isJson(type: string): boolean {
  return /[/+]json$/.test(type)
}
