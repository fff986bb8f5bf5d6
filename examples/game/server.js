// Four in a row: moves in order, and a player who reconnects sees the whole match.
// Points of interest:
// - The channel's log is the match. A page begins with `since: 'earliest'` and rebuilds the board from the moves, in their order.
// - The server checks the moves: it publishes a move only if it is that player's turn, and pages show only published moves.
// - `historySize` holds the longest match (42 moves and two seats), `historyTtlMs` the longest pause.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import Fastify from 'fastify'
import messenger from 'fastify-messenger'

const WIDTH = 7
const HEIGHT = 6
const MAX_MATCHES = 1_000
const matches = new Map()
const app = Fastify({ logger: { level: 'warn' } })

app.addHook('onRequest', async (request, reply) => { reply.header('content-security-policy', "default-src 'self'") })

await app.register(messenger, { prefix: '/rt', historySize: 50, historyTtlMs: 24 * 60 * 60 * 1_000 })
await app.register(fastifyStatic, { root: [join(import.meta.dirname, 'page'), join(import.meta.dirname, '../style')] })

function refuse (statusCode, message) {
  throw Object.assign(new Error(message), { statusCode })
}

function findMatch (id) {
  return matches.get(id) ?? refuse(404, 'There is no such match')
}

/** Publishes the result of `decide`, after all earlier moves; the match changes once it is published. */
async function play (match, decide) {
  const played = match.last.then(async () => {
    const { message, change } = decide()
    await app.channels.publish(`match:${match.id}`, message)
    change()
  })
  match.last = played.catch(() => {})
  await played
}

async function seat (match, player) {
  const key = randomBytes(12).toString('base64url')
  await play(match, () => {
    if (match.keys[player] !== undefined) refuse(409, 'The seat is taken')
    return { message: { seat: player }, change: () => { match.keys[player] = key } }
  })
  return { id: match.id, player, key }
}

async function move (match, key, column) {
  await play(match, () => {
    const player = match.moves % 2 === 0 ? 'red' : 'yellow'
    const row = match.columns[column].length
    if (match.over) refuse(409, 'The match is over')
    if (match.keys[player] !== key) refuse(409, 'It is not your turn')
    if (row === HEIGHT) refuse(409, 'This column is full')
    const four = fourAt(match.columns, player, column, row)
    return {
      message: { player, column, row, ...four && { four } },
      change: () => {
        match.columns[column].push(player)
        match.moves++
        match.over = four !== undefined || match.moves === WIDTH * HEIGHT
      }
    }
  })
}

/** The discs of a row of four or more that a disc completes, if it does. */
function fourAt (columns, player, column, row) {
  for (const [right, up] of [[1, 0], [0, 1], [1, 1], [1, -1]]) {
    const discs = [[column, row]]
    for (const way of [1, -1]) {
      let [x, y] = [column + way * right, row + way * up]
      for (; columns[x]?.[y] === player; x += way * right, y += way * up) discs.push([x, y])
    }
    if (discs.length >= 4) return discs
  }
}

app.post('/matches', async () => {
  const match = {
    id: randomBytes(6).toString('base64url'),
    columns: Array.from({ length: WIDTH }, () => []),
    keys: {},
    moves: 0,
    over: false,
    last: Promise.resolve()
  }
  matches.set(match.id, match)
  if (matches.size > MAX_MATCHES) matches.delete(matches.keys().next().value)
  return await seat(match, 'red')
})
app.post('/matches/:id/seat', async ({ params }) => await seat(findMatch(params.id), 'yellow'))

const body = {
  type: 'object',
  required: ['key', 'column'],
  properties: { key: { type: 'string' }, column: { type: 'integer', minimum: 0, maximum: WIDTH - 1 } }
}
app.post('/matches/:id/moves', { schema: { body } }, async ({ params, body }, reply) => {
  await move(findMatch(params.id), body.key, body.column)
  return await reply.code(204).send()
})

const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: process.env.HOST ?? '127.0.0.1' })
console.log(`Game: open ${address}, start a match and open its link in a second window`)
