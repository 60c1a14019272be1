import type { FastifyInstance } from 'fastify'

/** Where errors that no client may see are told. */
export interface Log {
  error(details: object, message: string): void
  warn(details: object, message: string): void
}

/** Fastify's logger, if the app has one; otherwise the console, so that no error goes unseen by default. */
export function logOf(app: FastifyInstance): Log {
  // Fastify's stand-in for no logger has no level, and one function for all of them.
  const { level, error, info } = app.log as { level?: string; error: unknown; info: unknown }
  return level === undefined && error === info ? consoleLog : app.log
}

/** For apps that asked for silence. */
export const noLog: Log = { error: () => {}, warn: () => {} }

const consoleLog: Log = {
  error: (details, message) => console.error(message, details),
  warn: (details, message) => console.warn(message, details),
}
