// pm2: BEARER_TOKEN=a-secret REDIS_URL=redis://127.0.0.1:6379 pm2 start deploy/ecosystem.config.cjs
// With several processes Redis makes one messenger of them; without it set `instances` to 1.
const { join } = require('node:path')

module.exports = {
  apps: [{
    name: 'fastify-messenger',
    script: join(__dirname, '../dist/src/server.js'),
    exec_mode: 'cluster',
    instances: process.env.REDIS_URL === undefined ? 1 : 'max',
    // `pm2 reload` waits for the new process, and gives the old one DRAIN_SECONDS and some more.
    wait_ready: true,
    listen_timeout: 10_000,
    kill_timeout: 20_000
  }]
}
