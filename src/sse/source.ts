import { fromObservable, type ObservableLike, observableOf } from './observable.js'

/**
 * Where a stream gets its values: asked for one at a time, and told when no more are wanted. A synchronous source
 * answers with a result, an asynchronous one with a promise of it.
 */
export interface Source {
  next(): IteratorResult<unknown> | PromiseLike<IteratorResult<unknown>>
  return?(): unknown
}

/** What an `@SSE` method may return, or give to `stream.pipe()`. */
export type EventSourceLike<T = unknown> = AsyncIterable<T> | Iterable<T> | ReadableStream<T> | ObservableLike<T>

/**
 * The source behind a value: an async generator or other async iterable, an iterable, a web `ReadableStream`, a Node
 * `Readable`, or an Observable. Nothing for anything else; a string is no source, nor are bytes, though they could be
 * iterated.
 */
export function toSource(value: unknown): Source | undefined {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return undefined
  if (isReadableStream(value)) return fromReadableStream(value)
  const observable = observableOf(value)
  if (observable) return fromObservable(observable)
  if (isNodeReadable(value)) return fromNodeReadable(value)
  if (Symbol.asyncIterator in value) return (value as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  if (Symbol.iterator in value) return fromIterator((value as Iterable<unknown>)[Symbol.iterator]())
  return undefined
}

/** Tells what is behind a value that nobody will read it. An Observable without a subscriber need not be told. */
export function dismiss(value: object): void {
  new Promise(resolve => resolve(observableOf(value) ? undefined : toSource(value)?.return?.())).catch(() => {})
}

/** A source whose `next()` never throws, and always returns a promise of the engine's own. */
export interface GeneratorSource extends Source {
  next(): Promise<IteratorResult<unknown>>
}

const { next } = Object.getPrototypeOf(async function* () {}).prototype as AsyncGenerator

/** Whether a source is an async generator, by its `next()`, which keeps its word whatever object it is called on. */
export function isGenerator(source: Source): source is GeneratorSource {
  return source.next === next
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

// Reading through a reader, not through the stream's own iterator: only `cancel()` ends a read that waits.
function fromReadableStream(stream: ReadableStream<unknown>): Source {
  const reader = stream.getReader()
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    return: () => reader.cancel(),
  }
}

// Its iterator is an async generator, and so cannot be stopped while it waits; destroying the stream stops both. The
// read that waited then fails with a premature close, which was asked for and is no error.
function fromNodeReadable(stream: NodeReadable): Source {
  const iterator = stream[Symbol.asyncIterator]()
  let left = false
  const onError = (error: unknown): IteratorResult<unknown> => {
    if (left && isPrematureClose(error)) return { done: true, value: undefined }
    throw error
  }
  return {
    next: () => iterator.next().catch(onError),
    return: () => {
      left = true
      stream.destroy()
    },
  }
}

// As `for await` does, a promise among the values of an iterable is waited for; one that rejects ends the iterable,
// which would otherwise never run its `finally`.
function fromIterator(iterator: Iterator<unknown>): Source {
  return {
    next: () => {
      const result = iterator.next()
      if (result.done || !isThenable(result.value)) return result
      return result.value.then(
        value => ({ done: false, value }),
        error => rejectClosed(iterator, error),
      )
    },
    return: () => iterator.return?.(),
  }
}

// What the `finally` throws counts for less than the error that led to it.
function rejectClosed(iterator: Iterator<unknown>, error: unknown): Promise<never> {
  try {
    iterator.return?.()
  } catch {}
  return Promise.reject(error)
}

interface NodeReadable extends AsyncIterable<unknown> {
  destroy(): void
}

function isReadableStream(value: object): value is ReadableStream<unknown> {
  return 'getReader' in value && typeof value.getReader === 'function'
}

function isPrematureClose(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ERR_STREAM_PREMATURE_CLOSE'
}

function isNodeReadable(value: object): value is NodeReadable {
  return 'pipe' in value && 'destroy' in value && typeof value.destroy === 'function' && Symbol.asyncIterator in value
}
