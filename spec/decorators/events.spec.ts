import { expect } from 'chai'
import { IsInt } from 'class-validator'
import { Event, SSE } from 'okapi'
import { methodRecords } from '../../src/metadata.js'
import { protest } from '../support/refusal.js'

class Tick {
  @IsInt()
  count!: number
}

describe('@Event', () => {
  it('notes type, data and what else is said, in the order in which it stands', () => {
    class Clock {
      @Event('tick', Tick, { id: true, description: 'Every second' })
      @Event('ticks', [Tick])
      @Event(String, { contentType: 'text/markdown' })
      @Event('over')
      @Event('done', null, { description: 'The end' })
      @Event('stream:gap')
      @SSE()
      *ticks() {
        yield 1
      }
    }

    expect(methodRecords(Clock).get('ticks')?.events).to.deep.equal([
      { type: 'tick', data: Tick, id: true, description: 'Every second' },
      { type: 'ticks', data: [Tick] },
      { data: String, contentType: 'text/markdown' },
      { type: 'over' },
      { type: 'done', description: 'The end' },
      { type: 'stream:gap' },
    ])
  })

  it('is inherited, unless a class declares its events anew', () => {
    class Base {
      @Event('tick', Tick)
      @SSE()
      *ticks() {
        yield 1
      }
    }
    class Same extends Base {
      @SSE('/same')
      override *ticks() {
        yield 1
      }
    }
    class Other extends Base {
      @Event('tock', Tick)
      override *ticks() {
        yield 1
      }
    }
    const typesOf = (type: object) =>
      methodRecords(type)
        .get('ticks')
        ?.events?.map(({ type }) => type)

    expect([typesOf(Same), typesOf(Other)]).to.deep.equal([['tick'], ['tock']])
  })

  const AnyEvent = Event as (...shape: unknown[]) => MethodDecorator
  const declared = (...shape: unknown[]) =>
    protest(() => {
      class Clock {
        @AnyEvent(...shape)
        *ticks() {
          yield 1
        }
      }
      return Clock
    })

  it('refuses what is no value type', () => {
    expect(declared('tick', {})).to.equal(
      "Clock.ticks: the data of @Event('tick') is no class but object: give Price, or [Price] for an array",
    )
    expect(declared('tick', undefined)).to.match(/imported around in a circle/)
    expect(declared(undefined)).to.match(/^Clock.ticks: the data of @Event is no class but undefined/)
    expect(declared([Tick, Tick])).to.match(/an array of 2/)
  })

  it('refuses an event type that no event may have', () => {
    expect(declared('a\nb')).to.match(/^Clock.ticks: .*line break/)
    expect(declared('stream:end')).to.match(/^Clock.ticks: .*only the framework may send/)
  })

  it('refuses an option that nobody reads', () => {
    expect(declared('tick', Tick, { idd: true })).to.equal("Clock.ticks, @Event('tick'): knows no idd: is it id?")
    expect(declared(Tick, { idd: true })).to.equal('Clock.ticks, @Event: knows no idd: is it id?')
  })

  it('stands on methods only', () => {
    expect(
      protest(() => {
        class Clock {
          @(Event('tick') as PropertyDecorator)
          ticks = 1
        }
        return Clock
      }),
    ).to.match(/^Clock.ticks: @Event\('tick'\) stands on a field/)
  })
})
