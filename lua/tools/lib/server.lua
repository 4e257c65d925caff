-- Asks the running server on its admin port, with curl.
local config = require "config"
local json = require "json"

local server = {}

local ASK_S = 3

---A word for the shell, whatever is in it.
function server.quoted(word)
  return "'" .. word:gsub("'", [['\'']]) .. "'"
end

---@return string  where it listens, as seen from this machine
function server.address()
  local host, port = config.admin.listen:match("^(.*):(%d+)$")
  if host == "" or host == "0.0.0.0" or host == "*" then
    host = "127.0.0.1"
  elseif host == "[::]" then
    host = "[::1]"
  end
  return ("%s:%s"):format(host, port)
end

local function ask(method, path, patience_s)
  local url = ("http://%s%s"):format(server.address(), path)
  local pipe = assert(io.popen(("curl -q -s --noproxy '*' -X %s --max-time %d -w '\\n%%{http_code}' %s 2>&1"):format(method,
    patience_s, server.quoted(url)), "r"))
  local body, status = pipe:read("a"):match("^(.*)\n(%d+)%s*$")
  pipe:close()
  status = tonumber(status) or 0
  if status == 0 then
    return nil
  end
  return body, status
end

---@return { version: string, reloaded_at: integer? }?  nil: no server answers, or none with a live version
function server.live()
  local body = ask("GET", "/readyz", ASK_S)
  local answer = body and json.decode(body)
  if type(answer) ~= "table" or type(answer.rule_version) ~= "string" then
    return nil
  end
  local numbers = ask("GET", "/metrics", ASK_S) or ""
  local reloaded = numbers:match("\nlexicraft_reload_success_timestamp_seconds ([%d.]+)")
  return { version = answer.rule_version, reloaded_at = reloaded and math.tointeger(tonumber(reloaded) // 1) }
end

---@return table? answer  { changed, rule_version, … } or { faults }
---@return integer? status  200, or 422 with faults; nil: no server answers
function server.reload()
  local patience_s = (2 * config.reload.deadline_ms + config.http.drain_ms) // 1000 + 5
  local body, status = ask("POST", "/reload", patience_s)
  local answer = body and json.decode(body)
  if type(answer) ~= "table" then
    return nil
  end
  return answer, status
end

return server
