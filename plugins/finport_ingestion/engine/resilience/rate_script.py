"""`window.give` in Lua, for Redis: one call, by the server's clock.

KEYS are the rules' keys, the credential's first. ARGV[1] is the ask as JSON. The answer is [now, next or -1, slots...].
"""

from __future__ import annotations

RATE_SCRIPT = """
local ask = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local MOST_SPREAD = 500

local function found(sent, at)
  local low, high = 1, #sent + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if sent[middle][1] < at then low = middle + 1 else high = middle end
  end
  return low
end

local function grained(ledger, at)
  return math.ceil(at / ledger.rule.grain) * ledger.rule.grain
end

local function add(ledger, at, count)
  at = grained(ledger, at)
  local index = found(ledger.sent, at)
  if ledger.sent[index] and ledger.sent[index][1] == at then
    ledger.sent[index][2] = ledger.sent[index][2] + count
  else
    table.insert(ledger.sent, index, {at, count})
  end
  ledger.count = ledger.count + count
end

local function take(ledger, at, count)
  at = grained(ledger, at)
  local index = found(ledger.sent, at)
  if not ledger.sent[index] or ledger.sent[index][1] ~= at then return 0 end
  local taken = math.min(count, ledger.sent[index][2])
  ledger.sent[index][2] = ledger.sent[index][2] - taken
  ledger.count = ledger.count - taken
  if ledger.sent[index][2] == 0 then table.remove(ledger.sent, index) end
  return taken
end

local function opened(key, rule)
  local stored = redis.call('GET', key)
  local ledger = {rule = rule, sent = {}, count = 0, index = 1, before = 0, next = 0, held = 0, window = rule.window}
  local content = stored and cmsgpack.unpack(stored) or {}
  ledger.window = math.max(content.window or 0, rule.window)
  ledger.next, ledger.held = content.next or 0, content.held or 0
  local oldest = now - ledger.window - MOST_SPREAD
  for _, entry in ipairs(content.sent or {}) do
    if entry[1] > oldest then
      table.insert(ledger.sent, entry)
      ledger.count = ledger.count + entry[2]
    end
  end
  return ledger
end

local function free_at(ledger)
  local over = ledger.count - ledger.rule.requests
  if over < 0 then return now end
  while ledger.before + ledger.sent[ledger.index][2] <= over do
    ledger.before = ledger.before + ledger.sent[ledger.index][2]
    ledger.index = ledger.index + 1
  end
  return ledger.sent[ledger.index][1] + ledger.rule.window + ledger.rule.spread
end

local ledgers = {}
for number, key in ipairs(KEYS) do
  local ledger = opened(key, ask.rules[number])
  for _, used in ipairs(ask.used) do
    local taken = take(ledger, used[1], used[3])
    if taken > 0 then add(ledger, math.min(used[2], used[1]), taken) end
  end
  for _, unused in ipairs(ask.unused) do
    local taken = take(ledger, unused[1], unused[2])
    ledger.next = ledger.next - taken * ledger.rule.window / ledger.rule.requests
  end
  for _, apart in ipairs(ask.apart) do add(ledger, now - apart[2], apart[1]) end
  ledgers[number] = ledger
end
if ask.hold > 0 then ledgers[1].held = math.max(ledgers[1].held, now + ask.hold) end

local answer = {now, -1}
for _ = 1, ask.want do
  local at = now
  for _, ledger in ipairs(ledgers) do
    local pause = ledger.rule.window / ledger.rule.requests
    at = math.max(at, free_at(ledger), math.ceil(ledger.next - (ledger.rule.burst - 1) * pause), ledger.held)
  end
  if at > now + ask.horizon then
    answer[2] = at
    break
  end
  for _, ledger in ipairs(ledgers) do
    add(ledger, at + ask.validity, 1)
    ledger.next = math.max(ledger.next, at) + ledger.rule.window / ledger.rule.requests
  end
  table.insert(answer, at)
end

for number, key in ipairs(KEYS) do
  local ledger = ledgers[number]
  local content = {sent = ledger.sent, window = ledger.window, next = ledger.next, held = ledger.held}
  local keep = math.max(ledger.held, ledger.next, now) - now + ledger.window + 60000
  redis.call('SET', key, cmsgpack.pack(content), 'PX', math.ceil(keep))
end
return answer
"""
