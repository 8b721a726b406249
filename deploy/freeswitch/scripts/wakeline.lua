-- A call to a page that may be asleep: asks the edge to wake it, waits for "ready", and only then calls it.
--
--   lua wakeline.lua gateway NUMBER   from the voice gateway, which may ask whether to try the mobile first
--   lua wakeline.lua wake NUMBER      from a page
--   luarun wakeline.lua tell ID EVENT CALL
--   luarun wakeline.lua watch ID CALL
--   luarun wakeline.lua restarted     at the start of FreeSWITCH
--
-- Not run by our tests in FreeSWITCH itself: they run it against a stub of the session (tests/servers/freeswitch.test.mjs).

local config = dofile((freeswitch.getGlobalVariable("script_dir") or ".") .. "/wakeline_config.lua")
local api = freeswitch.API()

-- ---- JSON, as much as the edge needs ------------------------------------------------------------------------------

-- Control characters leave with their numbers, the two that JSON knows escaped.
local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return string.format("\\u%04x", c:byte()) end) .. '"'
end

local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

-- Reads one value from `text` at `at`; answers it and where it ends, or raises.
local function read(text, at)
  at = text:find("%S", at) or error("JSON ends early")
  local c = text:sub(at, at)
  if c == '"' then
    local out, from = {}, at + 1
    while true do
      local stop = text:find('["\\]', from) or error("a string without end")
      out[#out + 1] = text:sub(from, stop - 1)
      if text:sub(stop, stop) == '"' then return table.concat(out), stop + 1 end
      local escape = text:sub(stop + 1, stop + 1)
      if escape == "u" then
        local code = tonumber(text:sub(stop + 2, stop + 5), 16) or error("an escape that is none")
        -- Nothing that steers a call is beyond ASCII.
        out[#out + 1] = code < 128 and string.char(code) or "?"
        from = stop + 6
      else
        out[#out + 1] = ESCAPES[escape] or error("an escape that is none")
        from = stop + 2
      end
    end
  elseif c == "{" or c == "[" then
    local out, close = {}, c == "{" and "}" or "]"
    at = text:find("%S", at + 1) or error("JSON ends early")
    if text:sub(at, at) == close then return out, at + 1 end
    while true do
      local key = #out + 1
      if close == "}" then
        key, at = read(text, at)
        at = text:match("^%s*:()", at) or error("a member without value")
      end
      local value
      value, at = read(text, at)
      out[key] = value
      local mark, after = text:match("^%s*([,%]}])()", at)
      if mark == close then return out, after end
      if mark ~= "," then error("a list without end") end
      at = text:find("%S", after) or error("JSON ends early")
    end
  end
  local word, after = text:match("^([%w%.%+%-]+)()", at)
  if word == "true" then return true, after end
  if word == "false" then return false, after end
  -- A table would forget the member: nobody here asks for the difference.
  if word == "null" then return nil, after end
  return tonumber(word) or error("no JSON"), after
end

local function decoded(text)
  local fine, value = pcall(read, text or "", 1)
  return fine and type(value) == "table" and value or nil
end

-- ---- The edge -----------------------------------------------------------------------------------------------------

-- `curl` splits its arguments at spaces and reads %XX in what it posts.
local function escaped(text)
  return (text:gsub("[^%w%-%._~]", function(c) return string.format("%%%02X", c:byte()) end))
end

-- Asks the edge; answers a table, or nil when it gave none. `curl` tells ten words apart and takes all that is left for the tenth: a
-- POST has nine.
local function ask(path, body)
  local words = { config.origin .. path, "timeout", "4", "append_headers", "'Authorization:Bearer " .. config.credential .. "'" }
  if body then
    for _, word in ipairs({ "content-type", "application/json", "post", escaped(body) }) do words[#words + 1] = word end
  end
  return decoded(api:execute("curl", table.concat(words, " ")))
end

local function is_view(answer) return answer and type(answer.state) == "string" and type(answer.id) == "string" end

-- Tells how the call of a wake goes on; twice when nobody answers, for the edge takes a repeated event for the same.
local function tell(wake, event, more)
  local body = '{"event":' .. quoted(event) .. (more or "") .. "}"
  local path = "/v1/wakes/" .. escaped(wake) .. "/events"
  return ask(path, body) or ask(path, body)
end

-- ---- A call -------------------------------------------------------------------------------------------------------

local CAUSES = {
  [400] = "INVALID_NUMBER_FORMAT", [404] = "UNALLOCATED_NUMBER", [408] = "NO_USER_RESPONSE", [480] = "NO_ANSWER", [486] = "USER_BUSY",
  [503] = "SWITCH_CONGESTION", [603] = "CALL_REJECTED",
}
local STATUS = {
  USER_BUSY = 486, CALL_REJECTED = 603, UNALLOCATED_NUMBER = 404, NO_USER_RESPONSE = 408, ALLOTTED_TIMEOUT = 408, PROGRESS_TIMEOUT = 408,
  NORMAL_TEMPORARY_FAILURE = 503, SWITCH_CONGESTION = 503, NETWORK_OUT_OF_ORDER = 503, RECOVERY_ON_TIMER_EXPIRE = 408,
}

local function now() return tonumber(api:getTime()) end

local function finish(status)
  if session:ready() then session:hangup(CAUSES[status] or "NO_ANSWER") end
end

local function caller(nameless)
  local number = (session:getVariable("caller_id_number") or ""):gsub("[^%w%+%*#%._%-]", "")
  local name = (session:getVariable("caller_id_name") or ""):gsub("%c", "")
  -- A long one is cut where no letter can be torn.
  if #name > 120 then name = name:gsub("[\128-\255]", ""):sub(1, 120) end
  number = number == "" and "anonymous" or number:sub(1, 64)
  local text = '"caller":{"number":' .. quoted(number)
  if name ~= "" and name ~= number and not nameless then text = text .. ',"name":' .. quoted(name) end
  return text .. "}"
end

-- The addresses that a line is registered at, as `bridge` wants them, or nil.
local function contacts(number)
  local found = api:execute("sofia_contact", "*/" .. number .. "@" .. freeswitch.getGlobalVariable("domain")) or ""
  return found ~= "" and not found:match("^error/") and found or nil
end

-- Calls the page; answers its SIP status and what FreeSWITCH calls it, once the call is over or did not come about.
local function ring(wake, where)
  local call = session:get_uuid()
  local on = "luarun wakeline.lua tell " .. wake .. " "
  local variables = table.concat({
    "sip_h_Wakeline-Wake=" .. wake .. ";state=invited",
    "api_on_ring='" .. on .. "ringing " .. call .. "'",
    "api_on_answer='" .. on .. "answered " .. call .. "'",
  }, ",")
  -- `bridge` hears nothing of the edge: somebody beside it does.
  session:setVariable("wakeline_rings", wake)
  api:execute("luarun", "wakeline.lua watch " .. wake .. " " .. call)
  -- Each address is a leg of its own. A page that says nothing for so long sleeps after all.
  local leg = string.format("[leg_progress_timeout=4,leg_timeout=%d]", config.ring_s)
  local legs = leg .. where:gsub(",", "," .. leg)
  session:setVariable("hangup_after_bridge", "true")
  session:setVariable("continue_on_fail", "true")
  session:execute("bridge", "{" .. variables .. "}" .. legs)
  session:setVariable("wakeline_rings", "")
  local said = session:getVariable("originate_disposition") or ""
  return said == "SUCCESS" and 200 or STATUS[said] or 480, said
end

local function remember(wake) api:execute("db", "insert/wakeline/" .. wake .. "/1") end
local function forget(wake) api:execute("db", "delete/wakeline/" .. wake) end

-- Beside a call whose page rings: what is over elsewhere, declined on another device or by a limit of the edge, is over here as well.
local function watch(wake, call)
  local version, stop = 0, now() + (config.ring_s + 10) * 1000
  local function rings() return api:execute("uuid_getvar", call .. " wakeline_rings") == wake end
  while rings() and now() < stop do
    local view = ask("/v1/wakes/" .. escaped(wake) .. "?wait=1&after=" .. string.format("%d", version))
    if is_view(view) then
      version = view.version or version
      if view.final then
        if view.state ~= "answered" and rings() then
          api:execute("uuid_kill", call .. " " .. (CAUSES[view.sip and view.sip.status] or "NO_ANSWER"))
        end
        return
      end
    else
      freeswitch.msleep(300)
    end
  end
end

-- Follows the wake until the page was called or the wake is over; answers the status for the caller, 200 after a call. `open`: a page
-- was here before anybody was woken.
local function follow(number, view, open)
  local wake, stop = view.id, now() + config.give_up_s * 1000
  local silent, announced = 0, false
  while session:ready() do
    if view.final then return view.sip and view.sip.status or 480, true end
    local where = (open or view.state == "ready") and contacts(number)
    if where then
      open = false
      if announced then api:execute("uuid_break", session:get_uuid() .. " all") end
      announced = false
      local status, said = ring(wake, where)
      if status == 200 or not session:ready() then return status end
      local gone = said == "PROGRESS_TIMEOUT" or said == "USER_NOT_REGISTERED" or said == "RECOVERY_ON_TIMER_EXPIRE" or said == "NORMAL_TEMPORARY_FAILURE"
      silent = silent + 1
      if not gone or silent > 3 then
        local last = tell(wake, "failed", ',"status":' .. status)
        return last and last.sip and last.sip.status or status, true
      end
      view.version = 0
      local next_view = ask("/v1/wakes/" .. escaped(wake) .. "?wait=0&after=0")
      if is_view(next_view) then view = next_view end
      if view.state == "ready" then session:sleep(500) end
    else
      if config.announcement and not announced and view.state ~= "targeted" then
        announced = true
        session:preAnswer()
        api:execute("uuid_broadcast", session:get_uuid() .. " " .. config.announcement .. " aleg")
      end
      local next_view = ask("/v1/wakes/" .. escaped(wake) .. "?wait=1&after=" .. string.format("%d", view.version or 0))
      if is_view(next_view) then view = next_view else session:sleep(300) end
      if now() > stop then
        tell(wake, "failed", ',"status":480')
        return 480, true
      end
    end
  end
  return 487
end

local function wake(number, uid)
  session:execute("limit", "hash wakeline all " .. config.parked .. " !SWITCH_CONGESTION")
  session:execute("limit", "hash wakeline " .. number .. " " .. config.parked_per_line .. " !USER_BUSY")
  if not session:ready() then return end
  local whom = uid and '"uid":' .. quoted(uid) or '"number":' .. quoted(number)
  -- Which pages are here already is looked up before anybody is woken: one that comes is not called before its "ready".
  local open = not uid and contacts(number) ~= nil
  local view, nameless
  -- No answer at all is asked for again: the edge takes a call that it knows for the one it is. 400 is a name that is no text.
  for _ = 1, 3 do
    local body = '{"call":' .. quoted(session:get_uuid()) .. "," .. whom .. "," .. caller(nameless) .. "}"
    view = ask("/v1/wakes", body)
    if view and (view.status ~= 400 or nameless) then break end
    nameless = view ~= nil
    if not view then session:sleep(500) end
  end
  if not is_view(view) then
    freeswitch.consoleLog("ERR", "the edge does not take this call: " .. tostring(view and view.status or "no answer") .. "\n")
    return finish(503)
  end
  remember(view.id)
  -- Which line the user has is known only now. What is here was here before, if by now nobody has opened anything.
  if uid and not view.final then
    number = view.number
    open = contacts(number) ~= nil
    local since = open and ask("/v1/wakes/" .. escaped(view.id) .. "?wait=0&after=0")
    if is_view(since) then view = since end
    open = open and (view.state == "targeted" or view.state == "pushed" or view.state == "shown")
  end
  local status, told = follow(number, view, open)
  if not told then tell(view.id, status == 200 and "ended" or "cancelled") end
  forget(view.id)
  finish(status)
end

-- Direct to the mobile, or divert to the page?
local function gateway(number)
  local signal = session:getVariable("sip_h_X-Signal-Dbm")
  local uid = session:getVariable("sip_h_X-Uid")
  if uid and not uid:match("^[%w%._~%-]+$") then uid = nil end
  if not signal then return wake(number, uid) end
  if signal ~= "none" and not signal:match("^%-?%d%d?%d?$") then return finish(400) end
  local question = '{"call":' .. quoted(session:get_uuid()) .. ',"number":' .. quoted(number) .. "," .. caller()
    .. ',"signal_dbm":' .. (signal == "none" and "null" or signal)
  local answer = ask("/v1/gateway/calls", question .. "}")
  -- Nobody to ask: the mobile is tried, as if there were no pages.
  if answer and answer.route == "divert" then return wake(number, uid) end
  session:setVariable("hangup_after_bridge", "true")
  session:setVariable("continue_on_fail", "true")
  local place = freeswitch.getGlobalVariable("gateway_ip") .. ":" .. freeswitch.getGlobalVariable("gateway_port")
  session:execute("bridge", string.format("{originate_timeout=%d}sofia/wakeline/%s@%s", config.direct_s, number, place))
  if not session:ready() then return end
  local said = session:getVariable("originate_disposition") or ""
  local status = STATUS[said] or 480
  local silence = said == "NO_ANSWER" or said == "ALLOTTED_TIMEOUT"
  -- Busy and declined are the callee's own word; the rest may be a mobile without reception.
  if status ~= 480 and status ~= 408 and status ~= 503 then return finish(status) end
  answer = ask("/v1/gateway/calls", question .. ',"failed":' .. (silence and '"silence"' or status) .. "}")
  if answer and answer.route == "divert" then return wake(number, uid) end
  finish(status)
end

-- Calls that a restart has cut off.
local function restarted()
  for id in (api:execute("db", "list/wakeline") or ""):gmatch("[%w%._~%-]+") do
    if is_view(tell(id, "ended", ',"cause":41')) then forget(id) end
  end
end

-- What a page does is told; one that has answered does not ring any more.
local function told(wake, event, call)
  if event == "answered" then api:execute("uuid_setvar", call .. " wakeline_rings") end
  tell(wake, event)
end

local job, first, second, third = argv[1], argv[2], argv[3], argv[4]
if job == "wake" then wake(first)
elseif job == "gateway" then gateway(first)
elseif job == "tell" then told(first, second, third)
elseif job == "watch" then watch(first, second)
elseif job == "restarted" then restarted()
else freeswitch.consoleLog("ERR", "wakeline.lua knows no " .. tostring(job) .. "\n") end
