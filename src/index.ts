export { messenger, messenger as default } from './messenger.js'
export type { MessengerOptions } from './options/schema.js'
export type { ChannelRegistry } from './channels/registry.js'
export type { BatchEntry, BatchResult, Publication, PublicationOptions as PublishOptions } from './channels/publisher.js'
export { RawJson } from './wire/json.js'
export * as errors from './errors.js'
// Not erased, so that `app.channels` is typed for importers of this package.
export type * from '../plugins/channels.js'
