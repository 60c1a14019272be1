import { createSample } from './app.js'

const app = await createSample({ signals: true, health: true })

const { PORT = 8080, HOST = '127.0.0.1' } = process.env
const address = await app.listen({ port: Number(PORT), host: HOST })
console.log(`The sample is served at ${address}`)
