-- One route under load, for wrk: wrk … -s load.lua URL -- ROUTE TOKEN CHILDREN FIRST_TEST
-- Prints requests a second, the median and the 99th percentile in milliseconds, and answers that were not 200.
local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

-- As seed.sql numbers them; ten tests a child.
local TESTS_PER_CHILD = 10

local function child_of(n)
  return ("00000002-0000-4000-8000-%012d"):format(n)
end

local routes = {}

function routes.health()
  return wrk.format("GET", "/v1/health")
end

function routes.account()
  return wrk.format("GET", "/v1/children/" .. child_of(math.random(0, children - 1)) .. "/account")
end

function routes.due()
  return wrk.format("GET", "/v1/children/" .. child_of(math.random(0, children - 1)) .. "/verifications?due=true")
end

-- Each test once. A thread takes every second one, and no two in a row are of one child.
function routes.complete()
  local n = first + (taken * 2 + number)
  taken = taken + 1
  local child = n % children
  local test = child * TESTS_PER_CHILD + math.floor(n / children) % TESTS_PER_CHILD + 1
  return wrk.format("POST", ("/v1/children/%s/verifications/%d/completion"):format(child_of(child), test), nil,
    '{"passed":true,"score":100,"questions":[],"answers":[]}')
end

function init(args)
  request = routes[args[1]]
  wrk.headers["Authorization"] = "Bearer " .. args[2]
  wrk.headers["Content-Type"] = args[1] == "complete" and "application/json" or nil
  children, first, taken, refused = tonumber(args[3]), tonumber(args[4]), 0, 0
  math.randomseed(number + 1)
end

function response(status)
  if status ~= 200 then
    refused = refused + 1
  end
end

function done(summary, latency)
  local refused_in_all = 0
  for _, thread in ipairs(threads) do
    refused_in_all = refused_in_all + thread:get("refused")
  end
  local errors = summary.errors
  io.write(("result %.0f %.2f %.2f %d\n"):format(summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    refused_in_all + errors.connect + errors.read + errors.write + errors.timeout))
end
