import type { FastifyReply, RouteHandlerMethod } from 'fastify'
import { Html, render, View } from './answers.js'
import type { ArgumentReader, Exchange } from './arguments.js'
import { FileAnswer, sendFile } from './files.js'
import type { MethodRecord } from './metadata.js'
import { isThenable } from './sse/source.js'

/** One method of one controller, ready to be called. */
export interface Target {
  /** For messages: `Prices.watch GET /prices/:symbol`. */
  readonly name: string
  readonly method: string
  readonly record: MethodRecord
  /** The controller for this request. */
  readonly controller: () => object
  readonly argumentsOf: ArgumentReader | undefined
  /** The folder of `file()` and `download()`. */
  readonly files?: string | undefined
}

type Method = (...args: unknown[]) => unknown

/** The Fastify handler of a route that answers once. */
export function plainHandler(target: Target): RouteHandlerMethod {
  const finish = answerer(target)
  return (request, reply) => {
    const result = call(target, { request, reply })
    return isThenable(result) ? result.then(value => finish(value, reply)) : finish(result, reply)
  }
}

/** Calls the method of the controller with its arguments. */
export function call({ controller, method, argumentsOf }: Target, exchange: Exchange): unknown {
  const instance = controller() as Record<string, Method>
  if (argumentsOf === undefined) return instance[method]?.()
  const args = argumentsOf(exchange)
  return isThenable(args) ? args.then(ready => instance[method]?.(...ready)) : instance[method]?.(...args)
}

function answerer({ name, record, files }: Target): (value: unknown, reply: FastifyReply) => unknown {
  const { status, headers, redirect } = record
  const sendsItself = [...record.parameters.values()].some(({ kind }) => kind === 'reply')
  return (value, reply) => {
    if (value === reply || reply.sent) return reply
    if (status !== undefined) reply.code(status)
    for (const [header, text] of headers) reply.header(header, text)
    if (redirect) return reply.redirect(typeof value === 'string' ? locationOf(value) : redirect.url, redirect.status)
    if (typeof value === 'object' && value !== null) return answer(value, reply, name, files)
    if (typeof value === 'function' || typeof value === 'symbol') {
      throw new TypeError(`${name} returned a ${typeof value}, which has no text`)
    }
    if (value !== undefined) return value
    if (sendsItself) return reply
    if (status === undefined) reply.code(204)
    return reply.send()
  }
}

/** A URL as a header can have it, whatever its text came from: what no URL is written with is percent-encoded. */
function locationOf(url: string): string {
  return url.replace(/[^\x21-\x7e]+/g, part => encodeURIComponent(part.toWellFormed()))
}

function answer(value: object, reply: FastifyReply, name: string, files: string | undefined): unknown {
  if (value instanceof FileAnswer) return sendFile(reply, value, files)
  if (value instanceof Html) {
    reply.type('text/html; charset=utf-8')
    return value.text
  }
  if (value instanceof View) {
    reply.type('text/html; charset=utf-8')
    return render(reply, value)
  }
  if (isSource(value)) {
    throw new TypeError(`${name} returned an iterator, which only a stream can send: declare the method with @SSE`)
  }
  return value
}

/** Whether a value is for a stream of events: a generator, a Channel. The streams of Node and of the web are bodies. */
function isSource(value: object): boolean {
  if (typeof (value as { next?: unknown }).next === 'function') return true
  return Symbol.asyncIterator in value && !('pipe' in value) && !('getReader' in value)
}
