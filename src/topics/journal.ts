/**
 * The interface behind the log of a topic: where events are kept, so that clients can come back to them.
 *
 * To write one: keep the contract told at each method, and run the suite `okapi/journal-contract` on it.
 */

/** How much of a topic is kept. What is over any of the three bounds goes, the oldest first. */
export interface Retention {
  /** The most events. */
  readonly count: number
  /** The most characters of encoded text. The newest event is kept, however long it is. */
  readonly bytes: number
  /** The longest time, in milliseconds. */
  readonly age: number
}

/** One event in a log. */
export interface JournalEntry {
  /** Its place: the first event of a log is 1, and there are no holes. */
  readonly sequence: number
  /** When it was appended, in milliseconds since 1970. */
  readonly at: number
  /** The event as it goes over the wire, without its id, up to and with the empty line. */
  readonly text: string
}

/** What a log holds. An empty log has `earliest` one above `latest`; one that was never written to, `latest` 0. */
export interface JournalBounds {
  readonly earliest: number
  readonly latest: number
  /** Characters of encoded text that it holds. */
  readonly bytes: number
}

/** Keeps the logs of topics. */
export interface Journal {
  /**
   * Opens the log of a topic, and makes it if there is none. Called once for each topic, until that log is closed.
   *
   * @param topic its name: up to 200 printable ASCII characters
   */
  open(topic: string, retention: Retention): JournalLog | Promise<JournalLog>
  /** Lets go of what the journal holds: files, connections. Its logs are closed before. */
  close?(): void | Promise<void>
}

/** The log of one topic. */
export interface JournalLog {
  /**
   * Names this life of the log, with 1 to 16 letters and digits. It goes on over restarts as long as the events and the
   * sequence do; a log that had to begin anew has another one, never used for this topic before.
   */
  readonly epoch: string

  /** What it holds now. */
  bounds(): JournalBounds

  /**
   * Appends events in order, all of them or none, and answers with the sequence of the first. When it answers, they are
   * as safe as this journal can make them. A call may come before the last one has been answered; it comes behind it.
   *
   * @param events the text of each, as in `JournalEntry`; at least one
   */
  append(events: readonly string[]): number | Promise<number>

  /**
   * The events behind a sequence, the oldest first: at most about as many as have `length` characters together, at
   * least one if there is any. Those that retention has taken are left out, so the first may be further on than asked.
   *
   * @param after 0 reads from the start
   */
  read(after: number, length: number): readonly JournalEntry[] | Promise<readonly JournalEntry[]>

  /**
   * Calls back for what is appended from now on, by whomever: once for each event, in order, without holes, when it is
   * safe, and before the `append` that brought it is answered. One listener at a time.
   *
   * @returns ends that
   */
  tail(listener: (entries: readonly JournalEntry[]) => void): () => void

  /** Applies retention by age; by count and bytes `append` does it. May be called at any time. */
  trim(): void

  /** Lets go of the log. What a journal keeps beyond the life of the process stays. */
  close(): void | Promise<void>
}
