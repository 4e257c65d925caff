-- Cross-origin requests: which pages of a browser may call the API (http.cors_origins).
local config = require "config"

local cors = {}

local EXPOSED = "ETag, Link, Location, Retry-After, WWW-Authenticate, X-Request-Id"
local ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, X-Request-Id"

function cors.is_on()
  return #config.http.cors_origins > 0
end

-- The value of Access-Control-Allow-Origin for this origin, nil if it may not call.
local function allowed(origin)
  for _, one in ipairs(config.http.cors_origins) do
    if one == "*" or one == origin then
      return one
    end
  end
end

---Add to a response what lets the calling page read it.
---@param req http.request
---@param response http.response
---@return http.response response  the same
function cors.mark(req, response)
  if not cors.is_on() then
    return response
  end
  local headers = response.headers or {}
  response.headers = headers
  headers["Vary"] = "Origin"
  local origin = req:header("Origin")
  local value = origin and allowed(origin)
  if value then
    headers["Access-Control-Allow-Origin"] = value
    headers["Access-Control-Expose-Headers"] = EXPOSED
  end
  return response
end

---One OPTIONS route for each path, which answers preflights. None if CORS is off.
---@param routes http.route[]
---@return http.route[]
function cors.routes(routes)
  local methods, preflights = {}, {}
  for _, route in ipairs(cors.is_on() and routes or {}) do
    if not methods[route.path] then
      methods[route.path] = {}
      preflights[#preflights + 1] = {
        method = "OPTIONS",
        path = route.path,
        handler = function(req)
          return cors.mark(req, {
            status = 204,
            headers = {
              ["Access-Control-Allow-Methods"] = table.concat(methods[route.path], ", "),
              ["Access-Control-Allow-Headers"] = ALLOWED_HEADERS,
              ["Access-Control-Max-Age"] = tostring(config.http.cors_max_age_s),
            },
          })
        end,
      }
    end
    table.insert(methods[route.path], route.method)
  end
  return preflights
end

return cors
