import { createSample } from './app.js'

// What `npm run dev` says: then every event is checked against what its method declares.
const development = process.env.NODE_ENV === 'development'

const app = await createSample({ signals: true, health: true, checkEvents: development })

const { PORT, HOST = '127.0.0.1' } = process.env
const address = await app.listen({ port: Number(PORT || 8080), host: HOST })
console.log(`The sample is served at ${address}`)
