import { IsNotEmpty, IsString, MaxLength } from 'class-validator'
import { Body, Controller, Doc, Event, event, Signal, SSE } from 'okapi'
import { Clock } from './clock.js'

export class Question {
  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  message!: string
}

/** An answer that arrives word by word, to a POST. `done` comes last: without it, the answer was cut off. */
@Controller()
export class Chat {
  constructor(private readonly clock: Clock) {}

  @Doc({ summary: 'An answer, word by word' })
  @Event(String, { description: 'A word, with the space behind it.' })
  @Event('done', null, { description: 'The answer is complete.' })
  @SSE('/chat', { method: 'POST' })
  async *chat(@Body() { message }: Question, @Signal() signal: AbortSignal) {
    for (const word of answerTo(message).split(/(?<=\s)/)) {
      yield word
      await this.clock.sleep(60, signal)
    }
    yield event('done')
  }
}

function answerTo(message: string): string {
  return `You said: ${message}

I am no oracle, only a canned answer that somebody wrote beforehand. But I arrive as a real one would: word by word, \
each an event of its own, at the pace of a fast reader. Press Stop, and the server notices at once: the wait I am in \
is cut short, my generator ends, and no further word is made for nobody.`
}
