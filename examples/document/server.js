// A document that several people edit; after a gap the page fetches it again.
// Points of interest:
// - Edits go to a route of the app, which publishes them one after the other. The log decides the order: the last edit wins.
// - GET /document has the text and the id of the last edit in it. A page continues from there, so that nothing is lost in between.
// - The channel keeps five edits only. "Go offline", make some in another window, and reconnect: up to five arrive automatically,
//   after more the client reports a gap (`onGap`), and the page fetches the document again.
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import Fastify from 'fastify'
import messenger from 'fastify-messenger'

const CHANNEL = 'document'
const paragraphs = [
  'The garden opens on the first weekend of May. Everyone who helps brings gloves, and something for the table.',
  'We begin with the beds along the south wall: beans, peas and the early potatoes. The tomatoes wait until the nights are warm.',
  'Anna has the key of the shed. The wheelbarrow needs a new tyre before we start.',
  'Water comes from the rain barrels first. When they are empty we take turns with the pump, half an hour each.'
].map((text) => ({ text, by: null }))

const app = Fastify({ logger: { level: 'warn' } })

app.addHook('onRequest', async (request, reply) => { reply.header('content-security-policy', "default-src 'self'") })

await app.register(messenger, { prefix: '/rt', historySize: 5, historyTtlMs: 24 * 60 * 60 * 1_000 })
await app.register(fastifyStatic, { root: [join(import.meta.dirname, 'page'), join(import.meta.dirname, '../style')] })

/** The id of the last edit that `paragraphs` contains. */
let { id } = await app.channels.members(CHANNEL)
let last = Promise.resolve()

/** Publishes an edit and applies it, after those before it: the text and the id change together. */
function apply (edit) {
  const applied = last.then(async () => {
    const published = await app.channels.publish(CHANNEL, edit)
    paragraphs[edit.index] = { text: edit.text, by: edit.by }
    id = published.id
    return { id }
  })
  last = applied.catch(() => {})
  return applied
}

const edit = {
  type: 'object',
  required: ['index', 'text', 'by', 'edit'],
  additionalProperties: false,
  properties: {
    index: { type: 'integer', minimum: 0, maximum: paragraphs.length - 1 },
    text: { type: 'string', maxLength: 2_000 },
    by: { type: 'string', minLength: 1, maxLength: 20 },
    // Identifies the edit, so that a page recognizes its own edits among the published ones.
    edit: { type: 'string', maxLength: 36 }
  }
}

app.get('/document', async () => ({ paragraphs, id }))
app.post('/edits', { schema: { body: edit } }, async (request) => await apply(request.body))

const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: process.env.HOST ?? '127.0.0.1' })
console.log(`Document: open ${address} in two windows`)
