/**
 * The steps that must happen at once, as scripts of the server. A channel's keys carry its name as hash tag, so that they share
 * one slot of a cluster.
 *
 * meta    hash    epoch · head (last offset) · tenures · born (tenure in which the epoch began) · past
 * log     stream  entries `<offset>-<milliseconds>`, field m
 * notices zset    what every node has to know, by the time until which it is kept; one for all channels
 * key     string  `<digest> <epoch> <offset> <subscribers>` of what was published under an idempotency key
 *
 * A tenure is the time for which one server holds the office of master: every restart and every failover begins another one,
 * and only then can a server have less than it had. `tenures` holds the last ones, newest first, as `<tenure>:<head when it
 * began>`. Only a node that verified a tenure may use it: the others are told UNVERIFIED and nothing is done.
 *
 * `past` is `<epoch>:<offset>` of an epoch that was given up because its last offsets were lost. Everybody is told of that gap,
 * also who did not have them yet: they were acknowledged. Up to this offset its positions are those of the log as it is, so
 * that nothing is repeated.
 */

/** Offsets as text: Lua writes large numbers with an exponent. */
const TEXT = `
local function text(number) return string.format('%.0f', number) end`

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`

/** The server tells by itself what tenure it is in: whatever a client believes may be outdated when its command arrives. */
const TENURE = `
local info = redis.call('INFO', 'replication')
if not string.find(info, 'role:master', 1, true) then return redis.error_reply('READONLY this server is a replica') end
local tenure = string.sub(string.match(info, 'master_replid:(%x+)'), 1, 12)`

const ADMITTED = (tenures: string): string => `
${TENURE}
if not string.find(${tenures}, tenure, 1, true) then return redis.error_reply('UNVERIFIED another server took over') end`

/** Loads the log; one that is not there begins under the epoch that the caller proposes. */
const OPEN = (epoch: string): string => `
${TEXT}
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'head', 'tenures', 'past')
local epoch, head, tenures, past = meta[1], tonumber(meta[2] or 0), meta[3] or '', meta[4] or ''
if not epoch then
  epoch = ${epoch}
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'head', 0, 'born', tenure)
end
if string.sub(tenures, 1, 13) ~= tenure .. ':' then
  tenures = tenure .. ':' .. text(head) .. ' ' .. tenures
  tenures = string.match(tenures, '^%S+ %S+ %S+ %S+') or tenures
  redis.call('HSET', KEYS[1], 'tenures', tenures)
end`

/**
 * KEYS meta, log, key · ARGV message, proposed epoch, tenures, history size, history ttl, position ttl, notification channel,
 * digest of the message (empty without a key), key ttl, subscribers
 * → {'sent', epoch, offset} | {'duplicate', epoch, offset, subscribers} | {'conflict'}
 */
export const PUBLISH = `
${ADMITTED('ARGV[3]')}
if ARGV[8] ~= '' then
  local known = redis.call('GET', KEYS[3])
  if known then
    local digest, epoch, offset, subscribers = string.match(known, '^(%S+) (%S+) (%S+) (%S+)$')
    if digest ~= ARGV[8] then return {'conflict'} end
    return {'duplicate', epoch, offset, subscribers}
  end
end
${OPEN('ARGV[2]')}
local offset = text(head + 1)
redis.call('HSET', KEYS[1], 'head', offset)
redis.call('PEXPIRE', KEYS[1], ARGV[6])
if tonumber(ARGV[4]) > 0 then
  ${NOW}
  redis.call('XADD', KEYS[2], 'MAXLEN', '=', ARGV[4], offset .. '-' .. text(now), 'm', ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
if ARGV[8] ~= '' then
  redis.call('SET', KEYS[3], ARGV[8] .. ' ' .. epoch .. ' ' .. offset .. ' ' .. ARGV[10], 'PX', ARGV[9])
end
redis.call('SPUBLISH', ARGV[7], epoch .. ':' .. offset .. ' ' .. ARGV[1])
return {'sent', epoch, offset}`

/**
 * What only keeps things tidy is called so that it may fail: a server that refuses writes for now can still be read.
 * KEYS meta, log · ARGV proposed epoch, tenures, history ttl, position ttl, position ttl of an empty log,
 * 'now' | 'earliest' | 'after', epoch, offset, limit
 * → {epoch, head, offset before the first entry, reason or '', entries}
 */
export const READ = `
${ADMITTED('ARGV[2]')}
${OPEN('ARGV[1]')}
redis.pcall('PEXPIRE', KEYS[1], head > 0 and ARGV[4] or ARGV[5])
${NOW}
local function first(offset)
  local entry = redis.call('XRANGE', KEYS[2], text(offset), '+', 'COUNT', 1)[1]
  if not entry then return nil end
  local found, written = string.match(entry[1], '^(%d+)%-(%d+)$')
  return tonumber(found), tonumber(written) < now - ARGV[3]
end
local oldest, expired = first(0)
oldest = (oldest or head + 1) - 1
if expired then
  local low, high = oldest + 1, head
  while low < high do
    local middle = math.ceil((low + high) / 2)
    local _, old = first(middle)
    if old then low = middle else high = middle - 1 end
  end
  oldest = low
  redis.pcall('XTRIM', KEYS[2], 'MINID', text(oldest + 1))
end
local after, reason = head, ''
if ARGV[6] == 'earliest' then
  after = oldest
elseif ARGV[6] == 'after' then
  after = tonumber(ARGV[8])
  if ARGV[7] ~= epoch then
    local pastEpoch, shared = string.match(past, '^(.*):(%d+)$')
    shared = pastEpoch == ARGV[7] and tonumber(shared) or 0
    after, reason = math.max(oldest, math.min(after, shared)), 'epoch'
  elseif after > head then
    after, reason = oldest, 'epoch'
  elseif after < oldest then
    after, reason = oldest, 'expired'
  end
end
local entries = {}
if after < head and tonumber(ARGV[9]) > 0 then
  entries = redis.call('XRANGE', KEYS[2], text(after + 1), '+', 'COUNT', ARGV[9])
end
return {epoch, text(head), text(after), reason, entries}`

/**
 * Asks a server that took over whether it has all that this node saw. If not, the log goes on under another epoch, because
 * offsets are given a second time. It keeps what it has: others may have published since.
 * KEYS meta, log · ARGV proposed epoch, tenures verified before, epoch, offset → whether the log is still the same
 */
export const VERIFY = `
${TENURE}
if not redis.call('HMGET', KEYS[1], 'epoch')[1] then return 0 end
${OPEN('ARGV[1]')}
local shared = head
for known, start in string.gmatch(tenures, '(%w+):(%d+)') do
  if string.find(ARGV[2], known, 1, true) then break end
  shared = tonumber(start)
end
local seen = tonumber(ARGV[4])
if ARGV[3] == epoch then
  if seen <= shared then return 1 end
else
  local pastEpoch, pastShared = string.match(past, '^(.*):(%d+)$')
  if pastEpoch == ARGV[3] then
    if seen > shared and shared < tonumber(pastShared) then
      redis.call('HSET', KEYS[1], 'past', pastEpoch .. ':' .. text(shared))
    end
    return 0
  end
  if redis.call('HMGET', KEYS[1], 'born')[1] == tenure then return 0 end
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'born', tenure, 'past', epoch .. ':' .. text(shared))
return 0`

/** KEYS meta · ARGV position ttl, position ttl of an empty log → epoch and head, or nils; keeps the position from expiring. */
export const TOUCH = `
local position = redis.call('HMGET', KEYS[1], 'epoch', 'head')
redis.pcall('PEXPIRE', KEYS[1], position[2] and position[2] ~= '0' and ARGV[1] or ARGV[2])
return position`

/** KEYS notices · ARGV text, until, announcement channel; keeps a notice until then and announces it as `<until> <text>`. */
export const POST = `
${NOW}
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
if last[2] then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', last[2])) end
redis.call('PUBLISH', ARGV[3], ARGV[2] .. ' ' .. ARGV[1])`
