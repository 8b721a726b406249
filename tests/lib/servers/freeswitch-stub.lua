-- FreeSWITCH's session API as our script sees it: whatever it calls is told to the test, which answers. A word of it a line, the
-- answer by its length; -1 is nil.
local function told(...)
  local words = { ... }
  for i, word in ipairs(words) do words[i] = tostring(word):gsub("[\\\t\n]", { ["\\"] = "\\\\", ["\t"] = "\\t", ["\n"] = "\\n" }) end
  io.stdout:write(table.concat(words, "\t"), "\n")
  io.stdout:flush()
  local length = tonumber(io.stdin:read("l") or "-1")
  if length < 0 then return nil end
  return length == 0 and "" or io.stdin:read(length)
end

freeswitch = {
  API = function()
    return {
      execute = function(_, name, words) return told("api", name, words or "") end,
      getTime = function() return told("time") end,
    }
  end,
  getGlobalVariable = function(name) return told("global", name) end,
  msleep = function(ms) told("sleep", ms) end,
  consoleLog = function(level, text) told("log", level, text) end,
}
session = {
  ready = function() return told("ready") == "yes" end,
  getVariable = function(_, name) return told("get", name) end,
  setVariable = function(_, name, value) told("set", name, value) end,
  execute = function(_, name, words) told("execute", name, words or "") end,
  hangup = function(_, cause) told("hangup", cause) end,
  sleep = function(_, ms) told("sleep", ms) end,
  preAnswer = function() told("preAnswer") end,
  get_uuid = function() return told("uuid") end,
}
argv = { table.unpack(arg, 2) }
dofile(arg[1])
