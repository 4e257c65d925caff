-- Describes a route table as an OpenAPI 3.1 document: what the pipeline checks and answers, nothing that it does not.
local example = require "lib.example"
local format = require "lib.format"
local json = require "json"
local problem = require "lib.problem"

local openapi = {}

-- What the core answers by itself.
local CORE_STATUS = { body_too_large = 413, internal = 500, unavailable = 503, outcome_unknown = 503, timeout = 504 }

local TITLES = {
  [200] = "Done.", [201] = "Made.", [202] = "Accepted.", [204] = "Done; there is nothing to show.",
  [304] = "Not changed since.",
}

-- As the core has them.
local PROBLEM_TITLES = {
  [400] = "Bad Request", [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found", [409] = "Conflict",
  [412] = "Precondition Failed", [413] = "Content Too Large", [415] = "Unsupported Media Type",
  [422] = "Unprocessable Content", [428] = "Precondition Required", [429] = "Too Many Requests",
  [500] = "Internal Server Error", [503] = "Service Unavailable", [504] = "Gateway Timeout",
}

-- Formats as regular expressions; those that are missing here are known to JSON Schema by their names.
local PATTERNS = {
  slug = "^[a-z0-9][a-z0-9_.'-]*$",
  country = "^[A-Z][A-Z]$",
  ["time-zone"] = "^(UTC|[A-Za-z_]+/[A-Za-z_/-]*[A-Za-z_])$",
  line = "^[^\\u0000-\\u001f\\u007f]*\\S[^\\u0000-\\u001f\\u007f]*$",
}

local INT32_MAX = 2147483647
local CHARACTER_BYTES_MAX = 4 -- of UTF-8

local TAG = '"5d41402abc4b2a76b9719d911017c592"'

local PARAMETER_TYPES = {
  uuid = { type = "string", format = "uuid" },
  slug = { type = "string", format = "slug", maxLength = 100 },
  int = { type = "integer", minimum = 0 },
}

local function reference(kind, name)
  return { ["$ref"] = ("#/components/%s/%s"):format(kind, name) }
end

local convert

local function convert_properties(schema, components)
  local properties = {}
  for name, property in pairs(schema.properties) do
    properties[name] = convert(property, components)
  end
  return properties
end

local function describe(schema)
  local parts = { schema.doc }
  if schema.minBytes then
    parts[#parts + 1] = ("%d to %d bytes of UTF-8"):format(schema.minBytes, schema.maxBytes)
  end
  if PATTERNS[schema.format] then
    parts[#parts + 1] = format.DETAILS[schema.format]
  end
  return #parts > 0 and table.concat(parts, "; ") or nil
end

local function plain(schema, components)
  local out = {
    type = schema.type, description = describe(schema),
    minimum = schema.minimum, maximum = schema.maximum, multipleOf = schema.multipleOf,
    minLength = schema.minLength or schema.minBytes and math.ceil(schema.minBytes / CHARACTER_BYTES_MAX),
    maxLength = schema.maxLength or schema.maxBytes,
    maxItems = schema.maxItems,
    pattern = PATTERNS[schema.format], format = not PATTERNS[schema.format] and schema.format or nil,
    enum = schema.enum and json.array(table.move(schema.enum, 1, #schema.enum, 1, {})),
  }
  if schema.type == "integer" then
    -- Some generators make of int64 a type that is awkward to write: it is for what needs it.
    out.format = schema.maximum and schema.maximum <= INT32_MAX and "int32" or "int64"
  end
  if schema.properties then
    out.properties = convert_properties(schema, components)
    out.required = schema.required and #schema.required > 0 and json.array(schema.required) or nil
  elseif schema.type == "object" then
    out.additionalProperties = true -- said aloud: some generators take an object without properties for an empty one
  end
  if schema.type == "array" then
    out.items = schema.items and convert(schema.items, components) or {}
  end
  return out
end

---A schema of lib/validate.lua as JSON Schema. One with a name becomes a component.
function convert(schema, components)
  if schema.name then
    components[schema.name] = components[schema.name] or plain(schema, components)
    local ref = reference("schemas", schema.name)
    return schema.nullable and { oneOf = { ref, { type = "null" } } } or ref
  end
  local out = plain(schema, components)
  if schema.nullable then
    out.type = { out.type, "null" }
    if out.enum then
      table.insert(out.enum, json.null)
    end
  end
  return out
end

-- The codes of every problem a route may answer with.
local function codes_of(route)
  local codes = { "invalid_query", "rate_limited", "internal", "unavailable", "outcome_unknown", "timeout" }
  local function add(condition, ...)
    if condition then
      table.move({ ... }, 1, select("#", ...), #codes + 1, codes)
    end
  end
  add(route.roles, "unauthorized", "forbidden")
  add(route.path:find("{"), "not_found")
  add(route.body, "invalid_json", "invalid_body", "body_too_large", "unsupported_media_type")
  add(route.once, "invalid_idempotency_key", "idempotency_in_progress", "idempotency_key_reused")
  add(route.once == "required", "idempotency_key_required")
  add(route.match, "precondition_failed")
  add(route.match and route.match ~= "optional", "precondition_required")
  add(route.fails, table.unpack(route.fails or {}))
  return codes
end

local function problem_response(status, codes, document)
  table.sort(codes)
  local code = codes[1]
  local headers = { ["X-Request-Id"] = reference("headers", "X-Request-Id") }
  if status == 401 then
    headers["WWW-Authenticate"] = reference("headers", "WWW-Authenticate")
  elseif status == 429 or status == 503 then
    headers["Retry-After"] = reference("headers", "Retry-After")
    headers.RateLimit = status == 429 and reference("headers", "RateLimit") or nil
  end
  return {
    description = table.concat(codes, ", "),
    ["x-codes"] = json.array(codes),
    headers = headers,
    content = {
      ["application/problem+json"] = {
        schema = convert(document.problem, document.components.schemas),
        example = {
          type = "/problems/" .. code, title = PROBLEM_TITLES[status], status = status, code = code,
          request_id = document.samples.request_id,
        },
      },
    },
  }
end

local function success(route, document)
  local status, schema = route.returns[1], route.returns[2]
  local response = {
    description = TITLES[status],
    headers = { ["X-Request-Id"] = reference("headers", "X-Request-Id") },
  }
  if status == 201 then
    response.headers.Location = reference("headers", "Location")
  end
  if route.returns.tagged then
    response.headers.ETag = reference("headers", "ETag")
  end
  if schema and schema.properties.next_cursor then
    response.headers.Link = reference("headers", "Link")
  end
  if schema then
    response.content = {
      ["application/json"] = {
        schema = convert(schema, document.components.schemas),
        example = example.of(schema, document.samples),
      },
    }
  elseif route.returns.media then
    response.content = { [route.returns.media] = { schema = { type = route.returns.type or "string" } } }
  end
  return status, response
end

local function responses_of(route, document)
  local by_status, responses = {}, {}
  for _, code in ipairs(codes_of(route)) do
    local status = CORE_STATUS[code] or problem.status(code)
    by_status[status] = by_status[status] or {}
    table.insert(by_status[status], code)
  end
  for status, codes in pairs(by_status) do
    responses[tostring(status)] = problem_response(status, codes, document)
  end
  local status, response = success(route, document)
  responses[tostring(status)] = response
  return responses
end

local function parameter(place, name, schema, is_required, document)
  return {
    ["in"] = place, name = name, required = is_required, description = schema.doc,
    schema = convert(schema, document.components.schemas), example = example.of(schema, document.samples, name),
  }
end

local function parameters_of(route, document)
  local parameters = {}
  for name, kind in route.path:gmatch("{([%w_]+):(%w+)}") do
    local schema = PARAMETER_TYPES[kind] or { type = "string" } -- the core refuses such a route, and says why
    table.insert(parameters, parameter("path", name, schema, true, document))
  end
  local names, is_required = {}, {}
  for _, name in ipairs(route.query and route.query.required or {}) do
    is_required[name] = true
  end
  for name in pairs(route.query and route.query.properties or {}) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local shown = parameter("query", name, route.query.properties[name], is_required[name] or false, document)
    shown.example = nil
    table.insert(parameters, shown)
  end
  if route.once then
    table.insert(parameters, reference("parameters", route.once == "required" and "RequiredKey" or "OptionalKey"))
  end
  if route.match then
    table.insert(parameters, reference("parameters", route.match == "optional" and "OptionalIfMatch" or "IfMatch"))
  end
  return json.array(parameters)
end

-- Any one of these roles is enough, so each is a requirement of its own.
local function security_of(route)
  local security = json.array {}
  for index, role in ipairs(route.roles or {}) do
    security[index] = { bearer = json.array { role } }
  end
  return security
end

-- "/v1/children/{child_id:uuid}/progress/{id:int}" is about progress, "/v1/children/{child_id:uuid}" about children.
local function tag_of(route)
  local plain_path = route.path:gsub("^/v1", ""):gsub("/{[^}]*}", "/*")
  return plain_path:match("^/children/%*/([%w-]+)") or plain_path:match("^/([%w-]+)") or "api"
end

local function body_of(route, document)
  local schema = { name = route.name:gsub("^%l", string.upper) .. "Body" }
  for key, value in pairs(route.body) do
    schema[key] = value
  end
  local ref = convert(schema, document.components.schemas)
  document.components.schemas[schema.name].additionalProperties = false
  return {
    required = true,
    content = { ["application/json"] = { schema = ref, example = example.of(route.body, document.samples) } },
  }
end

local function operation(route, document)
  if not route.name or not route.returns then
    error(("lua/app.lua: %s %s needs name and returns"):format(route.method, route.path), 0)
  end
  return {
    operationId = route.name,
    tags = json.array { tag_of(route) },
    summary = route.doc:match("^[^.;:?]+"),
    description = route.doc,
    security = security_of(route),
    parameters = parameters_of(route, document),
    requestBody = route.body and body_of(route, document) or nil,
    responses = responses_of(route, document),
  }
end

local function key_parameter(is_required)
  return {
    ["in"] = "header", name = "Idempotency-Key", required = is_required,
    description = "A name for this request: sent again with the same key it is done once and answered alike.",
    schema = { type = "string", minLength = 1, maxLength = 255, pattern = "^[!-~]+$" },
    example = "d9a6c1f0-withdraw-1",
  }
end

local function match_parameter(is_required)
  return {
    ["in"] = "header", name = "If-Match", required = is_required,
    description = "The ETag that what is to be changed was read with; *: whatever it is by now.",
    schema = { type = "string" }, example = TAG,
  }
end

local function header(description, value, schema)
  return { description = description, schema = schema or { type = "string" }, example = value }
end

local function components()
  return {
    schemas = {},
    parameters = {
      OptionalKey = key_parameter(false), RequiredKey = key_parameter(true),
      IfMatch = match_parameter(true), OptionalIfMatch = match_parameter(false),
    },
    headers = {
      ["X-Request-Id"] = header("The id of the request, one's own or made here; the log repeats it.", "abc-123"),
      ["Retry-After"] = header("Seconds after which to try again.", 1, { type = "integer", minimum = 0 }),
      RateLimit = header("How many requests are left, where their number is limited (draft-ietf-httpapi-ratelimit-headers).",
        '"requests";r=0;t=7'),
      ["WWW-Authenticate"] = header("What is wrong with the token.", 'Bearer realm="lexicraft"'),
      ETag = header("What this state is called in If-Match.", TAG),
      Location = header("Where the new thing is, if it has an address.", "/v1/users/me"),
      Link = header("The next page, if there is one.", '</v1/learning-points?cursor=6c1f3a90be27d5043331>; rel="next"'),
    },
    securitySchemes = {
      bearer = {
        type = "http", scheme = "bearer", bearerFormat = "JWT",
        description = "Each scope is a role; a token has one. An operation asks for one of the roles it lists.",
      },
    },
  }
end

local function tag_list(used, docs)
  local names, tags = {}, {}
  for name in pairs(used) do
    names[#names + 1] = name
  end
  table.sort(names)
  for index, name in ipairs(names) do
    tags[index] = { name = name, description = docs[name] or name }
  end
  return json.array(tags)
end

---@class openapi.about
---@field info table                    the document's info object
---@field tags table<string, string>    what each resource is, by its name in the path
---@field problem table                 schema of every problem
---@field samples table<string, any>    example values by name

---@param routes pipeline.route[]
---@param about openapi.about
---@return table document
function openapi.describe(routes, about)
  local document = { components = components(), samples = about.samples, problem = about.problem }
  local paths, used = {}, {}
  for _, route in ipairs(routes) do
    local path = route.path:gsub(":%w+}", "}")
    paths[path] = paths[path] or {}
    paths[path][route.method:lower()] = operation(route, document)
    used[tag_of(route)] = true
  end
  return {
    openapi = "3.1.0",
    info = about.info,
    servers = json.array { { url = "/", description = "This server." } },
    tags = tag_list(used, about.tags),
    paths = paths,
    components = document.components,
  }
end

return openapi
