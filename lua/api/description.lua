-- The API's description of itself: /openapi.json, made from the route table, and /docs, a page that shows it.
local auth = require "auth"
local json = require "json"
local openapi = require "lib.openapi"
local problem = require "lib.problem"
local samples = require "api.samples"
local schemas = require "api.schemas"

local description = {}

local INFO = {
  title = "LexiCraft Server",
  version = "1",
  description = [[
Children learn words, are tested, and earn points, which their parents can have paid out.

Errors are problems after RFC 9457; look at `code`. What a client needs to do better is beside it: `limit`, `least_points`,
`points_left`, `available_points`, `deficit_points`, `days_overdue`, `due_at`, `changeable_at`, `current_status`. Every answer
carries `X-Request-Id`. A wrong body or query names every value that is wrong at once. What belongs to another family is
answered like what does not exist: 404.

Lists come in pages: give `next_cursor` back as `cursor`, with the same filters, or follow `Link`.

What no operation ever sees is answered before, and closes the connection where nothing that follows could be trusted:

| status | code | when |
| --- | --- | --- |
| 400 | `bad_request` | not HTTP as it should be: no `Host`, a broken escape in the target, an unclear length of the body |
| 404 | `not_found` | no such path |
| 405 | `method_not_allowed` | the path has other methods, which `Allow` names |
| 408 | `request_timeout` | the body took too long |
| 414, 431, 505 | | far too long a request line or headers, or HTTP from 2 on; the only answers with no problem in them |
| 417 | `expectation_failed` | an `Expect` other than `100-continue` |
| 431 | `headers_too_large` | too many headers, or too long ones |
| 501 | `method_unknown` | no method of HTTP that any path has |
| 503 | `unavailable` | too many connections; `Retry-After` |
| 505 | `version_not_supported` | HTTP before 2, but neither 1.1 nor 1.0 |]],
  license = { name = "All rights reserved", identifier = "LicenseRef-None" },
}

local TAGS = {
  health = "Is the program there?",
  users = "Parents.",
  sessions = "Logging in and out.",
  ["password-resets"] = "A new password for who has forgotten it.",
  devices = "Children's devices and their tokens.",
  children = "Children of a parent.",
  ["learning-points"] = "What can be learned.",
  progress = "What a child is learning and has learned.",
  suggestions = "What a child should learn next.",
  ["known-points"] = "What a child knows.",
  verifications = "Tests and their results.",
  ["flagged-verifications"] = "Tests that were answered too fast to be believed.",
  account = "A child's points.",
  transactions = "Every move of a child's points.",
  adjustments = "Points given by staff.",
  withdrawals = "Points that become money.",
  discoveries = "Relationships between words that a child has found.",
  bonuses = "Events that earn a bonus, once ever, paid or held back by a limit.",
  summary = "How a child is doing.",
  openapi = "This description.",
  docs = "This description, for people.",
}

-- The viewer is an npm package that script/bootstrap turns into a Lua module of two megabytes: it is loaded when somebody
-- looks at the page. A checkout without it has none.
local function viewer(part)
  return function()
    local is_there, files = pcall(require, "assets.swagger_ui")
    return is_there and files[part] or nil
  end
end

local PAGE = [[
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>LexiCraft API</title><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/docs/viewer.css"></head>
<body><div id="viewer"></div><script src="/docs/viewer.js"></script><script src="/docs/start.js"></script></body>
</html>
]]

local START = [[
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#viewer", validatorUrl: null, deepLinking: true, docExpansion: "list" });
]]

-- Everything from here only. The viewer sets styles of its own, and has its icons in data URLs.
local POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; " ..
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

-- A handler that sends the same bytes to everybody, and only once to a client that keeps them. They are read when they are
-- wanted first; nil: there are none.
local function constant(content_type, read, headers)
  local body, tag
  return function(call)
    body = body or read()
    if not body then
      return nil, problem.not_found()
    end
    tag = tag or ('"%s"'):format(auth.sha256(body))
    local all = { ETag = tag, ["Cache-Control"] = "no-cache" }
    for name, value in pairs(headers or {}) do
      all[name] = value
    end
    if call.request:header("If-None-Match") == tag then
      return { status = 304, headers = all }
    end
    return { status = 200, headers = all, content_type = content_type, body = body }
  end
end

local function file_route(path, name, media, doc, read, headers)
  return {
    method = "GET", path = path, doc = doc, name = name, returns = { 200, media = media },
    handle = constant(media .. "; charset=utf-8", read, headers),
  }
end

local function text(value)
  return function() return value end
end

local function page()
  return viewer("script")() and PAGE
end

local function page_routes()
  return {
    file_route("/docs", "getDocs", "text/html", "This description as a page.", page, { ["Content-Security-Policy"] = POLICY }),
    file_route("/docs/viewer.js", "getDocsViewer", "text/javascript", "The script of that page.", viewer("script")),
    file_route("/docs/viewer.css", "getDocsStyle", "text/css", "The looks of that page.", viewer("style")),
    file_route("/docs/start.js", "getDocsStart", "text/javascript", "What begins to show that page.", text(START)),
  }
end

local function describe(routes)
  return openapi.describe(routes, { info = INFO, tags = TAGS, problem = schemas.problem, samples = samples })
end

---The routes with those that describe them.
---@param routes pipeline.route[]
---@return pipeline.route[] routes  the same
function description.add(routes)
  local document = {
    method = "GET", path = "/openapi.json",
    doc = "This description: OpenAPI 3.1.",
    name = "getOpenapi", returns = { 200, media = "application/json", type = "object" },
  }
  table.insert(routes, document)
  for _, route in ipairs(page_routes()) do
    table.insert(routes, route)
  end
  -- Once now, so that what cannot be described never goes live; the text, 0.4 MB in each worker, when it is wanted.
  describe(routes)
  document.handle = constant("application/json", function() return json.encode(describe(routes)) end)
  return routes
end

return description
