/**
 * The steps on a log that must be atomic, as Lua scripts. The keys of a channel carry its name as hash tag, so that they share one
 * slot of a cluster.
 *
 * meta  hash    epoch · head (last offset) · term (in which the epoch began) · past · from
 * log   stream  entries `<offset>-<time in milliseconds since 1970>`, fields m and, where its publisher waits for receipts, r
 * key   string  `<digest> <epoch> <offset> <subscribers>` of what was published under an idempotency key
 *
 * An epoch never outlives the term in which it began: the first script that touches a log in another term begins a new epoch,
 * and the offsets continue. Two servers can therefore never give one id to two messages, whatever either of them lost.
 * `past` holds the last 16 epochs before, newest first, as `<epoch>:<bound>:<0 or 1>`: the offset up to which the epoch is part of
 * this log, and whether all its acknowledged messages are known to be (1). Both are decided in failover/register-scripts.ts.
 * No message up to the offset `from` is kept: it was published while an instance kept no history.
 *
 * A message is announced as `<epoch>:<offset> <message>,"time":<time>`: an instance of an earlier version, which takes all behind the
 * space for the message, makes of it the same envelope as this one. `,"receipt":"<reference>"` stands before the time where a publisher
 * waits.
 *
 * An epoch is `<generation>-<random>-<4 digits of the term>`. The generation, in base 36, is larger than that of the epoch
 * before and not smaller than the seconds since 1970, so that a server can tell that an unknown epoch is later than its own.
 */

/** Offsets as text: Lua writes large numbers with an exponent. */
export const TEXT = `
local function text(number) return string.format('%.0f', number) end`

/** The server derives its term itself: the term known to a client may be outdated when its command arrives. */
export const SERVER = `
local info = redis.call('INFO', 'replication')
if not string.find(info, 'role:master', 1, true) then return redis.error_reply('READONLY this server is a replica') end
local server = string.sub(string.match(info, 'master_replid:(%x+)'), 1, 12)`

/** The current term of the server: begun by an instance, recorded, or the server's own. */
export const currentTerm = (register: string): string => `
local recorded, open = unpack(redis.call('HMGET', ${register}, 'term', 'open'))
local current = server
for _, name in ipairs({recorded or '', open or ''}) do
  if string.sub(name, 1, 12) == server then current = name end
end`

/**
 * KEYS[3] is the register and ARGV[1] the term under which the instance was admitted, which has to be the recorded one. In a
 * cluster, where the register is on another server, the term is empty and every change of it counts as a loss.
 */
export const ADMITTED = `
${SERVER}
local term = ARGV[1]
if term == '' then
  term = server
elseif string.sub(term, 1, 12) ~= server or redis.call('HGET', KEYS[3], 'term') ~= term then
  return redis.error_reply('UNVERIFIED another term has begun')
end`

/** Functions on epochs, and a log in its current state. Expects `term`; ARGV[2] is a random text unique to the call. */
const load = (meta: string, log: string): string => `
${TEXT}
local function generation(epoch)
  local number = tonumber(string.match(epoch, '^(%w+)%-') or '', 36)
  return number and number < 1099511627776 and number or 0
end
local function base36(number)
  local digits = ''
  repeat
    local digit = number % 36
    digits = string.sub('0123456789abcdefghijklmnopqrstuvwxyz', digit + 1, digit + 1) .. digits
    number = (number - digit) / 36
  until number == 0
  return digits
end
local meta = redis.call('HMGET', ${meta}, 'epoch', 'head', 'term', 'past', 'from')
local epoch, head, past, from = meta[1], tonumber(meta[2] or 0), meta[4] or '', tonumber(meta[5] or 0)
local function find(name)
  for known, bound, ok in string.gmatch(past, '(%S+):(%d+):(%d)') do
    if known == name then return tonumber(bound), ok == '1' end
  end
end
local function begin(ok)
  local time, fresh = tonumber(redis.call('TIME')[1]), not epoch
  if epoch then
    -- With the space behind it: a bound may begin with 1 as well.
    if not ok then past = string.gsub(past, ':1 ', ':0 ') end
    past = epoch .. ':' .. text(head) .. (ok and ':1 ' or ':0 ') .. past
    local count, stop = 0, 0
    for _, last in string.gmatch(past, '()%S+ ?()') do
      count = count + 1
      if count == 16 then stop = last break end
    end
    if stop > 0 then past = string.sub(past, 1, stop - 1) end
    time = math.max(time, generation(epoch) + 1)
  end
  epoch = base36(time) .. '-' .. ARGV[2] .. '-' .. string.sub(term, 1, 4)
  redis.call('HSET', ${meta}, 'epoch', epoch, 'head', text(head), 'term', term, 'past', past)
  -- Not before the first write: from a DEL on, a script is not held to maxmemory any more.
  if fresh then redis.call('DEL', ${log}) end
end`

/** Loads the log; in another term than that of its epoch, a new one begins. */
export const OPEN = `
${load('KEYS[1]', 'KEYS[2]')}
if meta[3] ~= term then
  local chain = epoch and meta[3] and ARGV[1] ~= '' and redis.call('HGET', KEYS[3], 'chain')
  begin(chain and string.find(' ' .. chain .. ' ', ' ' .. meta[3] .. ' ', 1, true) ~= nil)
end`

/** Appends messages to the log of {@link OPEN}, each with the time of the server, and publishes their notifications. */
export const APPEND = `
local function append(message, size, ttl, positionTtl, receipt)
  local offset, clock = text(head + 1), redis.call('TIME')
  local time = text(clock[1] * 1000 + math.floor(clock[2] / 1000))
  if tonumber(size) > 0 then
    redis.call('HSET', KEYS[1], 'head', offset)
    local entry = {'XADD', KEYS[2], 'MAXLEN', '=', size, offset .. '-' .. time, 'm', message}
    if receipt and receipt ~= '' then entry[9], entry[10] = 'r', receipt end
    redis.call(unpack(entry))
    redis.call('PEXPIRE', KEYS[2], ttl)
  else
    redis.call('HSET', KEYS[1], 'head', offset, 'from', offset)
  end
  redis.call('PEXPIRE', KEYS[1], positionTtl)
  head = head + 1
  return offset, time
end
local function notify(live, offset, message, time, receipt)
  local asked = receipt and receipt ~= '' and ',"receipt":"' .. receipt .. '"' or ''
  redis.call('SPUBLISH', live, epoch .. ':' .. offset .. ' ' .. message .. asked .. ',"time":' .. time)
end`

/**
 * KEYS meta, log, register, key · ARGV term, random, message, history size, history ttl, position ttl, announcement channel,
 * digest of the message (empty without a key), key ttl, subscribers, reference of the wait for receipts (empty without one)
 * → {'sent', epoch, offset} | {'duplicate', epoch, head, epoch of the first, offset of the first, subscribers} | {'conflict'}
 */
export const PUBLISH = `
${ADMITTED}
${OPEN}
if ARGV[8] ~= '' then
  local known = redis.call('GET', KEYS[4])
  if known then
    local digest, first, offset, subscribers = string.match(known, '^(%S+) (%S+) (%S+) (%S+)$')
    if digest ~= ARGV[8] then return {'conflict'} end
    return {'duplicate', epoch, text(head), first, offset, subscribers}
  end
end
${APPEND}
local offset, time = append(ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[11])
if ARGV[8] ~= '' then
  redis.call('SET', KEYS[4], ARGV[8] .. ' ' .. epoch .. ' ' .. offset .. ' ' .. ARGV[10], 'PX', ARGV[9])
end
notify(ARGV[7], offset, ARGV[3], time, ARGV[11])
return {'sent', epoch, offset}`

/**
 * A position of this log's own epoch, or of an earlier one of which nothing is missing, is available as far as the messages after it
 * are kept. Any other is a gap for the reader. An unknown epoch that is later than the log's is that of a server which this
 * one does not know yet: the answer is {'later'}, unless ARGV[10] is 1.
 * Housekeeping commands may fail: a log can be read while the server refuses writes. PEXPIRE comes first because a script whose
 * first write takes no memory is not held to maxmemory, and a new epoch has to be possible then, too.
 * KEYS meta, log, register · ARGV term, random, history ttl, position ttl, position ttl of an empty log,
 * 'now' | 'earliest' | 'after', epoch, offset, limit, 0 | 1
 * → {epoch, head, offset before the first entry, reason or '', entries}
 */
export const READ = `
${ADMITTED}
redis.pcall('PEXPIRE', KEYS[1], ARGV[4])
${OPEN}
if head == 0 then redis.pcall('PEXPIRE', KEYS[1], ARGV[5]) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
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
oldest = math.max(oldest, from)
local after, reason = head, ''
if ARGV[6] == 'earliest' then
  after = oldest
elseif ARGV[6] == 'after' then
  after = tonumber(ARGV[8])
  if ARGV[7] == epoch then
    if after > head then after, reason = oldest, 'epoch' end
  else
    local bound, ok = find(ARGV[7])
    if bound then
      if not ok or after > bound then after, reason = math.min(after, bound), 'epoch' end
    else
      local later = generation(ARGV[7]) > generation(epoch)
      if later and ARGV[10] ~= '1' then return {'later'} end
      after, reason = (later or past ~= '') and math.min(after, head) or oldest, 'epoch'
    end
  end
  if after < oldest then
    after, reason = oldest, reason == '' and 'expired' or reason
  end
end
local entries = {}
if after < head and tonumber(ARGV[9]) > 0 then
  entries = redis.call('XRANGE', KEYS[2], text(after + 1), '+', 'COUNT', ARGV[9])
end
return {epoch, text(head), text(after), reason, entries}`

/**
 * Compares logs with positions that were acknowledged in an earlier term. Where a position is not part of its log, acknowledged
 * messages are lost: a new epoch begins and no earlier one is complete any more, so that every subscriber has a gap. Before
 * the decision of the term the log has no readers, and one such epoch is enough; afterwards each loss is a gap of its own.
 * KEYS of each log meta, log; then register · ARGV term that is compared, random, of each log epoch, offset, announcement channel
 * → of each log {1 where nothing is lost, otherwise 0, epoch, head}, empty where there is none
 */
export const VERIFY = `#!lua flags=allow-oom
${SERVER}
local term, decided = server, true
if ARGV[1] ~= '' then
${currentTerm('KEYS[#KEYS]')}
  if current ~= ARGV[1] then return redis.error_reply('UNVERIFIED another term has begun') end
  term, decided = current, recorded == current
end
local answers = {}
for number = 1, (#KEYS - 1) / 2 do
${load('KEYS[2 * number - 1]', 'KEYS[2 * number]')}
  local name, seen, live = ARGV[3 * number], tonumber(ARGV[3 * number + 1]), ARGV[3 * number + 2]
  answers[number] = {}
  if epoch then
    local present = seen <= (name == epoch and head or find(name) or -1)
    if not present and (decided or meta[3] ~= term) then
      begin(false)
      redis.call('SPUBLISH', live, epoch .. ':' .. text(head) .. ' ')
    end
    answers[number] = {present and 1 or 0, epoch, text(head)}
  end
end
return answers`

/** KEYS meta · ARGV position ttl, position ttl of an empty log → epoch and head, or nils; keeps the position from expiring. */
export const TOUCH = `
local position = redis.call('HMGET', KEYS[1], 'epoch', 'head')
redis.pcall('PEXPIRE', KEYS[1], position[2] and position[2] ~= '0' and ARGV[1] or ARGV[2])
return position`
