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

-- What was read of no query: one table for all requests.
local NO_QUERY = setmetatable({}, {
  __newindex = function() error("the query of a request is not written to", 2) end,
  __metatable = false,
})

---@class pipeline.caller
---@field role string
---@field sub string
---@field parent_id? string  whose rows may be seen; nil: anybody's
---@field child_id? string   the only child of them that may be seen; nil: any
---@field session_id? any
---@field bucket string    what its requests are counted under
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
---@field roles table<string, fun(claims: auth.claims): table?>     by role of a token of ours: further members of the caller;
---what they are is remembered with the token
---@field present table<string, fun(claims: auth.claims): table?>   the same, asked at every request
---@field foreign fun(claims: auth.claims): pipeline.caller?        the caller that another issuer's token stands for

-- Whoever calls with a token seen before is the same table again, so that a request makes nothing anew of it.

local function as_caller(claims, members)
  if members then
    members.role, members.sub = claims.role, claims.sub
    members.bucket = ("requests:caller:%s:%s"):format(members.role, members.sub)
  end
  return members
end

-- What is remembered with a good token of ours: the caller, or the claims where they must be asked about each time.
local function own_reader(callers)
  return function(claims)
    if callers.present[claims.role] then
      return claims
    end
    local members_of = callers.roles[claims.role]
    if not members_of then
      return as_caller(claims, {})
    end
    return as_caller(claims, members_of(claims))
  end
end

local function foreign_reader(callers)
  return function(claims)
    local caller = callers.foreign(claims)
    return caller and as_caller(caller, caller)
  end
end

---@class pipeline.plan  What is known of a route before any request.
---@field route pipeline.route
---@field steps (fun(plan: pipeline.plan, call: pipeline.call): problem?)[]  each gives nothing, or what ends the request
---@field query_steps (fun(plan: pipeline.plan, call: pipeline.call): problem?)[]  the same where there is a query
---@field allowed table<string, boolean>  roles
---@field callers { own: function, foreign: function, present: table<string, function> }
---@field per_minute integer  0: requests are not limited
---@field policy string

local function unauthorized(challenge, message)
  return problem.new("unauthorized", message, nil, { ["WWW-Authenticate"] = challenge })
end

local function caller_of(request, callers)
  local caller = auth.verify_token(request, callers.own)
  if not caller then
    return auth.verify_foreign_token(request, callers.foreign)
  end
  local ask = callers.present[caller.role]
  if ask then
    return as_caller(caller, ask(caller))
  end
  return caller
end

local function identify(plan, call)
  call.caller = caller_of(call.request, plan.callers)
  if call.caller then
    return
  end
  if call.request:header("Authorization") then
    return unauthorized('Bearer realm="lexicraft", error="invalid_token"', "The token is not valid.")
  end
  return unauthorized('Bearer realm="lexicraft"', "A bearer token is needed.")
end

-- A caller has one measure wherever it calls from; who is nobody shares that of its address, so that bad tokens count too.
local function limit_rate(plan, call)
  local bucket = call.caller and call.caller.bucket or "requests:address:" .. address.network(call.request.remote)
  local ok, n = rate.take(bucket, plan.per_minute, MINUTE_S)
  call.rate = {
    ["RateLimit-Policy"] = plan.policy,
    RateLimit = (ok and '"requests";r=' or '"requests";r=0;t=') .. n,
  }
  if not ok then
    return problem.new("rate_limited", "Too many requests.", nil, { ["Retry-After"] = tostring(n) })
  end
end

local function identify_within_limit(plan, call)
  local err = identify(plan, call)
  return limit_rate(plan, call) or err
end

-- nil: anybody may call, and as often as they like.
local function admission(route, per_minute)
  if per_minute == 0 then
    return route.roles and identify
  end
  return route.roles and identify_within_limit or limit_rate
end

local function check_role(plan, call)
  if not plan.allowed[call.caller.role] then
    return problem.new("forbidden", "This is not for the role \"" .. call.caller.role .. "\".")
  end
end

-- Another child's is answered like what is not there.
local function check_child(_, call)
  local own, asked = call.caller.child_id, call.params.child_id
  if own and asked and asked:lower() ~= own:lower() then
    return problem.not_found()
  end
end

local function read_query(plan, call)
  local values, faults = validate.query(plan.route.query or NO_PARAMETERS, call.request:query())
  if not values then
    return problem.invalid("invalid_query", faults)
  end
  call.query = values
end

local function is_json(content_type)
  local media_type, parameters = (content_type or ""):lower():match("^([^;%s]*)%s*(.*)$")
  return media_type == "application/json" and (parameters == "" or parameters:find('^;%s*charset="?utf%-8"?%s*$'))
end

local function read_body(plan, call)
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
  local body, faults = validate.body(plan.route.body, value)
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

local function read_key(plan, call)
  local route = plan.route
  local key = call.request:header("Idempotency-Key")
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

-- What the route does not ask for costs its requests nothing.
local function steps_of(route, per_minute, has_query)
  local steps = {}
  local function add(step, is_needed)
    if is_needed then
      steps[#steps + 1] = step
    end
  end
  local admit = admission(route, per_minute)
  add(admit, admit)
  add(check_role, route.roles)
  add(check_child, route.roles)
  add(read_query, has_query or route.query and route.query.required)
  add(read_body, route.body)
  add(read_key, route.once)
  return steps
end

local function plan_of(route, readers)
  local allowed = {}
  for _, role in ipairs(route.roles or {}) do
    allowed[role] = true
  end
  local per_minute = config.limits.requests_per_minute
  return {
    route = route,
    steps = steps_of(route, per_minute, false),
    query_steps = steps_of(route, per_minute, true),
    allowed = allowed,
    callers = readers,
    per_minute = per_minute,
    policy = ('"requests";q=%d;w=%d'):format(per_minute, MINUTE_S),
  }
end

local function answer(plan, call, has_query)
  local steps = has_query and plan.query_steps or plan.steps
  for i = 1, #steps do
    local err = steps[i](plan, call)
    if err then
      return problem.response(err)
    end
  end
  local response, err = plan.route.handle(call)
  return response or problem.response(err)
end

-- How much is left, in the fields of draft-ietf-httpapi-ratelimit-headers.
local function with_rate(response, fields)
  if not response.headers then
    response.headers = fields
    return response
  end
  for name, value in pairs(fields) do
    response.headers[name] = value
  end
  return response
end

---Turn the route table into what the server runs.
---@param routes pipeline.route[]
---@param callers pipeline.callers
---@return http.route[]
function pipeline.routes(routes, callers)
  local readers = { own = own_reader(callers), foreign = foreign_reader(callers), present = callers.present }
  for _, route in ipairs(routes) do
    local plan = plan_of(route, readers)
    route.handler = function(request, params, has_query)
      local call = { request = request, params = params, query = NO_QUERY }
      local response = answer(plan, call, has_query)
      return call.rate and with_rate(response, call.rate) or response
    end
  end
  return routes
end

return pipeline
