import { AsyncResource } from 'node:async_hooks'
import type { OutgoingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { Batch } from './batch.js'
import { openCompressed } from './compressed.js'
import { Deadlines } from './deadline.js'
import { departSoon } from './departure.js'
import { encode } from './encode.js'
import { isAbort, OverflowError, StreamClosedError } from './errors.js'
import { ServerSentEvent, withId } from './event.js'
import { FEED, type Feed, type FeedSource, isFeed, type Outlet } from './feed.js'
import { type CutReason, closingFrame, doneFrame, errorFrame, INTERNAL, OPEN, PING, retryFrame } from './frames.js'
import type { ResolvedOptions, StreamErrorContext } from './options.js'
import { type Orphan, watchOrphan } from './orphan.js'
import { type Place, Pulses } from './pulse.js'
import { lastEventId } from './request.js'
import { comeBack } from './retry.js'
import { NOWHERE } from './roster.js'
import { Senders } from './senders.js'
import type { Serializer } from './serializer.js'
import { openSink, type Sink, type StreamResponse } from './sink.js'
import { type GeneratorSource, isGenerator, isThenable, type Source, toSource } from './source.js'
import { spend, wait, welcome } from './turn.js'

/** How much a producer that does not wait may send ahead, in characters. */
const OVERFLOW = 1 << 20

/** How many bytes a character takes at most. One of two units takes four, which is less. */
const WIDEST = 3

/** In which last part of `maxDuration` a stream ends, so that those do not end together that began together. */
const EARLY = 0.1

/** What a stream asks of the house around it. */
export interface StreamHost {
  /** What the stream is called in logs. */
  readonly name: string
  readonly request: unknown
  /** What a client may know of an error: the data of `stream:error`. */
  problem(error: unknown): object
  /** Looks at every value before it is sent; what it throws goes the way of a value without text. */
  readonly check?: ((value: unknown) => void) | undefined
  /** Writes an error to the log. */
  log(error: unknown, context: StreamErrorContext): void
  /** Counts and logs a generator that outlives its client. */
  orphan(orphan: Orphan): void
  /** Somebody sends by calls though the method has returned, which has ended the stream. */
  late?(): void
  /** The stream is over, and its response with it. */
  closed?(stream: EventStream): void
}

const pings = new Pulses<EventStream>(
  stream => stream.ping(),
  stream => stream.hasSpoken(),
)
const deadlines = new Deadlines<EventStream>(stream => stream.endNow())
const stalls = new Pulses<EventStream>(stream => stream.cutStalled())

/**
 * One response that is an event stream: asks its source for a value when the socket has room, gathers what comes
 * without waiting into one write, keeps silence alive, and ends.
 *
 * It watches the response from the moment it is made, so that a client that leaves during the set-up is noticed.
 */
export class EventStream implements Outlet {
  // What every event looks at stands together: a processor fetches memory by the line.
  #state: 'open' | 'ending' | 'ended' | 'closed' = 'open'
  #blocked = false
  #spoke = false
  /** At how many characters the batch is looked at. */
  #mark: number
  #sink: Sink | undefined
  readonly #batch = new Batch()
  readonly options: ResolvedOptions
  readonly #prepare: ((value: unknown) => unknown) | undefined
  #armed = false
  #departs = false
  #headers: OutgoingHttpHeaders | undefined
  #gate: Gate | undefined
  #generator: GeneratorSource | undefined
  #source: Source | undefined
  readonly #response: StreamResponse
  readonly #host: StreamHost
  readonly #startedAt = Date.now()
  /**
   * The asynchronous context of the request. What all streams share, a turn of the loop, comes in that of another: the
   * code of the user would see there whatever an `AsyncLocalStorage` holds for somebody else.
   */
  readonly #context = new AsyncResource('EventStream', { requireManualDestroy: true })
  #feed: FeedSource | undefined
  #attached = false
  #relaying = false
  #farewell: string | undefined
  #pingInterval: number
  #pulse: Place<EventStream> | undefined
  #paused = false
  #waiting = false
  #queued: number | undefined
  #stall: Place<EventStream> | undefined
  #failure: { error: unknown } | undefined
  #returned = false
  #headTimer: NodeJS.Timeout | undefined
  #senders: Senders | undefined
  #watchers: Set<() => void> | undefined
  #unserialized: { error: unknown } | undefined
  #controller: AbortController | undefined
  #task: PromiseLike<unknown> | undefined
  #connection: Socket | undefined
  #deadline: Deadline | undefined
  /** @internal for the roster of the open streams */
  place = NOWHERE

  constructor(response: StreamResponse, options: ResolvedOptions, host: StreamHost) {
    this.#response = response
    this.options = options
    this.#mark = Math.ceil(options.highWaterMark / WIDEST)
    this.#pingInterval = options.pingInterval
    this.#host = host
    this.#prepare = preparation(options, host.check)
    welcome()
    response.on('close', this.#onClose)
    if (this.left) queueMicrotask(this.#onClose)
    else if (response.socket === null) this.#watchConnection(response.req.socket)
  }

  /** Whether the client has left, or was cut off. */
  get left(): boolean {
    const response = this.#response
    if ('stream' in response) return response.stream.destroyed
    return response.destroyed || response.closed || (response.socket === null && response.req.socket.destroyed)
  }

  /** Aborts when the client leaves or the server closes. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#state === 'closed') this.#controller.abort(new StreamClosedError())
    return this.#controller.signal
  }

  /** Whether nothing more can be sent. */
  get closed(): boolean {
    return this.#state !== 'open'
  }

  /** Whether the client has yet to take what was written. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Sends what the source gives, until it ends. */
  from(source: Source): void {
    this.#source = source
    if (isGenerator(source)) this.#generator = source
    if (this.#state === 'open') this.#pull()
    else this.#stopSource()
  }

  /** The source in a value, for this client. Nothing if there is none. */
  sourceOf(value: unknown): Source | undefined {
    return isFeed(value) ? value[FEED](lastEventId(this.#response.req.headers)) : toSource(value)
  }

  /**
   * Sends what a feed has for this client. The stream opens at once, unless the feed itself has to wait: then the
   * promise tells until when.
   *
   * @throws what the feed fails with before the head is out; or the promise rejects with it
   */
  feed(feed: Feed): Promise<void> | undefined {
    const source = this.sourceOf(feed) as FeedSource
    if (source.opening === undefined) {
      this.#hold(source)
      return undefined
    }
    return this.settle(source.opening).then(
      () => this.#hold(source),
      error => {
        this.dismiss(source)
        throw error
      },
    )
  }

  /** Keeps a feed until the head is out. */
  #hold(source: FeedSource): void {
    if (this.#state !== 'open') {
      this.dismiss(source)
      return
    }
    this.#source = source
    this.#feed = source
    this.#paused = true
  }

  /**
   * Waits for the set-up of the stream, but not longer than there is somebody to stream to. A source that comes too
   * late is told that nobody reads it.
   *
   * @throws {StreamClosedError} when the client leaves or the server closes meanwhile
   */
  settle(setUp: PromiseLike<unknown>): Promise<unknown> {
    this.#task = setUp
    return new Promise((resolve, reject) => {
      this.#gate = { resolve: noop, reject }
      if (this.#state === 'closed') reject(this.#failureOf())
      setUp.then(
        value => {
          this.#task = undefined
          if (this.#state === 'open') resolve(value)
          else this.#dismissLate(value)
        },
        error => {
          if (this.#state === 'open') reject(error)
          else this.#fail(error)
        },
      )
    })
  }

  /** Lives as long as the task that sends by calls; a source it returns is sent behind them. */
  follow(task: PromiseLike<unknown>): void {
    this.#task = task
    task
      .then(result => {
        this.#task = undefined
        const source = this.sourceOf(result)
        if (source === undefined) {
          this.#returned = this.#state === 'open'
          this.finish()
          return
        }
        if (isFeed(result)) this.#attach(source as FeedSource, false)
        this.from(source)
      })
      .then(noop, this.#fail)
  }

  /** Tells `gate` when the stream can be opened. By a call, not by a promise: every connection comes by here. */
  whenReady(gate: Gate): void {
    if (this.#state === 'closed') gate.reject(this.#failureOf())
    else if (this.#batch.length > 0 || this.#state !== 'open' || this.#feed) gate.resolve()
    else {
      this.#gate = gate
      // Most sources give their first event, or fail, in this turn: they are spared the timer, and the wrong answer.
      this.#departSoon()
    }
  }

  #delayHead(delay: number): void {
    if (delay === 0) this.#openGate()
    else this.#headTimer = setTimeout(() => this.#openGate(), delay)
  }

  #openGate(): void {
    const gate = this.#gate
    if (gate === undefined) return
    this.#leaveGate()
    gate.resolve()
  }

  #closeGate(error: unknown): void {
    const gate = this.#gate
    this.#leaveGate()
    gate?.reject(error)
  }

  #leaveGate(): void {
    this.#gate = undefined
    if (this.#headTimer === undefined) return
    clearTimeout(this.#headTimer)
    this.#headTimer = undefined
  }

  /**
   * Lets the head of the response go, together with the first events.
   *
   * @throws what failed since the stream was ready: it can still be an HTTP error
   */
  open(headers: OutgoingHttpHeaders): void {
    if (this.#state === 'closed') throw this.#failureOf()
    this.#leaveGate()
    this.#headers = headers
    if (this.#batch.length === 0 && this.#state === 'open') this.#batch.addText(OPEN)
    if (this.options.retry !== undefined) this.#batch.lead(retryFrame(this.options.retry))
    const { maxDuration } = this.options
    if (maxDuration > 0) this.endAt(Date.now() + maxDuration * (1 - Math.random() * EARLY), 'duration')
    this.#arm()
  }

  /**
   * Ends the stream at a time, unless it ends earlier: the client is told the reason, and comes back.
   *
   * @param at milliseconds since 1970
   */
  endAt(at: number, reason: CutReason): void {
    if (this.#state !== 'open' || (this.#deadline && this.#deadline.at <= at)) return
    this.#forgetDeadline()
    this.#deadline = { at, reason, beat: deadlines.add(this, at) }
  }

  /** Its time is up. */
  endNow(): void {
    this.close(comeBack(), this.#deadline?.reason)
  }

  #forgetDeadline(): void {
    if (this.#deadline) deadlines.forget(this, this.#deadline.beat)
  }

  /**
   * Sends one value by a call. Resolves when there is room for more.
   *
   * @throws {StreamClosedError} when nothing more can be sent
   * @throws {SerializationError} when the value has no text; nothing of it was sent
   */
  async send(value: unknown): Promise<void> {
    if (this.#state !== 'open') {
      this.#tellLate()
      throw new StreamClosedError()
    }
    await this.#push(this.#encode(value, this.options.serializer))
  }

  /** Tells, once, of a call that comes after the method has returned: nobody may look at what it rejects with. */
  #tellLate(): void {
    if (!this.#returned) return
    this.#returned = false
    this.#host.late?.()
  }

  /** Sends one value of a source that somebody else reads: like `send`, but a value without text goes to `onError`. */
  async pass(value: unknown, { serializer, onError }: Pick<ResolvedOptions, 'serializer' | 'onError'>): Promise<void> {
    if (this.#state !== 'open') throw new StreamClosedError()
    let text: string
    try {
      text = this.#encode(value, serializer)
    } catch (error) {
      this.#unserialized = { error }
      text = this.#substitute(error, value, onError)
    }
    if (text !== '') await this.#push(text)
    // An event that is left out costs time all the same, as in `#recover`.
    else if (!spend(64)) {
      this.#waitOnce()
      await this.#room()
    }
  }

  /** Calls back once, when nothing more can be sent; returns how to call that off. */
  whenOver(callback: () => void): () => void {
    if (this.#state !== 'open') {
      callback()
      return noop
    }
    this.#watchers ??= new Set()
    this.#watchers.add(callback)
    return () => this.#watchers?.delete(callback)
  }

  /** Changes the time of silence before a ping. 0 turns pings off. */
  set pingInterval(milliseconds: number) {
    if (milliseconds === this.#pingInterval) return
    this.#pulse?.leave()
    this.#pulse = undefined
    this.#pingInterval = milliseconds
    if (this.#sink && this.#state === 'open') this.#joinPings()
  }

  get pingInterval(): number {
    return this.#pingInterval
  }

  /**
   * Ends the stream, and asks the client to come back after `retry` milliseconds: because the server closes, or for
   * another reason. When the server closes, a feed gives first what it has already.
   */
  close(retry: number, reason?: CutReason): void {
    if (this.#state !== 'open') return
    if (this.#headers === undefined) {
      this.abandon()
      return
    }
    this.#farewell = closingFrame(retry, reason)
    if (this.#feed && this.#attached && reason === undefined) {
      this.#controller?.abort(new StreamClosedError())
      this.#feed?.end()
      return
    }
    this.#stop()
    this.finish()
  }

  /** Writes a chunk of a feed. */
  relay(chunk: Buffer): boolean {
    if (this.#state !== 'open') return false
    const sink = this.#sink as Sink
    this.#spoke = true
    return sink.relay(chunk) || this.#block(sink)
  }

  /** Gives up before anything was sent: the answer is somebody else's now. */
  abandon(): void {
    if (this.#state !== 'open') return
    this.#stop()
    this.#refuse(new StreamClosedError())
  }

  /** Ends the connection without a word: the client reads nothing, or the time to say goodbye is over. */
  cut(): void {
    this.#response.destroy()
    // A response that waits for its turn is destroyed when that comes: too late for a server that closes.
    if (this.#connection) this.#onClose()
  }

  /** Cuts a client that has taken nothing since the last look. */
  cutStalled(): void {
    const queued = this.#sink?.queued()
    if (queued === this.#queued) this.cut()
    this.#queued = queued
  }

  ping(): void {
    if (this.#state !== 'open' || this.#blocked || this.#batch.length > 0) return
    this.#batch.addText(PING)
    this.#flush()
  }

  /** Goes on in this turn of the event loop: the other streams had theirs. Returns whether it does. */
  resume(): boolean {
    return this.#context.runInAsyncScope(this.#resume, this)
  }

  #resume(): boolean {
    if (this.#state !== 'open') return false
    if (!this.#blocked) this.#senders?.resolve()
    if (this.#waiting) {
      this.#waiting = false
      this.#pull()
    }
    return true
  }

  // The source, asked for one value at a time. An asynchronous one calls back, a synchronous one stays in the loop.

  #pull(): void {
    try {
      let result = this.#source?.next()
      while (isNext(result)) {
        if (!this.#take(result.value)) return
        result = this.#source?.next()
      }
      if (result === undefined) return
      const arrive = this.#generator ? this.#arrive : this.#arriveForeign
      if (isThenable(result)) Promise.resolve(result).then(arrive, this.#fail)
      else this.#arriveLast(result)
    } catch (error) {
      this.#fail(error)
    }
  }

  // What an async generator does for each event is in line, and free of checks that only other sources need.
  readonly #arrive = (result: IteratorResult<unknown>): void => {
    if (this.#state !== 'open') return
    if (result?.done !== false) this.#arriveLast(result)
    else if (!this.#take(result.value)) return
    else if (this.#generator) this.#generator.next().then(this.#arrive, this.#fail)
    else this.#pull()
  }

  /** What comes of a source that is not known to keep its word: its results may throw when they are looked at. */
  readonly #arriveForeign = (result: IteratorResult<unknown>): void => {
    try {
      this.#arrive(result)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** The end, or what an iterator gives that leaves `done` out, or breaks its contract. */
  #arriveLast(result: IteratorResult<unknown>): void {
    if (!this.#isResult(result)) return
    if (result.done) this.finish()
    else if (this.#take(result.value)) queueMicrotask(() => this.#pull())
  }

  /** As in `for await`, an iterator that breaks its contract is an error of the source, and not of whoever asked it. */
  #isResult(result: unknown): boolean {
    if (typeof result === 'object' && result !== null) return true
    this.#fail(new TypeError(`The iterator of a stream returned ${typeof result} in place of { done, value }`))
    return false
  }

  /** Adds the text of a value; returns whether the source may be asked for the next one. */
  #take(value: unknown): boolean {
    const { options } = this
    try {
      this.#batch.add(this.#prepare === undefined ? value : this.#prepare(value), options.serializer)
    } catch (error) {
      if (!this.#recover(error, value)) return false
    }
    if (this.#armed && this.#batch.length < this.#mark) return true
    return this.#deliver()
  }

  /** Sends a full batch, or sees to it that what there is leaves when the source waits. Answers as `#take`. */
  #deliver(): boolean {
    if (this.#gate && this.#batch.length > 0) this.#openGate()
    const characters = this.#batch.length
    if (!this.#isFull() && !this.#blocked) {
      this.#arm()
      return true
    }
    if (this.#blocked || !this.#flush()) {
      this.#paused = true
      return false
    }
    return spend(characters) || this.#wait()
  }

  /** Whether the batch is as large as may be, in bytes. Nothing is measured any more once a text was ASCII. */
  #isFull(): boolean {
    if (this.#batch.length < this.#mark) return false
    const { highWaterMark } = this.options
    if (this.#mark < highWaterMark && this.#batch.isAscii()) this.#mark = highWaterMark
    return this.#batch.length >= this.#mark
  }

  #wait(): false {
    if (this.#batch.length > 0) {
      this.#openGate()
      this.#arm()
    }
    this.#waiting = true
    wait(this)
    return false
  }

  #recover(error: unknown, value: unknown): boolean {
    try {
      this.#batch.addText(this.#substitute(error, value, this.options.onError))
      // An event that is left out costs time all the same: without this, a source of nothing else would keep the loop.
      return spend(64) || this.#wait()
    } catch (final) {
      this.#stop()
      this.#failWith(final, this.#contextOf('serialize', value))
    }
    return false
  }

  /** The text of what `onError` sends in place of a value, if anything; otherwise the error. */
  #substitute(error: unknown, value: unknown, onError: ResolvedOptions['onError']): string {
    const answer = onError?.(error, this.#contextOf('serialize', value)) ?? 'end'
    if (answer === 'skip') return ''
    if (answer instanceof ServerSentEvent) return this.#encode(answer, this.options.serializer)
    throw error
  }

  #encode(value: unknown, serializer: Serializer): string {
    return encode(this.#prepare === undefined ? value : this.#prepare(value), serializer)
  }

  // The calls.

  #push(text: string): Promise<void> {
    // One event may be as long as it likes: only what waits already tells that the producer does not.
    if (this.#batch.length > OVERFLOW) {
      const error = new OverflowError(`${OVERFLOW} characters wait for a slow client`)
      this.#stop()
      this.#failWith(error, this.#contextOf('overflow'))
      return Promise.reject(error)
    }
    this.#batch.addText(text)
    this.#openGate()
    return this.#hasRoom() ? Promise.resolve() : this.#room()
  }

  #room(): Promise<void> {
    this.#senders ??= new Senders()
    return this.#senders.wait()
  }

  /** Waits for the next turn, once for all calls. */
  #waitOnce(): void {
    if (!this.#senders?.size) wait(this)
  }

  /** Sends what was gathered, if it is a batch; returns whether a call may send more in this turn of the event loop. */
  #hasRoom(): boolean {
    const characters = this.#batch.length
    if (!this.#isFull()) {
      this.#arm()
      return !this.#blocked
    }
    if (this.#blocked || !this.#flush()) return false
    if (spend(characters)) return true
    this.#waitOnce()
    return false
  }

  // The way out.

  /** Flushes when the turn is over: when the source really waits. */
  #arm(): void {
    if (this.#armed || this.#headers === undefined) return
    this.#armed = true
    this.#departSoon()
  }

  #departSoon(): void {
    if (this.#departs) return
    this.#departs = true
    departSoon(this)
  }

  /** Its turn is over: what was gathered leaves. One that is not open yet has `headDelay` from now on. */
  depart(): void {
    this.#context.runInAsyncScope(this.#depart, this)
  }

  #depart(): void {
    this.#armed = false
    this.#departs = false
    if (this.#gate) this.#delayHead(this.options.headDelay)
    if (!this.#blocked && this.#hasMore() && this.#flush()) this.#roomAgain()
  }

  /** Writes what was gathered, the head before it and the end behind it; returns whether the client took all of it. */
  #flush(): boolean {
    if (this.#headers === undefined) return false
    const sink = this.#sink ?? this.#openSink()
    if (sink === undefined) return false
    const text = this.#batch.take()
    const last = this.#state === 'ending'
    if (last) this.#state = 'ended'
    if (!last) {
      this.#spoke = true
      if (this.#pulse === undefined) this.#joinPings()
    }
    if (sink.write(text, last)) return true
    return this.#block(sink, last)
  }

  #joinPings(): void {
    if (this.#pingInterval > 0) this.#pulse = pings.of(this.#pingInterval).join(this)
  }

  /** Whether something was written since this was asked the last time. */
  hasSpoken(): boolean {
    const spoke = this.#spoke
    this.#spoke = false
    return spoke
  }

  #block(sink: Sink, last = false): false {
    this.#armed = false
    this.#blocked = true
    this.#queued = sink.queued()
    if (this.options.stallTimeout > 0) this.#stall ??= stalls.of(this.options.stallTimeout).join(this)
    if (!last) sink.drained(() => this.#context.runInAsyncScope(this.#drained, this))
    return false
  }

  /** Sends the head. It cannot be sent where somebody sent another, or put a header into it that is none. */
  #openSink(): Sink | undefined {
    const response = this.#response
    // Nobody will read a further request from a connection whose feed writes by itself.
    if (this.#feed?.relays && 'shouldKeepAlive' in response) response.shouldKeepAlive = false
    try {
      const headers = this.#headers as OutgoingHttpHeaders
      const { compress } = this.options
      this.#sink = compress
        ? openCompressed(response, headers, compress, this.#feed?.relays === true && this.#host.check === undefined)
        : openSink(response, headers)
    } catch (error) {
      this.#host.log(error, this.#contextOf('source'))
      this.cut()
    }
    return this.#sink
  }

  #hasMore(): boolean {
    return this.#state === 'ending' || (this.#state === 'open' && this.#batch.length > 0)
  }

  #drained(): void {
    this.#blocked = false
    this.#leaveStalls()
    if (!this.#hasMore() || this.#flush()) this.#roomAgain()
  }

  #roomAgain(): void {
    this.#senders?.resolve()
    if (this.#state !== 'open') return
    if (this.#relaying) this.#feed?.room()
    else if (this.#feed && !this.#attached) this.#begin(this.#feed, this.#sink as Sink)
    if (!this.#paused) return
    this.#paused = false
    this.#pull()
  }

  #begin(feed: FeedSource, sink: Sink): void {
    // What others share was encoded elsewhere: nobody could look at it.
    this.#relaying = feed.relays && sink.relays && this.#host.check === undefined
    this.#paused = !this.#relaying
    if (this.#relaying) sink.slim()
    this.#attach(feed, this.#relaying)
  }

  #attach(feed: FeedSource, relaying: boolean): void {
    this.#feed = feed
    this.#attached = true
    feed.attach(this, relaying)
  }

  // The ends.

  /** Ends the stream: everything was said. */
  finish(): void {
    if (this.#state !== 'open') return
    this.#batch.addText(this.#farewell ?? doneFrame(this.options.end))
    this.#end()
  }

  fail(error: unknown): void {
    this.#fail(error)
  }

  readonly #fail = (error: unknown): void => {
    this.#task = undefined
    const phase = this.#unserialized && this.#unserialized.error === error ? 'serialize' : 'source'
    if (this.#state === 'open') this.#failWith(error, this.#contextOf(phase))
    // A source that throws because it was told to stop has simply ended.
    else if (!isAbort(error)) this.#cleanupFailed(error)
  }

  #failWith(error: unknown, context: StreamErrorContext): void {
    if (this.#headers === undefined && this.#batch.length === 0) {
      this.#refuse(error)
      return
    }
    this.#host.log(error, context)
    if (context.phase !== 'serialize') this.#tell(error, context)
    this.#batch.addText(this.#lastWord(error, context))
    this.#end()
  }

  /** What the client is told. An error may throw itself when somebody looks at it. */
  #lastWord(error: unknown, context: StreamErrorContext): string {
    try {
      return errorFrame(this.#host.problem(error))
    } catch (own) {
      this.#host.log(own, context)
      return errorFrame(INTERNAL)
    }
  }

  /** Fails before the first event: the error is for the HTTP answer. */
  #refuse(error: unknown): void {
    this.#state = 'closed'
    this.#failure = { error }
    this.#closeGate(error)
    this.#release()
  }

  // Made only for who asks: an error takes its stack along, and every stream is closed one day.
  #failureOf(): unknown {
    return this.#failure ? this.#failure.error : new StreamClosedError()
  }

  #end(): void {
    this.#state = 'ending'
    this.#openGate()
    this.#letGo()
    // A feed goes on until it is told: it does not know that it failed, or that its stream did.
    if (this.#feed) this.#stop()
    if (this.#headers !== undefined && !this.#blocked) this.#flush()
  }

  readonly #onClose = (): void => {
    if (this.#state === 'closed') return
    const early = this.#state === 'open'
    this.#state = 'closed'
    this.#batch.take()
    if (early) {
      if (this.#gate) this.#closeGate(new StreamClosedError())
      this.#stop()
    }
    this.#release()
  }

  // Node tells only the response at the front of a pipeline that the connection has closed.
  #watchConnection(connection: Socket): void {
    this.#connection = connection.setMaxListeners(connection.getMaxListeners() + 1)
    connection.once('close', this.#onClose)
  }

  #release(): void {
    // Node keeps the last response of a connection until the next one comes.
    this.#response.off('close', this.#onClose)
    this.#connection?.off('close', this.#onClose)
    this.#pulse?.leave()
    this.#leaveStalls()
    this.#forgetDeadline()
    this.#letGo()
    this.#host.closed?.(this)
  }

  #leaveStalls(): void {
    this.#stall?.leave()
    this.#stall = undefined
  }

  /** Lets go whoever waits for this stream: calls that want room, sources that are read elsewhere. */
  #letGo(): void {
    this.#senders?.reject(new StreamClosedError())
    for (const watcher of this.#watchers ?? []) watcher()
    this.#watchers = undefined
  }

  /** Tells the source that no more is wanted. It is not waited for: one that is parked in an `await` never answers. */
  #stop(): void {
    this.#controller?.abort(new StreamClosedError())
    if (this.#task) this.#watch(this.#task.then(noop, noop))
    this.#task = undefined
    this.#stopSource()
  }

  #stopSource(): void {
    const source = this.#source
    this.#source = undefined
    this.#generator = undefined
    this.#feed = undefined
    this.#relaying = false
    if (source) this.dismiss(source)
  }

  #dismissLate(value: unknown): void {
    try {
      const source = isFeed(value) ? undefined : toSource(value)
      if (source) this.dismiss(source)
    } catch (error) {
      this.#cleanupFailed(error)
    }
  }

  /** Tells a source that no more is wanted: what its cleanup throws is logged, and one that goes on is an orphan. */
  dismiss(source: Source): void {
    let returned: unknown
    try {
      returned = source.return?.()
    } catch (error) {
      this.#cleanupFailed(error)
    }
    if (isThenable(returned)) this.#watch(returned.then(noop, error => this.#cleanupFailed(error)))
  }

  #cleanupFailed(error: unknown): void {
    const context = this.#contextOf('cleanup')
    this.#host.log(error, context)
    this.#tell(error, context)
  }

  /** Tells `onError` of an error. What it throws itself is logged: nobody stands above it to catch that. */
  #tell(error: unknown, context: StreamErrorContext): void {
    try {
      this.options.onError?.(error, context)
    } catch (own) {
      this.#host.log(own, context)
    }
  }

  #watch(settled: PromiseLike<void>): void {
    const { name } = this.#host
    watchOrphan(settled, this.options.orphanTimeout, ended => {
      this.#host.orphan({ name, age: Date.now() - this.#startedAt, ended })
    })
  }

  #contextOf(phase: StreamErrorContext['phase'], value?: unknown): StreamErrorContext {
    const { name, request } = this.#host
    return phase === 'serialize' ? { phase, value, name, request } : { phase, name, request }
  }
}

interface Deadline {
  readonly at: number
  readonly reason: CutReason
  readonly beat: number
}

/** Who opens a stream. It is told one of the two, once. */
export interface Gate {
  /** There is something to send, the source has ended, or `headDelay` has passed. */
  resolve(): void
  /** What failed before the first event: it can still be an HTTP error. */
  reject(error: unknown): void
}

function isNext(result: ReturnType<Source['next']> | undefined): result is IteratorYieldResult<unknown> {
  return (result as IteratorResult<unknown> | undefined)?.done === false
}

function noop(): void {}

/** What is done with a value before it becomes text: nothing, of a stream that asks for nothing. */
function preparation({ ids }: ResolvedOptions, check: StreamHost['check']): ((value: unknown) => unknown) | undefined {
  const give = ids === 'uuid' ? withId : undefined
  if (check === undefined) return give
  return value => {
    const prepared = give === undefined ? value : give(value)
    check(prepared)
    return prepared
  }
}
