import { Eta } from 'eta'
import { type App, type AppOptions, createApp } from 'okapi'
import { Producer } from './channel.js'
import { Chat } from './chat.js'
import { Counter } from './counter.js'
import { Events } from './events.js'
import { Images } from './images.js'
import { LiveData } from './live-data.js'
import { Messages } from './messages.js'
import { Notifications } from './notifications.js'
import { Page, root } from './page.js'
import { Prices } from './prices.js'
import { Stocks } from './stocks.js'
import { Time } from './time.js'
import { XmlEvents } from './xml-events.js'

const controllers = [
  Page,
  Time,
  Counter,
  Stocks,
  Notifications,
  Messages,
  Producer,
  LiveData,
  Images,
  XmlEvents,
  Events,
  Chat,
  Prices,
]

const openapi = {
  info: {
    title: 'The Okapi sample',
    version: '1.0.0',
    description: 'Every kind of stream, at work.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
}

/** Makes the sample app. A spec gives it a container with fakes, such as a fast `Clock`. */
export function createSample(options: Omit<AppOptions, 'controllers' | 'views'> = {}): Promise<App> {
  return createApp({ openapi, ...options, controllers, views: { engine: { eta: new Eta() }, root } })
}
