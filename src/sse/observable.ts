import { Channel } from './channel.js'
import { OverflowError } from './errors.js'

/** How many values of an Observable may wait for the client. An Observable cannot be slowed down. */
const CAPACITY = 1024

/** The part of an Observable that is used: rxjs and others have it, by `Symbol.observable`. */
export interface ObservableLike<T = unknown> {
  subscribe(observer: { next(value: T): void; error(error: unknown): void; complete(): void }): { unsubscribe(): void }
}

/** The Observable in a value, if it is one: by `Symbol.observable`, or by the string rxjs uses where there is none. */
export function observableOf(value: object): ObservableLike | undefined {
  const candidate = value as Record<PropertyKey, unknown>
  // Looked up each time: a library that brings the symbol along may be loaded after this file.
  const { observable } = Symbol as { observable?: symbol }
  const interop = (observable && candidate[observable]) ?? candidate['@@observable']
  return typeof interop === 'function' ? (interop.call(value) as ObservableLike) : undefined
}

/**
 * Reads an Observable through a bounded queue. When the client is so slow that the queue is full, the stream ends with
 * an `OverflowError`: values are never dropped in silence.
 */
export function fromObservable(observable: ObservableLike): AsyncIterator<unknown> {
  const channel = new Channel<unknown>(CAPACITY)
  const subscription = observable.subscribe({
    next: value => {
      if (channel.trySend(value) || channel.closed) return
      channel.fail(new OverflowError(`${CAPACITY} values of an Observable wait for a slow client`))
    },
    error: error => channel.fail(error),
    complete: () => channel.close(),
  })
  channel.onClose(() => subscription.unsubscribe())
  return channel[Symbol.asyncIterator]()
}
