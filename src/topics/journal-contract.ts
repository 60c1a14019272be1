import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Journal, JournalBounds, JournalEntry, JournalLog, Retention } from './journal.js'

/** The journal that is checked. */
export interface JournalUnderTest {
  /** Makes the journal; a durable one each time over the same storage. It may hold other topics already. */
  open(): Journal | Promise<Journal>
  /** Whether logs outlive `close` of the journal. Default false. */
  durable?: boolean
  /** For a durable one: loses what is stored, while no journal is open. Without it, one check is left out. */
  lose?(): void | Promise<void>
}

/** One sentence of the contract. */
export interface JournalCheck {
  readonly name: string
  /** Rejects with an `AssertionError` of `node:assert` if it does not hold. */
  run(): Promise<void>
}

/**
 * The contract of `Journal` as checks, for whatever runs specs: mocha, vitest, `node:test`.
 *
 * They run one after the other. They make topics of their own, with names that nobody else has, and leave them behind in
 * a durable journal. All take some seconds. What they cannot see is what happens when the process is killed: that needs
 * a spec with a second one.
 *
 * @example
 * ```ts
 * describe('MyJournal', () => {
 *   for (const { name, run } of journalContract({ open: () => new MyJournal() })) it(name, run)
 * })
 * ```
 */
export function journalContract(journal: JournalUnderTest): readonly JournalCheck[] {
  const checks: Record<string, (using: Using) => Promise<void>> = {
    ...epochs,
    ...appending,
    ...reading,
    ...tailing,
    ...retaining,
    ...naming,
    ...closing,
    ...(journal.durable ? durable : fleeting),
    ...(journal.durable && journal.lose ? losing : {}),
  }
  return Object.entries(checks).map(([name, check]) => ({
    name,
    async run() {
      const using = new Using(journal)
      try {
        await check(using)
      } finally {
        await using.close()
      }
    },
  }))
}

const ALL: Retention = {
  count: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
  age: Number.POSITIVE_INFINITY,
}
const HOUR = 3_600_000

/** An age that passes within a check, and the time in which it does. */
const SHORT = 20
const PASSES = 40

/** What a check works with: a journal, and logs that are closed behind it. */
class Using {
  readonly #under: JournalUnderTest
  readonly #name = `contract/${randomBytes(6).toString('hex')}/`
  readonly #logs = new Set<JournalLog>()
  #journal: Promise<Journal> | undefined

  constructor(under: JournalUnderTest) {
    this.#under = under
  }

  async log(retention: Partial<Retention> = {}, topic = 'topic'): Promise<JournalLog> {
    return this.named(this.#name + topic, retention)
  }

  async named(topic: string, retention: Partial<Retention> = {}): Promise<JournalLog> {
    this.#journal ??= Promise.resolve(this.#under.open())
    const log = await (await this.#journal).open(topic, { ...ALL, ...retention })
    this.#logs.add(log)
    return log
  }

  async closeLog(log: JournalLog): Promise<void> {
    this.#logs.delete(log)
    await log.close()
  }

  /** The next log is one of another journal. */
  async close(): Promise<void> {
    for (const log of this.#logs) await this.closeLog(log)
    const journal = await this.#journal
    this.#journal = undefined
    await journal?.close?.()
  }

  async lose(): Promise<void> {
    await this.close()
    await this.#under.lose?.()
  }
}

type Checks = Record<string, (using: Using) => Promise<void>>

const epochs: Checks = {
  async 'names the life of a log with 1 to 16 letters and digits'(using) {
    match((await using.log()).epoch, /^[0-9A-Za-z]{1,16}$/)
  },

  async 'has another epoch for each topic'(using) {
    const logs = await Promise.all(['a', 'b', 'c'].map(name => using.log({}, name)))

    strictEqual(new Set(logs.map(({ epoch }) => epoch)).size, 3)
  },

  async 'has an empty log begin with sequence 1'(using) {
    const log = await using.log()

    strictBounds(log, { earliest: 1, latest: 0, bytes: 0 })
    deepStrictEqual(await log.read(0, 1), [])
    strictEqual(await log.append(['a']), 1)
  },
}

const appending: Checks = {
  async 'answers an append with the sequence of its first event'(using) {
    const log = await using.log()

    strictEqual(await log.append(['a']), 1)
    strictEqual(await log.append(['b', 'c', 'd']), 2)
    strictEqual(await log.append(['e']), 5)
  },

  async 'knows what is appended as soon as it answers: bounds and read'(using) {
    const log = await using.log()

    await log.append(['ab', 'c'])

    strictBounds(log, { earliest: 1, latest: 2, bytes: 3 })
    deepStrictEqual(textsOf(await readAll(log)), ['ab', 'c'])
  },

  async 'keeps the time of each event'(using) {
    const log = await using.log()
    const before = Date.now()

    await log.append(['a', 'b'])

    const after = Date.now()
    for (const { at } of await readAll(log)) ok(at >= before - CLOCKS && at <= after + CLOCKS, `at is ${at}`)
  },

  async 'takes appends that do not wait for each other, and answers each in its turn'(using) {
    const log = await using.log()
    const sizes = Array.from({ length: 60 }, (_, index) => (index % 7) + 1)
    const answered: number[] = []
    const expected: string[] = []

    const answers = sizes.map(async (size, call) => {
      const events = Array.from({ length: size }, (_, index) => `${call}.${index}`)
      expected.push(...events)
      const first = await log.append(events)
      answered.push(call)
      return first
    })

    let next = 1
    for (const [call, first] of (await Promise.all(answers)).entries()) {
      strictEqual(first, next)
      next += sizes[call] as number
    }
    deepStrictEqual(answered, [...sizes.keys()])
    deepStrictEqual(textsOf(await readAll(log)), expected)
  },

  async 'keeps texts exactly: line ends, every plane of Unicode, what looks like keys or numbers'(using) {
    const log = await using.log()
    const texts = [
      'event: a\ndata: 1\ndata\n\n',
      ': comment\n\n',
      '\u0000\u0001\u007f\u0080\u00ff',
      '\ufeffé e\u0301 ﬁ 漢字 \u2028 \ud83d\ude00',
      '0',
      '__proto__',
      ' ',
      '',
    ]

    await log.append(texts)

    deepStrictEqual(textsOf(await readAll(log)), texts)
    strictBounds(log, { earliest: 1, latest: texts.length, bytes: texts.join('').length })
  },

  async 'takes 20,000 events in one append, and an event of 4 Mi characters'(using) {
    const log = await using.log()
    const many = Array.from({ length: 20_000 }, (_, index) => `data: ${index}\n\n`)
    const long = 'é'.repeat(4 << 20)

    strictEqual(await log.append(many), 1)
    strictEqual(await log.append([long]), 20_001)

    const all = textsOf(await readAll(log))
    ok(all.pop() === long, 'the long event is another one')
    deepStrictEqual(all, many)
    strictBounds(log, { earliest: 1, latest: 20_001, bytes: many.join('').length + long.length })
  },
}

const reading: Checks = {
  async 'reads what is behind a sequence, the oldest first'(using) {
    const log = await using.log()
    await log.append(['a', 'b', 'c', 'd'])

    deepStrictEqual(placesOf(await readAll(log, 0)), [1, 2, 3, 4])
    deepStrictEqual(placesOf(await readAll(log, 2)), [3, 4])
    deepStrictEqual(textsOf(await readAll(log, 3)), ['d'])
  },

  async 'reads nothing behind the latest event, or further on'(using) {
    const log = await using.log()
    await log.append(['a', 'b'])

    deepStrictEqual(await log.read(2, 1000), [])
    deepStrictEqual(await log.read(3, 1000), [])
    deepStrictEqual(await log.read(Number.MAX_SAFE_INTEGER, 1000), [])
  },

  async 'ends with the event that reaches the length that is asked for'(using) {
    const log = await using.log()
    await log.append(Array.from({ length: 100 }, () => 'x'.repeat(10)))

    for (const length of [1, 10, 11, 95, 1000, 5000]) {
      const entries = await log.read(20, length)
      ok(entries.length >= 1, `none for ${length}`)
      ok(entries.length <= Math.ceil(length / 10), `${entries.length} events for ${length} characters`)
      deepStrictEqual(
        placesOf(entries),
        Array.from(entries, (_, index) => 21 + index),
      )
    }
  },

  async 'gives an event that is longer than what is asked for'(using) {
    const log = await using.log()
    await log.append(['x'.repeat(1000), 'y'])

    deepStrictEqual(placesOf(await log.read(0, 1)), [1])
  },

  async 'reads all when the length is Infinity, in one call or several'(using) {
    const log = await using.log()
    await log.append(Array.from({ length: 3000 }, (_, index) => `${index}`))

    strictEqual((await readAll(log, 0, Number.POSITIVE_INFINITY)).length, 3000)
  },
}

const tailing: Checks = {
  async 'calls back once for each event, in order, before the append is answered'(using) {
    const log = await using.log()
    const seen: JournalEntry[] = []
    log.tail(entries => {
      strictEqual(log.bounds().latest >= (entries.at(-1)?.sequence ?? 0), true)
      seen.push(...entries)
    })

    const answers = ['a', 'b', 'c'].map(async text => {
      const first = await log.append([`${text}1`, `${text}2`])
      deepStrictEqual(placesOf(seen).slice(first - 1, first + 1), [first, first + 1])
    })
    await Promise.all(answers)
    await log.append(['d'])

    deepStrictEqual(placesOf(seen), [1, 2, 3, 4, 5, 6, 7])
    deepStrictEqual(textsOf(seen), ['a1', 'a2', 'b1', 'b2', 'c1', 'c2', 'd'])
    deepStrictEqual(seen, await readAll(log))
  },

  async 'calls back for what is appended from then on, and no more when that is ended'(using) {
    const log = await using.log()
    const seen: JournalEntry[] = []
    await log.append(['before'])

    const end = log.tail(entries => seen.push(...entries))
    await log.append(['during'])
    end()
    await log.append(['after'])

    deepStrictEqual(textsOf(seen), ['during'])
  },

  async 'has one listener at a time, whom the end of the one before does not concern'(using) {
    const log = await using.log()
    const seen: string[] = []
    const end = log.tail(entries => seen.push(...entries.map(({ text }) => `first ${text}`)))
    log.tail(entries => seen.push(...entries.map(({ text }) => `second ${text}`)))

    await log.append(['a'])
    end()
    await log.append(['b'])

    deepStrictEqual(seen, ['second a', 'second b'])
  },

  async 'calls back for what retention takes at once, too'(using) {
    const log = await using.log({ count: 2 })
    const seen: JournalEntry[] = []
    log.tail(entries => seen.push(...entries))

    await log.append(['a', 'b', 'c', 'd', 'e'])

    deepStrictEqual(placesOf(seen), [1, 2, 3, 4, 5])
    deepStrictEqual(placesOf(await readAll(log)), [4, 5])
  },
}

const retaining: Checks = {
  async 'keeps no more events than count'(using) {
    const log = await using.log({ count: 3 })

    for (let event = 1; event <= 10; event++) {
      await log.append([`${event}`])
      strictEqual(log.bounds().earliest, Math.max(1, event - 2))
    }

    deepStrictEqual(placesOf(await readAll(log)), [8, 9, 10])
    strictBounds(log, { earliest: 8, latest: 10, bytes: 4 })
  },

  async 'keeps no more characters than bytes'(using) {
    const log = await using.log({ bytes: 10 })

    await log.append(['aaaa', 'bbbb'])
    strictBounds(log, { earliest: 1, latest: 2, bytes: 8 })
    await log.append(['ccc'])
    strictBounds(log, { earliest: 2, latest: 3, bytes: 7 })
    await log.append(['ddd'])

    strictBounds(log, { earliest: 2, latest: 4, bytes: 10 })
    deepStrictEqual(textsOf(await readAll(log)), ['bbbb', 'ccc', 'ddd'])
  },

  async 'counts characters, not the bytes that they take'(using) {
    const log = await using.log({ bytes: 4 })

    await log.append(['é', '漢', '\ud83d\ude00'])

    strictBounds(log, { earliest: 1, latest: 3, bytes: 4 })
  },

  async 'keeps the newest event, however long it is'(using) {
    const log = await using.log({ bytes: 10 })

    await log.append(['a', 'b'.repeat(100)])

    strictBounds(log, { earliest: 2, latest: 2, bytes: 100 })
    deepStrictEqual(placesOf(await readAll(log)), [2])
    await log.append(['c'])
    strictBounds(log, { earliest: 3, latest: 3, bytes: 1 })
  },

  async 'leaves out of a read what retention has taken'(using) {
    const log = await using.log({ count: 3 })
    await log.append(['a', 'b', 'c', 'd', 'e'])

    deepStrictEqual(placesOf(await readAll(log, 0)), [3, 4, 5])
    deepStrictEqual(placesOf(await readAll(log, 1)), [3, 4, 5])
    deepStrictEqual(placesOf(await readAll(log, 3)), [4, 5])
  },

  async 'lets go of what is too old by trim, the newest event too, and goes on in sequence'(using) {
    const log = await using.log({ age: SHORT })
    await log.append(['a', 'b'])

    await setTimeout(PASSES)
    log.trim()

    strictBounds(log, { earliest: 3, latest: 2, bytes: 0 })
    deepStrictEqual(await log.read(0, 1000), [])
    strictEqual(await log.append(['c']), 3)
  },

  async 'keeps what is young enough, also when trimmed in the midst of appends'(using) {
    const log = await using.log({ age: HOUR })

    const answers = ['a', 'b', 'c'].map(async text => log.append([text]))
    log.trim()
    log.trim()
    deepStrictEqual(await Promise.all(answers), [1, 2, 3])
    log.trim()

    strictBounds(log, { earliest: 1, latest: 3, bytes: 3 })
  },

  async 'has trimmed what is too old when the appends are answered that were under way'(using) {
    const log = await using.log({ age: SHORT })
    await log.append(['old', 'older'])
    await setTimeout(PASSES)

    const appended = log.append(['new'])
    log.trim()
    await appended

    strictEqual(log.bounds().earliest >= 3, true)
  },

  async 'counts right through hundreds of appends and trims'(using) {
    const log = await using.log({ count: 50, bytes: 400 })
    let kept: string[] = []
    for (let call = 0; call < 200; call++) {
      const events = Array.from({ length: call % 4 === 0 ? 7 : 1 }, (_, index) => 'x'.repeat((call * 7 + index) % 23))
      await log.append(events)
      kept = [...kept, ...events].slice(-50)
      while (kept.join('').length > 400) kept.shift()
      const { earliest, latest, bytes } = log.bounds()
      deepStrictEqual({ held: latest - earliest + 1, bytes }, { held: kept.length, bytes: kept.join('').length })
      if (call % 10 === 0) log.trim()
    }
    deepStrictEqual(textsOf(await readAll(log)), kept)
  },
}

const naming: Checks = {
  async 'keeps topics apart, whatever printable ASCII their names are of'(using) {
    const names = [
      ...['a', 'A', 'a/', '/a', 'a/b', 'a.b', 'a:b', 'a%2Fb', 'aa', '../a', '..', '.', '~', '*', '?', 'a?b', '#'],
      ...[
        '__proto__',
        'constructor',
        'toString',
        'null',
        '0',
        '-1',
        '"',
        "'",
        '\\',
        '\\0',
        '%00',
        '$(a)',
        '{{a}}',
        ';--',
      ],
      ...['data.mdb', 'CON', 'a\\b', '!'.repeat(180), '~'.repeat(180), 'x'.repeat(179), 'x'.repeat(180)],
    ]
    const logs = await Promise.all(names.map(name => using.log({}, name)))

    await Promise.all(logs.map(async (log, index) => log.append([`${index}`, names[index] as string])))

    for (const [index, log] of logs.entries()) {
      deepStrictEqual(textsOf(await readAll(log)), [`${index}`, names[index]])
    }
  },

  async 'takes names of 1 to 200 characters'(using) {
    const long = `${randomBytes(10).toString('hex')}${'~'.repeat(180)}`

    for (const name of ['!', long]) {
      const log = await using.named(name)
      const { latest } = log.bounds()
      strictEqual(await log.append(['a']), latest + 1)
    }
  },

  async 'does not mix up what is appended to 200 topics at a time'(using) {
    const names = Array.from({ length: 200 }, (_, index) => `many/${index}`)
    const logs = await Promise.all(names.map(name => using.log({ count: 3 }, name)))

    await Promise.all(
      logs.flatMap((log, index) => [1, 2, 3, 4, 5].map(async event => log.append([`${index}.${event}`]))),
    )

    for (const [index, log] of logs.entries()) {
      strictBounds(log, { earliest: 3, latest: 5, bytes: 3 * `${index}.1`.length })
      deepStrictEqual(textsOf(await readAll(log)), [`${index}.3`, `${index}.4`, `${index}.5`])
    }
  },
}

const closing: Checks = {
  async 'answers the appends that are under way before a log is closed'(using) {
    const log = await using.log()
    const answered: number[] = []

    const answers = ['a', 'b', 'c'].map(async text => answered.push(await log.append([text])))
    await using.closeLog(log)
    await Promise.all(answers)

    deepStrictEqual(answered, [1, 2, 3])
  },

  async 'lets a log be closed twice, and opened anew at once'(using) {
    const log = await using.log()
    await log.append(['a'])

    const closed = [using.closeLog(log), log.close()]
    const again = await using.log()
    await Promise.all(closed)

    const { latest } = again.bounds()
    ok(again.epoch !== log.epoch ? latest === 0 : latest === 1, `latest is ${latest}`)
    strictEqual(await again.append(['b']), latest + 1)
  },
}

const fleeting: Checks = {
  async 'has another epoch for each log that begins anew'(using) {
    const seen = new Set<string>()
    for (let life = 0; life < 20; life++) {
      const log = await using.log()
      strictEqual(log.bounds().latest, 0)
      seen.add(log.epoch)
      await log.append(['a'])
      await using.close()
    }

    strictEqual(seen.size, 20)
  },
}

const durable: Checks = {
  async 'keeps events, bounds, epoch and sequence over close and open'(using) {
    const log = await using.log()
    await log.append(['a', 'bc'])
    await log.append(['\ud83d\ude00\n\n'])
    const entries = await readAll(log)
    await using.close()

    const again = await using.log()

    strictEqual(again.epoch, log.epoch)
    strictBounds(again, { earliest: 1, latest: 3, bytes: 7 })
    deepStrictEqual(await readAll(again), entries)
    strictEqual(await again.append(['d']), 4)
  },

  async 'keeps a log that is closed alone, while its journal stays open'(using) {
    const log = await using.log()
    await log.append(['a'])
    await using.closeLog(log)

    const again = await using.log()

    strictEqual(again.epoch, log.epoch)
    deepStrictEqual(textsOf(await readAll(again)), ['a'])
  },

  async 'keeps what was appended right before it was closed, though nobody waited for it'(using) {
    const log = await using.log()
    const answer = log.append(['a', 'b'])
    await using.close()
    await answer

    deepStrictEqual(textsOf(await readAll(await using.log())), ['a', 'b'])
  },

  async 'goes on in epoch and sequence though retention has taken every event'(using) {
    const log = await using.log({ age: SHORT })
    await log.append(['a', 'b'])
    await setTimeout(PASSES)
    log.trim()
    await using.close()

    const again = await using.log({ age: SHORT })

    strictEqual(again.epoch, log.epoch)
    strictBounds(again, { earliest: 3, latest: 2, bytes: 0 })
    strictEqual(await again.append(['c']), 3)
  },

  async 'is within the retention as soon as it is open: by count, bytes and age'(using) {
    const retentions: Partial<Retention>[] = [{ count: 2 }, { bytes: 4 }, { age: SHORT }]
    for (const [index] of retentions.entries()) {
      await (await using.log({}, `${index}`)).append(['aa', 'bb', 'cc'])
    }
    await using.close()
    await setTimeout(PASSES)

    const bounds = []
    for (const [index, retention] of retentions.entries()) {
      const log = await using.log(retention, `${index}`)
      bounds.push(log.bounds())
      deepStrictEqual(placesOf(await readAll(log)), index < 2 ? [2, 3] : [])
    }

    const two = { earliest: 2, latest: 3, bytes: 4 }
    deepStrictEqual(bounds, [two, two, { earliest: 4, latest: 3, bytes: 0 }])
  },

  async 'counts right over a hundred lives'(using) {
    for (let life = 0; life < 100; life++) {
      const log = await using.log({ count: 5 })
      strictEqual(await log.append([`${life}`, '-']), life * 2 + 1)
      await using.close()
    }

    const log = await using.log({ count: 5 })
    strictBounds(log, { earliest: 196, latest: 200, bytes: 7 })
    deepStrictEqual(textsOf(await readAll(log)), ['-', '98', '-', '99', '-'])
  },
}

const losing: Checks = {
  async 'has another epoch for a log that had to begin anew'(using) {
    const log = await using.log()
    await log.append(['a'])
    await using.lose()

    const again = await using.log()

    strictEqual(again.bounds().latest, 0)
    notStrictEqual(again.epoch, log.epoch)
  },
}

/** How far the clocks of the journal and of this process may be apart, in milliseconds. */
const CLOCKS = 1000

function strictBounds(log: JournalLog, expected: JournalBounds): void {
  const { earliest, latest, bytes } = log.bounds()
  deepStrictEqual({ earliest, latest, bytes }, expected)
}

async function readAll(log: JournalLog, after = 0, length = 1 << 16): Promise<readonly JournalEntry[]> {
  const all: JournalEntry[] = []
  for (let place = after; ; place = all.at(-1)?.sequence as number) {
    const entries = await log.read(place, length)
    if (entries.length === 0) return all
    const first = entries[0] as JournalEntry
    ok(first.sequence > place, `read(${place}) begins with ${first.sequence}`)
    const inTurn = Array.from(entries, (_, index) => first.sequence + index)
    deepStrictEqual(placesOf(entries), inTurn)
    ok(place === after || first.sequence === place + 1, `read(${place}) leaves out what is before ${first.sequence}`)
    for (const { sequence, at, text } of entries) all.push({ sequence, at, text })
  }
}

function textsOf(entries: readonly JournalEntry[]): string[] {
  return entries.map(({ text }) => text)
}

function placesOf(entries: readonly JournalEntry[]): number[] {
  return entries.map(({ sequence }) => sequence)
}
