export { connectToChannel } from './subscription.js'
export type { Close, Gap, Meta, Options, State, TransportName } from './options.js'
