/**
 * Kept announcements: a sorted set of texts by expiry.
 *
 * KEYS announcements · ARGV text, until, name of the pub/sub channel; keeps a text until then and publishes it as `<until> <text>`.
 * Also at `maxmemory`: an instance is not ready before lost announcements are restored.
 */
export const ANNOUNCE = `#!lua flags=allow-oom
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
-- A score that no time has would end the script before the announcement.
if last[2] then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.min(tonumber(last[2]), 9007199254740991))) end
redis.call('PUBLISH', ARGV[3], ARGV[2] .. ' ' .. ARGV[1])`
