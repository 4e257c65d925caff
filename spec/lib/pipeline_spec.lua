local modules = require "spec.support.modules"
local json = modules.json

local PARENT = "00000000-0000-0000-0000-000000000001"
local CHILD = "00000000-0000-0000-0000-00000000000a"

describe("lib/pipeline", function()
  local pipeline, config, taken, bucket, revoked, read

  local CLAIMS = {
    parent = { role = "parent", sub = PARENT },
    service = { role = "service", sub = "quiz" },
    child = { role = "child", sub = CHILD },
    nobody = { role = "parent", sub = "not a uuid" },
  }

  local CALLERS = {
    roles = {
      parent = function(claims) return claims.sub == PARENT and { parent_id = claims.sub } or nil end,
    },
    present = {
      child = function(claims) return not revoked and { parent_id = PARENT, child_id = claims.sub } or nil end,
    },
    foreign = function(claims)
      return claims.role == "authenticated" and { role = "parent", sub = claims.sub, parent_id = claims.sub } or nil
    end,
  }
  local FOREIGN_CLAIMS = {
    guest = { role = "authenticated", sub = PARENT },
    key = { role = "service", sub = PARENT },
  }

  -- As auth remembers what was made of the claims.
  local function verify(claims, request, make)
    local token = (request:header("Authorization") or ""):match("^Bearer +(.*)$") or ""
    if claims[token] and read[token] == nil then
      read[token] = make(claims[token])
    end
    return read[token]
  end

  before_each(function()
    taken, revoked, read = true, false, {}
    config = { limits = { requests_per_minute = 60 }, http = { cors_origins = {}, cors_max_age_s = 600 } }
    pipeline = modules.load("lib.pipeline", {
      config = config,
      auth = {
        verify_token = function(token, make) return verify(CLAIMS, token, make) end,
        verify_foreign_token = function(token, make) return verify(FOREIGN_CLAIMS, token, make) end,
        sha256 = function(text) return "hash of " .. text end,
      },
      http = {
        problem = function(status, code, detail, extra, headers)
          return { status = status, code = code, detail = detail, extra = extra, headers = headers }
        end,
      },
      rate = { take = function(key, capacity, period_s)
        bucket = { key, capacity, period_s }
        return taken, 7
      end },
    })
  end)

  local function request(given)
    local headers = given.headers or {}
    return {
      path = "/v1/things", params = given.params or {}, remote = "127.0.0.1",
      header = function(_, name) return headers[name] end,
      query = function() return given.query end,
      json = function() return given.json, given.json_err end,
    }
  end

  local function run(route, given)
    route.method, route.path = route.method or "POST", "/v1/things"
    route.handle = route.handle or function(call) return { status = 200, call = call } end
    local routes = pipeline.routes({ route }, CALLERS)
    local asked = request(given or {})
    return routes[1].handler(asked, asked.params, asked:query() ~= nil)
  end

  local function bearer(token)
    return { Authorization = "Bearer " .. token }
  end

  it("shows a child itself only", function()
    local route = { roles = { "parent", "child" } }
    for asked, status in pairs { [CHILD] = 200, [CHILD:upper()] = 200, [PARENT] = 404 } do
      assert.are.equal(status, run(route, { headers = bearer "child", params = { child_id = asked } }).status)
      assert.are.equal(200, run(route, { headers = bearer "parent", params = { child_id = asked } }).status)
    end
  end)

  it("lets anybody call a public route", function()
    local response = run {}
    assert.are.equal(200, response.status)
    assert.is_nil(response.call.caller)
  end)

  it("asks for a token that is good", function()
    for _, headers in ipairs { {}, bearer "wrong", bearer "nobody", { Authorization = "Basic parent" },
      { Authorization = "Bearer" }, { Authorization = "" } } do
      local response = run({ roles = { "parent" } }, { headers = headers })
      assert.are.equal(401, response.status)
      assert.are.equal("unauthorized", response.code)
      assert.truthy(response.headers["WWW-Authenticate"]:find("^Bearer"))
    end
  end)

  it("knows the tokens of another issuer by its rules alone", function()
    local response = run({ roles = { "parent" } }, { headers = bearer("guest") })
    local bucket_name = "requests:caller:parent:" .. PARENT
    assert.are.same({ role = "parent", sub = PARENT, parent_id = PARENT, bucket = bucket_name }, response.call.caller)
    assert.are.equal(401, run({ roles = { "service" } }, { headers = bearer("key") }).status)
  end)

  it("tells parents from services", function()
    assert.are.equal(403, run({ roles = { "service" } }, { headers = bearer "parent" }).status)
    local parent = run({ roles = { "parent" } }, { headers = bearer "parent" }).call.caller
    assert.are.equal(PARENT, parent.parent_id)
    local service = run({ roles = { "service" } }, { headers = bearer "service" }).call.caller
    assert.is_nil(service.parent_id)
  end)

  it("asks each time about who may be locked out, and about others once", function()
    local route = { roles = { "child", "parent" } }
    local function caller(token)
      return run(route, { headers = bearer(token) }).call.caller
    end
    assert.is_true(rawequal(caller "parent", caller "parent"))
    assert.are.equal(CHILD, caller("child").child_id)
    revoked = true
    assert.are.equal(401, run(route, { headers = bearer "child" }).status)
  end)

  it("measures callers by themselves, and addresses where there is none", function()
    local response = run({ roles = { "parent" } }, { headers = bearer "parent" })
    assert.are.same({ "requests:caller:parent:" .. PARENT, 60, 60 }, bucket)
    assert.are.equal('"requests";r=7', response.headers.RateLimit)
    assert.are.equal('"requests";q=60;w=60', response.headers["RateLimit-Policy"])
    assert.are.equal(401, run({ roles = { "parent" } }, { headers = bearer "nobody" }).status)
    assert.are.equal("requests:address:127.0.0.1", bucket[1])
    run {}
    assert.are.equal("requests:address:127.0.0.1", bucket[1])
    config.limits.requests_per_minute, bucket = 0, nil
    assert.is_nil(run({}).headers)
    assert.is_nil(bucket)
  end)

  it("limits the rate of requests, unless that is switched off", function()
    taken = false
    local response = run {}
    assert.are.equal(429, response.status)
    assert.are.equal("7", response.headers["Retry-After"])
    assert.are.equal('"requests";r=0;t=7', response.headers.RateLimit)
    assert.are.equal(429, run({ roles = { "parent" } }).status)
    config.limits.requests_per_minute = 0
    assert.are.equal(200, run({}).status)
  end)

  local BODY = { type = "object", properties = { name = { type = "string" } } }
  local AS_JSON = { ["Content-Type"] = "application/json" }

  it("takes JSON bodies only", function()
    for _, kind in ipairs { "text/plain", "application/jsonx", "application/json; charset=latin-1" } do
      assert.are.equal(415, run({ body = BODY }, { headers = { ["Content-Type"] = kind }, json = {} }).status)
    end
    for _, kind in ipairs { "application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"' } do
      assert.are.equal(200, run({ body = BODY }, { headers = { ["Content-Type"] = kind }, json = {} }).status)
    end
    assert.are.equal(415, run({ body = BODY }, { json = {} }).status)
  end)

  it("takes bodies as they are only", function()
    for coding, status in pairs { gzip = 415, [""] = 415, identity = 200, Identity = 200 } do
      local headers = { ["Content-Type"] = "application/json", ["Content-Encoding"] = coding }
      assert.are.equal(status, run({ body = BODY }, { headers = headers, json = {} }).status, coding)
    end
  end)

  it("refuses malformed and invalid bodies", function()
    local broken = run({ body = BODY }, { headers = AS_JSON, json_err = { code = "invalid", message = "no" } })
    assert.are.equal("invalid_json", broken.code)
    local wrong = run({ body = BODY }, { headers = AS_JSON, json = { name = 1, x = 2 } })
    assert.are.equal("invalid_body", wrong.code)
    assert.are.equal(2, #wrong.extra.errors)
    assert.are.equal("invalid_body", run({ body = BODY }, { headers = AS_JSON, json = json.null }).code)
  end)

  it("reads no query where there is none", function()
    local given = request {}
    given.query = function() error("read all the same") end
    local routes = pipeline.routes({ { method = "GET", path = "/", handle = function(call) return call end } }, CALLERS)
    local call = routes[1].handler(given, given.params, false)
    assert.is_nil(next(call.query))
    assert.has_error(function() call.query.x = 1 end, "the query of a request is not written to")
  end)

  it("misses what a query must have, without one too", function()
    local route = { query = { type = "object", properties = { days = { type = "integer" } }, required = { "days" } } }
    assert.are.equal("invalid_query", run(route).code)
    assert.are.equal(3, run(route, { query = { days = "3" } }).call.query.days)
  end)

  it("refuses queries it does not know", function()
    assert.are.equal("invalid_query", run({}, { query = { x = "1" } }).code)
    local given = request {}
    given.query = function() return {}, { x = "twice" } end
    local routes = pipeline.routes({ { method = "GET", path = "/", handle = function() end } }, CALLERS)
    local refused = routes[1].handler(given, given.params, true)
    assert.are.same({ "invalid_query", "/x" }, { refused.code, refused.extra.errors[1].pointer })
  end)

  it("turns an expected failure into its problem, and lets others through", function()
    local response = run { handle = function() return nil, { code = "too_early", message = "x", members = { a = 1 } } end }
    assert.are.equal(409, response.status)
    assert.are.equal(1, response.extra.a)
    assert.has_error(function()
      run { handle = function() return nil, { code = "no such code" } end }
    end)
  end)

  describe("with an Idempotency-Key", function()
    local route = { roles = { "parent" }, body = BODY, once = "optional" }

    local function with_key(key, body)
      return run(route, {
        headers = { Authorization = "Bearer parent", ["Content-Type"] = "application/json", ["Idempotency-Key"] = key },
        json = body or {},
      })
    end

    it("binds it to caller, route and content", function()
      local once = with_key("k1", { name = "a" }).call.once
      assert.are.equal("parent:" .. PARENT, once.caller)
      assert.are.equal("POST /v1/things", once.route)
      assert.are_not.equal(once.hash, with_key("k1", { name = "b" }).call.once.hash)
      assert.are.equal(once.hash, with_key("k1", { name = "a" }).call.once.hash)
    end)

    it("keeps nothing of what is secret", function()
      local body = { type = "object", properties = { name = { type = "string" }, pin = { type = "string", secret = true } } }
      local function once_for(given)
        return run({ body = body, once = "optional" }, {
          headers = { ["Content-Type"] = "application/json", ["Idempotency-Key"] = "k" }, json = given,
        }).call.once
      end
      assert.are.equal(once_for { name = "a", pin = "1" }.hash, once_for { name = "a", pin = "2" }.hash)
      assert.are_not.equal(once_for { name = "a", pin = "1" }.hash, once_for { name = "b", pin = "1" }.hash)
      assert.is_nil(once_for { pin = "98765" }.hash:find("98765", 1, true))
      assert.are.equal("anybody", once_for {}.caller)
    end)

    it("refuses a malformed one", function()
      for _, key in ipairs { "", ("x"):rep(256), "a b", "caf\u{e9}" } do
        assert.are.equal(400, with_key(key).status)
      end
    end)

    it("wants one where nothing may be done twice, and keeps it for ever", function()
      assert.is_false(with_key("k1").call.once.is_kept)
      route.once = "required"
      local missing = with_key(nil)
      assert.are.same({ 400, "idempotency_key_required" }, { missing.status, missing.code })
      assert.is_true(with_key("k1").call.once.is_kept)
      route.once = "optional"
      assert.is_nil(with_key(nil).call.once)
    end)

    it("takes one without a body as well", function()
      local response = run({ roles = { "parent" }, once = "optional" }, { headers = {
        Authorization = "Bearer parent", ["Idempotency-Key"] = "k",
      } })
      assert.is_string(response.call.once.hash)
    end)

    it("ignores it where it means nothing", function()
      local response = run({ roles = { "parent" } }, { headers = {
        Authorization = "Bearer parent", ["Idempotency-Key"] = "k",
      } })
      assert.is_nil(response.call.once)
    end)
  end)
end)
