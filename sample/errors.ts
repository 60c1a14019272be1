import type { StreamErrorContext } from 'okapi'

/** Told of every error of a stream: data that cannot be sent is left out, and the stream goes on. */
export function onError(error: unknown, { name, phase }: StreamErrorContext) {
  console.error(`Stream error: ${name}:`, error)
  return phase === 'serialize' ? 'skip' : undefined
}
