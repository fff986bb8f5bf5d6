export { connectToChannel } from './connection.js'
export type { Close, Gap, Meta, Options, State, TransportName } from './options.js'
