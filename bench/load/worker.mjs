// The load process: takes one job over IPC, answers with its result and ends.
import { bursts } from './jobs/bursts.mjs'
import { churn } from './jobs/churn.mjs'
import { connects } from './jobs/connects.mjs'
import { exactness } from './jobs/exactness.mjs'
import { fanOut } from './jobs/fan-out.mjs'
import { idleMemory } from './jobs/idle-memory.mjs'
import { posts } from './jobs/posts.mjs'
import { publisher } from './jobs/publisher.mjs'
import { receipts } from './jobs/receipts.mjs'
import { reconnect } from './jobs/reconnect.mjs'
import { scrape } from './jobs/scrape.mjs'

const jobs = { bursts, fanOut, posts, idleMemory, exactness, churn, connects, reconnect, publisher, receipts, scrape }

process.once('disconnect', () => process.exit())
process.once('message', async ({ job, options }) => {
  const answer = await jobs[job](options).then((result) => ({ result }), (error) => ({ error: error.message }))
  process.send(answer, () => process.exit())
})
