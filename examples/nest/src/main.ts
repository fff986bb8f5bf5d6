// A Nest application on Fastify.
// Points of interest:
// - The messenger is registered at the application like any plugin of Fastify, before `listen`. Guards and interceptors of Nest
//   concern the routes of controllers; `authorize` is how Nest's providers decide about channels.
// - channels.ts makes `app.channels` a provider, which controllers and services inject.
import 'reflect-metadata'
import { join } from 'node:path'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import messenger from 'fastify-messenger'
import { AppModule } from './app.module.js'
import { Sessions } from './sessions.js'

const root = join(import.meta.dirname, '..')
const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), { logger: ['error', 'warn'] })
const sessions = app.get(Sessions)

await app.register(messenger, {
  prefix: '/rt',
  authorize: (request, channel, action) => {
    const user = sessions.userOf(request.headers.cookie)
    return action === 'subscribe' && user !== undefined && channel === `orders:${user}` && { subject: user }
  }
})
app.useStaticAssets({ root: [join(root, 'page'), join(root, '../style')] })
app.enableShutdownHooks()

await app.listen(process.env['PORT'] ?? 3000, process.env['HOST'] ?? '127.0.0.1')
console.log(`Nest: open ${(await app.getUrl()).replace('[::1]', '127.0.0.1')} in two windows`)
