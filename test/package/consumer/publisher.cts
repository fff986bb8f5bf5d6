// A job in CommonJS that publishes to a service that is away. It prints what it saw for package.test.ts to judge.
import publisher = require('fastify-messenger/publisher')

async function main (): Promise<void> {
  const refused: typeof fetch = async () => await Promise.reject(new TypeError('fetch failed'))
  const options: publisher.PublisherOptions = { server: 'http://127.0.0.1:3000', token: 'secret', retryForMs: 1_000, fetch: refused }
  const { createPublisher, PublishError } = publisher
  const error: unknown = await createPublisher(options).publish('room1', { text: 'hello' }).catch((reason: unknown) => reason)
  if (!(error instanceof PublishError)) throw error
  const { code, channel, cause } = error
  const same = Object.keys(publisher).filter((name) => name !== 'default' && name !== '__esModule').sort()
  console.log(JSON.stringify({ cause: (cause as InstanceType<typeof PublishError>).code, code, channel, same }))
}

void main()
