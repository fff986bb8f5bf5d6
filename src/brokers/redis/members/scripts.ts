import { ADMITTED, APPEND, OPEN } from '../log/scripts.js'

/**
 * The members of a channel, in the slot of its companion's log, so that a change and its message are one atomic step.
 *
 * members  hash  by `sub`: `<claimant>=<connections> …`, a claim of each instance on which the member is connected; or, without a claim,
 *                `-<milliseconds>`, the time since when it has none
 * told     set   the members that the messages of the companion amount to; with an empty element where there were too many to publish
 *
 * A claimant is an instance between two moments in which it may have lost sight of Redis, or Redis of its data; it is then another one
 * and makes all its claims anew, so that nothing depends on what became of the earlier ones. Those that are left over belong to a claimant
 * that no instance reports any more, as do the claims of an instance that is dead. Any instance finds them by the set of all claimants and
 * the set of channels of each, where a channel is added before the first claim in it.
 *
 * KEYS meta, log, register, members, told · ARGV term, random, history size, history ttl, position ttl, announcement channel,
 * maximum of members, grace time, this claimant and its predecessors, dead claimants, 1 where the list is complete, then sub and
 * connections of each member on this instance
 * → {changes, as '+<sub>' and '-<sub>'}, {sub and remaining grace time of members without a claim}
 */
export const SET_MEMBERS = `
${ADMITTED}
local max, grace, complete = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[11] == '1'
local claimant = string.match(ARGV[9], '^%S+')
local own, dead, counts = {}, {}, {}
for id in string.gmatch(ARGV[9], '%S+') do own[id] = true end
for id in string.gmatch(ARGV[10], '%S+') do dead[id] = true end
for index = 12, #ARGV, 2 do counts[ARGV[index]] = ARGV[index + 1] end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local changes, waiting = {}, {}
local function settle(sub, value)
  local claims, released = {}, false
  local since = value and tonumber(string.match(value, '^%-(%d+)$'))
  for id, count in string.gmatch(value or '', '(%S+)=(%d+)') do
    if own[id] and (complete or counts[sub]) then released = true
    elseif not dead[id] then claims[#claims + 1] = id .. '=' .. count end
  end
  if counts[sub] and counts[sub] ~= '0' then claims[#claims + 1] = claimant .. '=' .. counts[sub] end
  if #claims > 0 then
    redis.call('HSET', KEYS[4], sub, table.concat(claims, ' '))
    if not value then changes[#changes + 1] = '+' .. sub end
  elseif value then
    -- The clock of a server that took over may be behind.
    if released or since and since > now then
      since = now
      redis.call('HSET', KEYS[4], sub, '-' .. string.format('%.0f', now))
    end
    -- A dead claimant was silent for as long as the grace time is.
    if since and now - since < grace then
      waiting[#waiting + 1] = sub
      waiting[#waiting + 1] = string.format('%.0f', grace - math.max(0, now - since))
    else
      redis.call('HDEL', KEYS[4], sub)
      changes[#changes + 1] = '-' .. sub
    end
  end
end
local known = {}
if complete or next(dead) then
  local all = redis.call('HGETALL', KEYS[4])
  for index = 1, #all, 2 do
    known[all[index]] = true
    settle(all[index], all[index + 1])
  end
end
for index = 12, #ARGV, 2 do
  local sub = ARGV[index]
  if not known[sub] then settle(sub, redis.call('HGET', KEYS[4], sub)) end
end
local messages = {}
local function tell(sub, joins)
  if redis.call(joins and 'SADD' or 'SREM', KEYS[5], sub) == 0 then return end
  messages[#messages + 1] = (joins and '{"join":' or '{"leave":') .. (string.gsub(cjson.encode(sub), '\\\\/', '/')) .. '}'
end
local function publish()
${OPEN}
${APPEND}
  for _, message in ipairs(messages) do
    local offset, time = append(message, ARGV[3], ARGV[4], ARGV[5])
    notify(ARGV[6], offset, message, time)
  end
end
if #changes > 0 then
  if redis.call('HLEN', KEYS[4]) > max then
    redis.call('SADD', KEYS[5], '')
  elseif redis.call('SREM', KEYS[5], '') == 1 then
    for _, sub in ipairs(redis.call('SMEMBERS', KEYS[5])) do
      if redis.call('HEXISTS', KEYS[4], sub) == 0 then tell(sub, false) end
    end
    local all = redis.call('HGETALL', KEYS[4])
    for index = 1, #all, 2 do tell(all[index], true) end
  else
    for _, change in ipairs(changes) do tell(string.sub(change, 2), string.sub(change, 1, 1) == '+') end
  end
  if #messages > 0 then publish() end
end
redis.call('PEXPIRE', KEYS[4], ARGV[5])
redis.call('PEXPIRE', KEYS[5], ARGV[5])
return {changes, waiting}`

/**
 * KEYS as above · ARGV as above up to the maximum of members; keeps the members from expiring
 * → {their number, the hash as a list, which is empty above the maximum}
 */
export const LIST_MEMBERS = `
${ADMITTED}
redis.pcall('PEXPIRE', KEYS[4], ARGV[5])
redis.pcall('PEXPIRE', KEYS[5], ARGV[5])
local count = redis.call('HLEN', KEYS[4])
return {count, count > tonumber(ARGV[7]) and {} or redis.call('HGETALL', KEYS[4])}`
