-- One workload, for wrk: wrk … -s load.lua URL -- WORKLOAD TOKENS THREADS STRIDE FIRST_TEST
-- TOKENS is a file made by tokens.lua: the token of a service, which reports results, and one of every STRIDE-th parent.
-- Prints requests a second, the median and the 99th percentile in milliseconds, answers that were not good, and how many
-- tests a thread has completed at most. There is no function `response`: wrk counts what is not a success by itself, and
-- would copy every header and body into Lua first.
local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

-- As tests.sql has them.
local CHILDREN_PER_PARENT, TESTS_PER_CHILD = 2, 20
local RESULT = '{"passed":true,"score":100,"questions":[],"answers":[]}'

local service
local tokens, count, stride, first, step = {}, 0, 1, 0, 1

local function child_of(parent, which)
  return ("00000000-0000-0000-0002-%012d"):format(parent * stride * CHILDREN_PER_PARENT + which)
end

local function get(path)
  return function()
    local parent = math.random(0, count - 1)
    return table.concat {
      "GET /v1/children/", child_of(parent, math.random(0, 1)), path, " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ",
      tokens[parent + 1], "\r\n\r\n",
    }
  end
end

local workloads = { account = get "/account", due = get "/verifications?due=true" }

function workloads.health()
  return "GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
end

-- Each test once. The threads take turns, and no two in a row are of one child.
function workloads.complete()
  local n = first + taken * step + number
  taken = taken + 1
  local children = count * CHILDREN_PER_PARENT
  local child = n % children
  local parent, which = math.floor(child / CHILDREN_PER_PARENT), child % CHILDREN_PER_PARENT
  local test = (parent * stride * CHILDREN_PER_PARENT + which) * TESTS_PER_CHILD + math.floor(n / children) % TESTS_PER_CHILD + 1
  return table.concat {
    "POST /v1/children/", child_of(parent, which), "/verifications/", test,
    "/completion HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ", service,
    "\r\nContent-Type: application/json\r\nContent-Length: ", #RESULT, "\r\n\r\n", RESULT,
  }
end

-- Of a hundred requests so many.
local MIXED_ACCOUNT, MIXED_DUE = 80, 15

function workloads.mixed()
  local dice = math.random(1, 100)
  if dice <= MIXED_ACCOUNT then
    return workloads.account()
  elseif dice <= MIXED_ACCOUNT + MIXED_DUE then
    return workloads.due()
  end
  return workloads.complete()
end

function init(args)
  for token in io.lines(args[2]) do
    table.insert(tokens, token)
  end
  service = table.remove(tokens, 1)
  count, step, stride, first = #tokens, tonumber(args[3]), tonumber(args[4]), tonumber(args[5])
  taken = 0
  math.randomseed(number + 1)
  request = workloads[args[1]]
end

function done(summary, latency)
  local taken_most = 0
  for _, thread in ipairs(threads) do
    taken_most = math.max(taken_most, thread:get("taken"))
  end
  local errors = summary.errors
  io.write(("result %.1f %.3f %.3f %d %d\n"):format(summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status, taken_most))
end
