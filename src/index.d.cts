// The types of `require('fastify-messenger')`. Each import states its kind of module: under `module: node16` a CommonJS file cannot name
// an ES module without it.
import type * as entry from './index.js' with { 'resolution-mode': 'import' }

export declare const messenger: typeof entry.messenger
export { messenger as default }
export declare const RawJson: typeof entry.RawJson
export type RawJson = entry.RawJson
export declare const errors: typeof entry.errors
export type {
  BatchEntry, BatchResult, ChannelEvent, ChannelEvents, ChannelList, ChannelRegistry, ChannelRule, ChannelState, ListOptions, Member, MemberEvent,
  MessengerOptions, Publication, PublishOptions
} from './index.js' with { 'resolution-mode': 'import' }
