/** A stream as the page lists it. EventSource hears only the event types it is told to listen to. */
export interface ListedStream {
  url: string
  says: string
  types: string[]
}

/** Every stream that the page can open by EventSource. */
export const streams: ListedStream[] = [
  { url: '/events', says: 'An update every 2 s, each fifth a notification', types: ['update', 'notification'] },
  { url: '/time', says: 'The time, every second', types: ['message'] },
  { url: '/counter', says: 'From 0 to 10, then the end', types: ['message'] },
  { url: '/stocks', says: 'A price as JSON, every 2 s', types: ['message'] },
  { url: '/notifications', says: 'Three event types, sent by calls', types: ['info', 'warning', 'failure'] },
  { url: '/messages', says: 'Five messages with ids, to resume from', types: ['message'] },
  { url: '/channel', says: 'Ten updates through a bounded channel', types: ['update'] },
  { url: '/live-data', says: 'Readings, with stream options', types: ['data'] },
  { url: '/images', says: 'Bytes as Base64, once', types: ['message'] },
  { url: '/xml-events', says: 'XML by a serializer of its own, once', types: ['message'] },
]
