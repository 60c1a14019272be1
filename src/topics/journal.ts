/**
 * The interface behind the log of a topic: where events are kept, so that clients can come back to them.
 *
 * To write one: keep the contract told at each method, and run the checks of `okapi/journal-contract` on it.
 */

/** How much of a topic is kept. What is over any of the three bounds goes, the oldest first. */
export interface Retention {
  /** The most events. */
  readonly count: number
  /** The most characters of encoded text. The newest event is kept, however long it is. */
  readonly bytes: number
  /** The longest time, in milliseconds. Goes for the newest event too. */
  readonly age: number
}

/** One event in a log. */
export interface JournalEntry {
  /** Its place: the first event of a log is 1, and there are no holes. */
  readonly sequence: number
  /** When it was appended, in milliseconds since 1970. */
  readonly at: number
  /**
   * The event as it goes over the wire, without its id, up to and with the empty line: exactly as it was appended, but
   * that a lone surrogate may have become U+FFFD, as which it would be sent anyway.
   */
  readonly text: string
}

/**
 * What a log holds: only what is safe, and no more what retention has taken. An empty log has `earliest` one above
 * `latest`; one that was never written to, `latest` 0. `latest` never goes back, also when retention has taken all.
 */
export interface JournalBounds {
  readonly earliest: number
  readonly latest: number
  /** Characters of encoded text that it holds: the sum of `text.length`. */
  readonly bytes: number
}

/** Keeps the logs of topics. */
export interface Journal {
  /**
   * Opens the log of a topic, and makes it if there is none. The log is within the retention from the start. Not called
   * again for a topic before that log is told to close; then it may be called at once, and waits for the end of that.
   *
   * Logs do not know of each other: names that differ in anything, such as case or a slash, are topics of their own.
   *
   * @param topic its name: 1 to 200 printable ASCII characters without spaces
   * @param retention may be another one than the last time: what that one has taken may be there again if this one allows
   *   it. Any bound may be Infinity
   */
  open(topic: string, retention: Retention): JournalLog | Promise<JournalLog>
  /** Lets go of what the journal holds: files, connections. Its logs are closed before. */
  close?(): void | Promise<void>
}

/** The log of one topic. */
export interface JournalLog {
  /**
   * Names this life of the log, with 1 to 16 ASCII letters and digits. It goes on over restarts as long as the events
   * and the sequence do; a log that had to begin anew has another one, never used before for this topic or any other. That
   * of a log without any event should stay as well: a client of several topics may hold a position in it.
   */
  readonly epoch: string

  /** What it holds now. Called often: it is a look at numbers, not at events. */
  bounds(): JournalBounds

  /**
   * Appends events in order, all of them or none, and answers with the sequence of the first. When it answers, they are
   * as safe as this journal can make them, `bounds` and `read` know them, and retention by count and bytes is applied. A
   * call may come before the last one has been answered; its events lie behind those of that one, and it is answered
   * later.
   *
   * If it rejects, or throws, none of its events is in the log, or ever will be, and their sequences go to those that
   * come next.
   *
   * @param events the text of each, as in `JournalEntry`; at least one. The array is not changed any more
   */
  append(events: readonly string[]): number | Promise<number>

  /**
   * The events behind a sequence, the oldest first, without holes. Those that retention has taken are left out, so the
   * first may be further on than asked. It ends at the latest with the event that brings the sum of their characters to
   * `length` or above; it may end earlier, but gives at least one event if there is any.
   *
   * @param after 0 reads from the start; behind `latest` there is nothing
   * @param length at least 1; Infinity is no bound
   */
  read(after: number, length: number): readonly JournalEntry[] | Promise<readonly JournalEntry[]>

  /**
   * Calls back for what is appended from now on, by whomever: once for each event, in order, without holes, also for
   * what retention takes at once. It does so when the event is safe and `bounds` knows it, and before the `append` that
   * brought it is answered. One listener at a time: a new one takes the place of the one before. It does not throw.
   *
   * @returns ends that; does nothing if another listener has come since
   */
  tail(listener: (entries: readonly JournalEntry[]) => void): () => void

  /**
   * Applies retention by age, and at once, unless an `append` is under way: then at the latest when that is answered. May
   * be called at any time, and often.
   */
  trim(): void

  /**
   * Lets go of the log, when the appends that are under way are answered. What a journal keeps beyond the life of the
   * process stays. The log is not used any more; calling it again does nothing.
   */
  close(): void | Promise<void>
}
