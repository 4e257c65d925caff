-- What happens to every request before and after its handler, in this order and in this place only:
-- caller, rate limit, role, query, body, Idempotency-Key, handler, problem.
local address = require "lib.address"
local auth = require "auth"
local config = require "config"
local json = require "json"
local problem = require "lib.problem"
local rate = require "rate"
local validate = require "lib.validate"

local pipeline = {}

local MINUTE_S = 60
local KEY_BYTES_MAX = 255
local NO_PARAMETERS = { type = "object", properties = {} }

---@class pipeline.caller
---@field role string
---@field sub string
---@field parent_id? string  whose rows may be seen; nil: anybody's
---@field child_id? string   the only child of them that may be seen; nil: any
---@field session_id? any
---@field newcomer? { email: string? }  a parent whom another issuer vouches for, and who may not be known here yet

---@class pipeline.call  What a handler is given.
---@field request http.request
---@field params table<string, string|integer>
---@field caller? pipeline.caller  nil on public routes
---@field query table
---@field body? table
---@field once? pipeline.once  an Idempotency-Key was sent
---@field rate? table<string, string>  what the answer says of the rate limit, where there is one

---@class pipeline.once
---@field caller string
---@field route string
---@field key string
---@field hash string  of path and body
---@field is_kept boolean  for ever
---@field is_tagged boolean?  the answer has an ETag
---@field user_id? string   whose answer it is, where nobody has called; set by the handler

---@class pipeline.route : http.route
---@field roles string[]?  who may call; nil: anybody, without a token
---@field handle fun(call: pipeline.call): http.response?, problem?
---@field query? table     schema; none: no parameters are known
---@field body? table      schema
---@field match? true|"optional"  a change: If-Match is needed, or heeded where it is sent (lib/etag.lua)
---@field once? "optional"|"required"  an Idempotency-Key may or must be sent; a required one is remembered for ever
---@field doc string
---@field name string       the operation's name in generated clients
---@field returns table     status and schema of the answer when all is well; media and type for one that is not JSON
---@field fails? string[]   codes of its own problems; those of the pipeline go without saying

---@class pipeline.callers  Each function gives nil if the token is not valid after all.
---@field roles table<string, fun(claims: auth.claims): table?>     by role of a token of ours: further members of the caller
---@field foreign fun(claims: auth.claims): pipeline.caller?        the caller that another issuer's token stands for

-- Each step returns nothing, or the problem that ends the request.

local function unauthorized(challenge, message)
  return problem.new("unauthorized", message, nil, { ["WWW-Authenticate"] = challenge })
end

-- The caller that the token stands for, nil if it is good for nobody.
local function caller_of(token, callers)
  local claims = auth.verify_token(token)
  if not claims then
    claims = auth.verify_foreign_token(token)
    return claims and callers.foreign(claims)
  end
  local caller = {}
  if callers.roles[claims.role] then
    caller = callers.roles[claims.role](claims)
  end
  if caller then
    caller.role, caller.sub = claims.role, claims.sub
  end
  return caller
end

local function identify(route, call, callers)
  if not route.roles then
    return
  end
  local header = call.request:header("Authorization")
  if not header then
    return unauthorized('Bearer realm="lexicraft"', "A bearer token is needed.")
  end
  local start = header:match("^[Bb][Ee][Aa][Rr][Ee][Rr] +()")
  call.caller = start and caller_of(header:sub(start), callers)
  if not call.caller then
    return unauthorized('Bearer realm="lexicraft", error="invalid_token"', "The token is not valid.")
  end
end

-- A caller has one measure wherever it calls from; who is nobody shares that of its address, so that bad tokens count too.
local function limit_rate(call)
  local per_minute = config.limits.requests_per_minute
  if per_minute == 0 then
    return
  end
  local caller = call.caller
  local who = caller and ("caller:%s:%s"):format(caller.role, caller.sub)
    or "address:" .. address.network(call.request.remote)
  local ok, n = rate.take("requests:" .. who, per_minute, MINUTE_S)
  call.rate = {
    ["RateLimit-Policy"] = ('"requests";q=%d;w=%d'):format(per_minute, MINUTE_S),
    RateLimit = ok and ('"requests";r=%d'):format(n) or ('"requests";r=0;t=%d'):format(n),
  }
  if not ok then
    return problem.new("rate_limited", "Too many requests.", nil, { ["Retry-After"] = tostring(n) })
  end
end

local function admit(route, call, callers)
  local err = identify(route, call, callers)
  return limit_rate(call) or err
end

local function check_role(route, call)
  if not route.roles then
    return
  end
  for _, role in ipairs(route.roles) do
    if role == call.caller.role then
      return
    end
  end
  return problem.new("forbidden", "This is not for the role \"" .. call.caller.role .. "\".")
end

-- Another child's is answered like what is not there.
local function check_child(_, call)
  local own, asked = call.caller and call.caller.child_id, call.params.child_id
  if own and asked and asked:lower() ~= own:lower() then
    return problem.not_found()
  end
end

local function read_query(route, call)
  local values, faults = validate.query(route.query or NO_PARAMETERS, call.request:query())
  if not values then
    return problem.invalid("invalid_query", faults)
  end
  call.query = values
end

local function is_json(content_type)
  local media_type, parameters = (content_type or ""):lower():match("^([^;%s]*)%s*(.*)$")
  return media_type == "application/json" and (parameters == "" or parameters:find('^;%s*charset="?utf%-8"?%s*$'))
end

local function read_body(route, call)
  if not route.body then
    return
  end
  if not is_json(call.request:header("Content-Type")) then
    return problem.new("unsupported_media_type", "The body must be application/json.")
  end
  if (call.request:header("Content-Encoding") or "identity"):lower() ~= "identity" then
    return problem.new("unsupported_media_type", "The body must not be compressed or encoded otherwise.", nil,
      { ["Accept-Encoding"] = "identity" })
  end
  local value, err = call.request:json()
  if value == nil then
    return problem.new("invalid_json", err.message)
  end
  local body, faults = validate.body(route.body, value)
  if not body then
    return problem.invalid("invalid_body", faults)
  end
  call.body = body
end

-- What a request is told apart by: members marked secret are not kept, not even as a hash.
local function digest(route, call)
  local open = {}
  for name, value in pairs(call.body or {}) do
    if not route.body.properties[name].secret then
      open[name] = value
    end
  end
  return auth.sha256(call.request.path .. "\n" .. (call.body and json.encode(open) or ""))
end

local function read_key(route, call)
  local key = route.once and call.request:header("Idempotency-Key")
  if not key and route.once == "required" then
    return problem.new("idempotency_key_required", "An Idempotency-Key is needed, so that nothing is done twice.")
  end
  if not key then
    return
  end
  if #key > KEY_BYTES_MAX or not key:find("^[!-~]+$") then
    return problem.new("invalid_idempotency_key", "Idempotency-Key must be 1 to 255 visible ASCII characters.")
  end
  call.once = {
    caller = call.caller and call.caller.role .. ":" .. call.caller.sub or "anybody",
    route = route.method .. " " .. route.path,
    key = key,
    hash = digest(route, call),
    is_kept = route.once == "required",
    is_tagged = route.returns and route.returns.tagged,
  }
end

local STEPS = { admit, check_role, check_child, read_query, read_body, read_key }

local function answer(route, call, callers)
  for _, step in ipairs(STEPS) do
    local err = step(route, call, callers)
    if err then
      return problem.response(err)
    end
  end
  local response, err = route.handle(call)
  return response or problem.response(err)
end

-- How much is left, in the fields of draft-ietf-httpapi-ratelimit-headers.
local function with_rate(response, fields)
  if fields then
    response.headers = response.headers or {}
    for name, value in pairs(fields) do
      response.headers[name] = value
    end
  end
  return response
end

---Turn the route table into what the server runs.
---@param routes pipeline.route[]
---@param callers pipeline.callers
---@return http.route[]
function pipeline.routes(routes, callers)
  for _, route in ipairs(routes) do
    route.handler = function(req)
      local call = { request = req, params = req.params }
      return with_rate(answer(route, call, callers), call.rate)
    end
  end
  return routes
end

return pipeline
