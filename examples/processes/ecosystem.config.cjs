// Three processes that share one port. Without Redis they would be three messengers: a page would miss what the others publish.
module.exports = {
  apps: [{
    name: 'app',
    cwd: __dirname,
    script: 'app.js',
    exec_mode: 'cluster',
    instances: 3,
    // `pm2 reload` waits for the new process, and gives the old one the time in which its subscribers leave.
    wait_ready: true,
    listen_timeout: 10_000,
    kill_timeout: 15_000
  }]
}
