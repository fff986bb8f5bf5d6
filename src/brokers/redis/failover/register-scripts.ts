import { currentTerm, SERVER, TEXT } from '../log/scripts.js'

/**
 * The register: the instances and the terms that they have compared, as a hash of one server.
 *
 * layout     version of all data of this package in Redis
 * term       the term that was decided last; only under it logs are used
 * chain      the last 16 terms before it, newest first, of which no acknowledged message is missing; a log whose epoch is of one
 *            of them continues without a gap
 * terms      the last 64 terms that were decided or are known to be lost
 * open       a term that instances compare and that is not the server's own: the server's with `#<n>`, see below
 * flag       set while no decided term accounts for a known loss: the next decided term is not complete
 * deleted    set once an instance was removed without a comparison
 * i:<id>     `a <term it compared last> <term in which it registered> <1 once safe, otherwise 0>`
 * size       the number of instances when the term was decided
 * departed   the last 1,024 ids that were given up since the last decision, newest first: the instance has left, or has another id
 *            now. Where its departure is stored, its earlier writes are, too, so that JOIN does not write it back
 *
 * A term is the time for which one server process is the master (12 digits of its `master_replid`). It is complete when every
 * instance of the register has compared its acknowledged messages with the logs: only then every loss is certain to be
 * announced. When instances are missing it is decided all the same after a time limit, but as if something was lost.
 * When a loss is found that concerns unknown logs, a term of its own begins on the same server, `<server>#<n>`: all
 * instances compare again, and no log continues without a gap.
 *
 * The register is replicated and lost like all other data. It may show an earlier state, never a false one: an instance
 * is missing in it only if its registration is. A safe instance knows such an instance (WITNESS) and writes it back.
 */

/** Version of the layout; see docs/instances.md for what may share a Redis. */
export const LAYOUT = 2

/** The maximum number of ids in `departed`. */
export const MAX_DEPARTED = 1_024

/**
 * Where the register has more than twice the instances that it had at the decision, plus this number, another term begins on the same
 * server: most of them have crashed, and are removed.
 */
export const MAX_GROWTH = 5_000

const CURRENT = `
${SERVER}
${TEXT}
local layout = redis.call('HGET', KEYS[1], 'layout')
if layout and layout ~= '${LAYOUT}' then return redis.error_reply('LAYOUT ' .. layout .. ' is that of another version of fastify-messenger, and this one has ${LAYOUT}: use another key prefix or the same version') end
${currentTerm('KEYS[1]')}
local term, decided = current, recorded == current
local chain, terms, flag, departed = unpack(redis.call('HMGET', KEYS[1], 'chain', 'terms', 'flag', 'departed'))
chain, terms, departed = chain or '', terms or '', departed or ''
local function has(list, name) return string.find(' ' .. list .. ' ', ' ' .. name .. ' ', 1, true) ~= nil end
local function first(most, list)
  local count = 0
  for stop in string.gmatch(list, '()%S+') do
    count = count + 1
    if count > most then return string.sub(list, 1, stop - 2) end
  end
  return list
end
local function add(name)
  terms = first(64, name .. ' ' .. terms)
  redis.call('HSET', KEYS[1], 'terms', terms)
end
local instances, size = {}, 0
local all = redis.call('HGETALL', KEYS[1])
for index = 1, #all, 2 do
  local id = string.match(all[index], '^i:(.+)$')
  local compared, since, safe = string.match(all[index + 1], '^a (%S+) (%S+) (%d)$')
  if id and compared then
    instances[id] = {compared = compared, since = since, safe = safe}
    size = size + 1
  end
end
local function write(id, entry)
  instances[id] = entry
  redis.call('HSET', KEYS[1], 'i:' .. id, 'a ' .. entry.compared .. ' ' .. entry.since .. ' ' .. entry.safe)
end
local function depart(id)
  instances[id] = nil
  redis.call('HDEL', KEYS[1], 'i:' .. id)
  if has(departed, id) then return end
  departed = first(${MAX_DEPARTED}, id .. ' ' .. departed)
  redis.call('HSET', KEYS[1], 'departed', departed)
end`

/**
 * Registers an instance that has compared all its marks with the logs of `term`.
 * KEYS register · ARGV term, id (- for none), another id, which may be there of a JOIN without an answer, the term that it compared last
 * (- for none), the term under which it was admitted last (- for none), 1 where it could not keep all marks, ids of the instances that
 * it knows
 * → {'again', term} when another term is to be compared | {'joined', the new id of the instance}
 */
export const JOIN = `#!lua flags=allow-oom
${CURRENT}
if term ~= ARGV[1] then return {'again', term} end
redis.call('HSET', KEYS[1], 'layout', '${LAYOUT}')
local admitted = ARGV[5]
local lost = admitted ~= '-' and not has(terms, admitted)
if lost then add(admitted) end
local crowded = decided and size > 2 * (tonumber(redis.call('HGET', KEYS[1], 'size') or '0') or 0) + ${MAX_GROWTH}
if lost or crowded or ARGV[6] == '1' then
  if decided or admitted == term then
    local open = server .. '#' .. text((tonumber(string.match(term, '#(%d+)$') or '0')) + 1)
    redis.call('HSET', KEYS[1], 'open', open, 'flag', open)
    return {'again', open}
  end
  -- Another term may begin before this one is decided; the loss is then that one's.
  redis.call('HSET', KEYS[1], 'flag', term)
end
-- If the registration is lost, the register is one without an instance, as it was before this script: that term is not complete.
local alone = redis.call('HEXISTS', KEYS[1], 'deleted') == 0
for other in pairs(instances) do
  if other ~= ARGV[2] and other ~= ARGV[3] then alone = false end
end
-- A decided term accounts for those that were missing in it: written back, they would be missing in the next one as well.
local gone = {}
for other in string.gmatch(departed, '%S+') do gone[other] = true end
for index = 7, decided and 6 or #ARGV do
  local other = ARGV[index]
  if not instances[other] and not gone[other] then write(other, {compared = '-', since = '-', safe = '1'}) end
end
local id = ARGV[2]
local own = instances[id]
if own and own.compared == ARGV[4] then
  -- One that has registered in a term which was never decided was not there before this one either.
  local since = own.since == own.compared and own.since ~= recorded and term or own.since
  write(id, {compared = term, since = since, safe = own.safe})
  return {'joined', id}
end
-- Also where nothing is there: another instance may know the id and would wait for it.
if id ~= '-' then depart(id) end
id = ARGV[3]
write(id, {compared = term, since = term, safe = alone and '1' or '0'})
return {'joined', id}`

/**
 * Decides a term once: complete when every registered instance has compared it, one of them was registered before, and no loss is
 * known. The decision waits for missing instances until the time is over, and then removes them.
 * KEYS register · ARGV term, 1 where the time is over
 * → {'again', term} | {'waiting', the number of missing instances} | {'decided', 1 where it is complete}
 */
export const DECIDE = `#!lua flags=allow-oom
${CURRENT}
if term ~= ARGV[1] then return {'again', term} end
if decided then return {'decided', 1} end
local missing, before = {}, false
for id, entry in pairs(instances) do
  if entry.compared ~= term then missing[#missing + 1] = id
  elseif entry.since ~= term then before = true end
end
if #missing > 0 and ARGV[2] ~= '1' then return {'waiting', #missing} end
local complete = #missing == 0 and before and not flag
chain = complete and recorded and first(16, recorded .. ' ' .. chain) or ''
redis.call('HSET', KEYS[1], 'term', term, 'chain', chain, 'size', text(size - #missing))
redis.call('HDEL', KEYS[1], 'open', 'flag', 'departed')
add(term)
for _, id in ipairs(missing) do
  redis.call('HDEL', KEYS[1], 'i:' .. id)
  redis.call('HSET', KEYS[1], 'deleted', '1')
end
return {'decided', complete and 1 or 0}`

/**
 * KEYS register → {term, 1 where it is decided, then of each registered instance: id, the term that it compared, 1 where it is safe}
 */
export const LOOK = `#!lua flags=no-writes,allow-oom
${CURRENT}
local answer = {term, decided and 1 or 0}
for id, entry in pairs(instances) do
  answer[#answer + 1] = id
  answer[#answer + 1] = entry.compared
  answer[#answer + 1] = entry.safe
end
return answer`

/**
 * Marks the instances that the caller knows as safe, if it is safe itself: when they are lost with the newest data, either the
 * caller writes them back or its own absence is detected.
 * KEYS register · ARGV term, id of the caller, 1 to mark the caller itself (it is on every replica), other ids
 */
export const WITNESS = `#!lua flags=allow-oom
${CURRENT}
local caller = instances[ARGV[2]]
if term ~= ARGV[1] or not caller then return 0 end
if ARGV[3] == '1' then
  caller.safe = '1'
  write(ARGV[2], caller)
end
if caller.safe ~= '1' or not decided or caller.compared ~= term then return 0 end
for index = 4, #ARGV do
  local other = instances[ARGV[index]]
  if other and other.safe ~= '1' then
    other.safe = '1'
    write(ARGV[index], other)
  end
end
return 1`

/**
 * KEYS register · ARGV id, term; the instance leaves. Only where it has compared the current term, and has acknowledged nothing in another
 * one since: its earlier writes are in the past of this one. The absence of any other instance is a loss that is not known yet.
 */
export const LEAVE = `#!lua flags=allow-oom
${CURRENT}
local own = instances[ARGV[1]]
if term == ARGV[2] and own and own.compared == term then depart(ARGV[1]) end
return 1`
