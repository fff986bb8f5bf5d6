/**
 * The steps that must happen at once, as scripts of the server. A channel's keys carry its name as hash tag, so that they share
 * one slot of a cluster.
 *
 * meta    hash    epoch · head (last offset) · run (id of the server at the last append) · base (head when that server
 *                 was first met, which tells a rollback from progress)
 * log     stream  entries `<offset>-<milliseconds>`, field m
 * key     string  `<digest> <epoch> <offset> <subscribers>` of what was published under an idempotency key
 */

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`

/** Loads `epoch` and `head`; a log that is not there begins under the epoch that the caller proposes. */
const OPEN = (epoch: string, run: string): string => `
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'head', 'run', 'base')
local epoch, head, base = meta[1], tonumber(meta[2] or 0), tonumber(meta[4] or 0)
if not epoch then
  epoch, head = ${epoch}, 0
  redis.call('DEL', KEYS[2])
end
if meta[3] ~= ${run} then
  base = head
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'head', head, 'run', ${run}, 'base', base)
end`

/**
 * KEYS meta, log, key · ARGV message, proposed epoch, run, history size, history ttl, position ttl, notification channel,
 * digest of the message (empty without a key), key ttl, subscribers
 * → {'sent', epoch, offset} | {'duplicate', epoch, offset, subscribers} | {'conflict'}
 */
export const PUBLISH = `
if ARGV[8] ~= '' then
  local known = redis.call('GET', KEYS[3])
  if known then
    local digest, epoch, offset, subscribers = string.match(known, '^(%S+) (%S+) (%S+) (%S+)$')
    if digest ~= ARGV[8] then return {'conflict'} end
    return {'duplicate', epoch, offset, subscribers}
  end
end
${OPEN('ARGV[2]', 'ARGV[3]')}
head = head + 1
redis.call('HSET', KEYS[1], 'head', head)
redis.call('PEXPIRE', KEYS[1], ARGV[6])
if tonumber(ARGV[4]) > 0 then
  ${NOW}
  redis.call('XADD', KEYS[2], 'MAXLEN', '=', ARGV[4], head .. '-' .. string.format('%.0f', now), 'm', ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
local offset = string.format('%.0f', head)
if ARGV[8] ~= '' then
  redis.call('SET', KEYS[3], ARGV[8] .. ' ' .. epoch .. ' ' .. offset .. ' ' .. ARGV[10], 'PX', ARGV[9])
end
redis.call('SPUBLISH', ARGV[7], epoch .. ':' .. offset .. ' ' .. ARGV[1])
return {'sent', epoch, offset}`

/**
 * KEYS meta, log · ARGV proposed epoch, run, history ttl, position ttl, 'now' | 'earliest' | 'after', epoch, offset, limit
 * → {epoch, head, offset before the first entry, reason or '', entries}
 */
export const READ = `
${OPEN('ARGV[1]', 'ARGV[2]')}
redis.call('PEXPIRE', KEYS[1], ARGV[4])
${NOW}
while true do
  local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
  if not first then break end
  local offset, time = string.match(first[1], '^(%d+)%-(%d+)$')
  if tonumber(time) >= now - ARGV[3] then break end
  redis.call('XTRIM', KEYS[2], 'MINID', string.format('%.0f', offset + 1))
end
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
local oldest = first and tonumber(string.match(first[1], '^(%d+)')) - 1 or head
local after, reason = head, ''
if ARGV[5] == 'earliest' then
  after = oldest
elseif ARGV[5] == 'after' then
  after = tonumber(ARGV[7])
  if ARGV[6] ~= epoch or after > head then
    after, reason = oldest, 'epoch'
  elseif after < oldest then
    after, reason = oldest, 'expired'
  end
end
local entries = {}
if after < head then
  entries = redis.call('XRANGE', KEYS[2], string.format('%.0f', after + 1), '+', 'COUNT', ARGV[8])
end
return {epoch, string.format('%.0f', head), string.format('%.0f', after), reason, entries}`

/**
 * Asks a server that took over whether it has all that this node saw; if not, the log goes on under another epoch, because the
 * offsets that were lost are given a second time.
 * KEYS meta, log · ARGV proposed epoch, run, epoch, offset → whether the log is still the same
 */
export const VERIFY = `
${OPEN('ARGV[1]', 'ARGV[2]')}
if epoch ~= ARGV[3] then return 0 end
if base >= tonumber(ARGV[4]) then return 1 end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'head', 0, 'base', 0)
redis.call('DEL', KEYS[2])
return 0`

/** KEYS meta · ARGV position ttl → epoch and head, or nils; keeps the position of a channel that is listened to. */
export const TOUCH = `
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('HMGET', KEYS[1], 'epoch', 'head')`
