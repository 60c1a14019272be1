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
]

/** Makes the sample app. A spec gives it a container with fakes, such as a fast `Clock`. */
export function createSample(options: Omit<AppOptions, 'controllers' | 'views'> = {}): Promise<App> {
  return createApp({ ...options, controllers, views: { engine: { eta: new Eta() }, root } })
}
