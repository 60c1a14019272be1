import type { FastifyRequest } from 'fastify'

/** Where errors that no client may see are told. */
export interface Log {
  error(details: object, message: string): void
  warn(details: object, message: string): void
}

/** Fastify's logger, if the app has one; otherwise the console, so that no error goes unseen by default. */
export function logOf(app: { readonly log: object }): Log {
  // Fastify's stand-in for no logger has no level, and one function for all of them.
  const { level, error, info } = app.log as Log & { level?: string; info: unknown }
  return level === undefined && error === info ? consoleLog : (app.log as Log)
}

/** For apps that asked for silence. */
export const noLog: Log = { error: () => {}, warn: () => {} }

const consoleLog: Log = {
  error: (details, message) => console.error(message, details),
  warn: (details, message) => console.warn(message, details),
}

/**
 * A URL as a log may have it: without the ticket in its query, which lets in whoever reads it first. For a logger of your
 * own; that of `createApp` has its serializer for requests already.
 */
export function withoutTicket(url: string): string {
  const [path, query] = [url.slice(0, url.indexOf('?') + 1), url.slice(url.indexOf('?') + 1)]
  if (path === '') return url
  return (
    path + query.replace(/(?<![^&;])([^=&;]*)=[^&;]*/g, (pair, name: string) => (isTicket(name) ? `${name}=…` : pair))
  )
}

function isTicket(name: string): boolean {
  try {
    return decodeURIComponent(name) === 'ticket'
  } catch {
    return false
  }
}

/** What Fastify logs of a request, but for the ticket. */
export function describeRequest(request: FastifyRequest): Record<string, unknown> {
  const { method, url, headers, host, ip, socket } = request
  return {
    method,
    url: withoutTicket(url),
    version: headers['accept-version'],
    host,
    remoteAddress: ip,
    remotePort: socket?.remotePort,
  }
}
