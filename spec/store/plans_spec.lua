-- Every statement of a store finds its rows by an index, in order, whatever the values: the generic plans say so. In a
-- small database PostgreSQL would rather read whole tables and sort, so both are made unattractive here.
local db = require "db"

-- The SQL of `local NAME = db.sql [[…]]` in every file of lua/store/.
local function statements()
  local found = {}
  for path in io.popen("ls lua/store/*.lua"):lines() do
    local file = assert(io.open(path))
    local store = path:match("([%w_]+)%.lua$")
    for name, sql in file:read("a"):gmatch("\nlocal ([%w_]+) = db%.sql %[%[(.-)%]%]") do
      found[store .. "." .. name] = sql
    end
    file:close()
  end
  return found
end

local function parameter_count(sql)
  local count = 0
  for number in sql:gmatch("%$(%d+)") do
    count = math.max(count, tonumber(number))
  end
  return count
end

-- The plan as text.
local function plan_of(sql, may_sort)
  return db.transaction(function(tx)
    for _, setting in ipairs { "plan_cache_mode = force_generic_plan", "enable_seqscan = off",
      "enable_bitmapscan = off", "enable_hashjoin = off", "enable_mergejoin = off" } do
      tx:exec("set local " .. setting)
    end
    tx:exec("set local enable_sort = " .. (may_sort and "on" or "off"))
    tx:exec("prepare explained as " .. sql)
    local count = parameter_count(sql)
    local values = count > 0 and "(" .. ("null, "):rep(count):sub(1, -3) .. ")" or ""
    local lines = {}
    for index, row in ipairs(tx:query(("explain (costs off) execute explained%s"):format(values))) do
      lines[index] = row["QUERY PLAN"]
    end
    tx:exec("deallocate explained")
    return table.concat(lines, "\n")
  end)
end

-- The index that makes a list or a lookup cheap.
local INDEXES = {
  ["children.list"] = "children_parent_key",
  ["users.credentials"] = "users_email_key",
  ["users.find_by_email"] = "users_email_key",
  ["sessions.list"] = "sessions_by_user",
  ["sessions.purge"] = "sessions_by_expiry",
  ["sessions.remove_all"] = "sessions_by_user",
  ["password_resets.take"] = "password_resets_token_key",
  ["learning_points.list"] = "learning_points_by_word",
  ["learning_progress.list"] = "learning_progress_pkey",
  ["verification_schedule.list"] = "verification_schedule_by_due",
  ["points_transactions.list"] = "points_transactions_sequence_key",
  ["idempotency_keys.purge"] = "idempotency_keys_by_expiry",
  ["withdrawal_requests.of_child"] = "withdrawal_requests_pkey",
  ["withdrawal_requests.of_parent"] = "withdrawal_requests_by_parent",
  ["withdrawal_requests.of_status"] = "withdrawal_requests_by_status",
  ["withdrawal_requests.of_all"] = "withdrawal_requests_by_id",
}

-- Where a filter has an index of its own, but a small table may be read by another one as cheaply.
local COLUMNS = {
  learning_points_by_tier = "(tier, lower(word), id)",
  learning_points_by_type = "(type, lower(word), id)",
  learning_progress_by_day = "(child_id, learned_on)",
  learning_progress_by_status = "(child_id, status, id)",
  points_transactions_bonus_by_day = "(child_id, created_at) WHERE (transaction_type = 'bonus'::text)",
  points_transactions_by_type = "(child_id, transaction_type, sequence)",
  verification_schedule_done = "(child_id, completed_at) WHERE completed",
  verification_schedule_one_next = "(child_id, previous_id) WHERE (previous_id IS NOT NULL)",
  verification_schedule_one_open = "(child_id, learning_progress_id) WHERE (NOT completed)",
  verification_schedule_open = "(child_id, due_at, id) WHERE (NOT completed)",
  withdrawal_requests_by_day = "(child_id, created_at)",
  withdrawal_requests_by_transaction = "(transaction_id) WHERE (status = 'completed'::text)",
}

-- At most six children, the sessions of one parent, and at most three rows of one test.
local SORTS = {
  ["children.list"] = true, ["child_devices.list"] = true, ["sessions.list"] = true, ["points_accounts.lock_family"] = true,
  ["points_transactions.of_test"] = true,
}

describe("plans:", function()
  for name, sql in pairs(statements()) do
    it(name .. " uses an index", function()
      -- The audit looks at everything, a range of children at once; a family that moves in is sorted itself.
      local may_sort = SORTS[name] or name:find("^audit%.") ~= nil or name:find("^moving_in%.add_") ~= nil
      local plan = plan_of(sql, may_sort)
      assert.is_nil(plan:find("Seq Scan", 1, true), plan)
      if not may_sort then
        assert.is_nil(plan:find("Sort", 1, true), plan)
      end
      if INDEXES[name] then
        assert.is_truthy(plan:find("using " .. INDEXES[name], 1, true), plan)
      end
    end)
  end

  for index, columns in pairs(COLUMNS) do
    it("filtered lists may use " .. index, function()
      local definition = db.one("select pg_get_indexdef($1::regclass) as text", index).text
      assert.is_truthy(definition:find(columns, 1, true), definition)
    end)
  end

  it("names only statements that exist", function()
    local known = statements()
    for name in pairs(INDEXES) do
      assert.is_string(known[name], name)
    end
  end)
end)
