// A host application in CommonJS, which package.test.ts compiles.
import Fastify = require('fastify')
import messenger = require('fastify-messenger')

const options: messenger.MessengerOptions = { token: 'secret' }
const app = Fastify.default()
app.register(messenger.default, options).after(() => {
  app.channels.publish('room', 1).catch((error: unknown) => { console.error(error) })
})
