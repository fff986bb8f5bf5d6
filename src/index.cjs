// The entry of `require('fastify-messenger')`: the ES module itself, so that both kinds of imports share one implementation.
module.exports = require('./index.js')
