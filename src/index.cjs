// The entry of `require('fastify-messenger')`: what the ES module exports, so that both kinds of imports share one implementation.
// Name by name, as tools that analyse modules of CommonJS find it.
const entry = require('./index.js')

Object.defineProperty(exports, '__esModule', { value: true })
exports.default = entry.default
exports.messenger = entry.messenger
exports.RawJson = entry.RawJson
exports.errors = entry.errors
