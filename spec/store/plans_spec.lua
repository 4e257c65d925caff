-- Every statement of a store finds its rows by an index, in order, whatever the values: the generic plans say so. In a
-- small database PostgreSQL would rather read whole tables and sort, so both are made unattractive here.
local db = require "db"

-- The form of a statement in which db.sql_one asks for many (src/pg/gather_text.c, where words are found wherever they stand).
local function gathered(sql)
  local arrays, columns = {}, {}
  for number, type in sql:gmatch("%$(%d+)::(%w+)") do
    arrays[tonumber(number)] = ("(select $%d::%s[])"):format(number, type)
    columns[tonumber(number)] = "p" .. number
  end
  local text = sql:gsub("%$(%d+)", "asked.p%1")
  local asked = ("from unnest(%s) as asked (%s)"):format(table.concat(arrays, ", "), table.concat(columns, ", "))
  local function place_of(line)
    return text:find("\n  " .. line, 1, true)
  end
  if text:find("^%s*update") then
    local where = place_of("where")
    local joined = asked:gsub("unnest.*%) as", function(rows)
      return "(select * from " .. rows:sub(1, -4) .. " limit (select null::bigint)) as"
    end)
    return text:sub(1, where) .. joined .. text:sub(where)
  elseif text:find("^%s*insert") then
    local body, tail = place_of("select"), place_of("on conflict") or place_of("returning")
    return text:sub(1, body) .. "select found.* " .. asked .. ", lateral (" .. text:sub(body, tail) .. "offset 0) as found" ..
      text:sub(tail)
  end
  asked = asked:gsub(" as asked (.*)%)$", " with ordinality as asked %1, n)")
  return "select asked.n, found.* " .. asked .. ", lateral (" .. text .. "\noffset 0) as found"
end

-- The SQL of `local NAME = db.sql [[…]]` in every file of lua/store/; of db.sql_one both forms.
local function statements()
  local found = {}
  for path in io.popen("ls lua/store/*.lua"):lines() do
    local file = assert(io.open(path))
    local store = path:match("([%w_]+)%.lua$")
    local text = file:read("a")
    for name, sql in text:gmatch("\nlocal ([%w_]+) = db%.sql %[%[(.-)%]%]") do
      found[store .. "." .. name] = sql
    end
    for name, sql in text:gmatch("\nlocal ([%w_]+) = db%.sql_one %[%[(.-)%]%]") do
      found[store .. "." .. name] = sql
      found[store .. "." .. name .. " (gathered)"] = gathered(sql)
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
  ["children.find (gathered)"] = "children_pkey",
  ["learning_points.find (gathered)"] = "learning_points_pkey",
  ["points_accounts.find (gathered)"] = "points_accounts_pkey",
  ["points_accounts.lock (gathered)"] = "points_accounts_pkey",
  ["users.credentials"] = "users_email_key",
  ["users.find_by_email"] = "users_email_key",
  ["sessions.list"] = "sessions_by_user",
  ["sessions.purge"] = "sessions_by_expiry",
  ["sessions.remove_all"] = "sessions_by_user",
  ["password_resets.take"] = "password_resets_token_key",
  ["learning_point_lists.list"] = "learning_points_by_word",
  ["learning_point_lists.list_of_ending"] = "learning_points_by_ending",
  ["learning_point_lists.list_of_affix"] = "relationships_by_affix",
  ["suggestions.candidates"] = "learning_points_by_level",
  ["learning_progress.list"] = "learning_progress_pkey",
  ["learning_progress.known"] = "learning_progress_known",
  ["verification_schedule.list"] = "verification_schedule_by_due",
  ["verification_schedule.list_open"] = "verification_schedule_by_state",
  ["verification_schedule.list_completed"] = "verification_schedule_by_state",
  ["points_transactions.list"] = "points_transactions_sequence_key",
  ["points_transactions.span"] = "points_transactions_by_day",
  ["idempotency_keys.purge"] = "idempotency_keys_by_expiry",
  ["withdrawal_requests.find_by_id"] = "withdrawal_requests_by_id",
  ["started_tests.list_flagged"] = "verification_schedule_flagged",
  ["withdrawal_requests.of_child"] = "withdrawal_requests_of_child",
  ["withdrawal_requests.of_parent"] = "withdrawal_requests_of_parent",
  ["withdrawal_requests.of_status"] = "withdrawal_requests_by_status_and_time",
  ["withdrawal_requests.of_all"] = "withdrawal_requests_by_time",
  ["relationship_discoveries.list"] = "relationship_discoveries_pkey",
  ["bonuses.list"] = "bonuses_pkey",
  ["bonuses.paid_today"] = "points_transactions_bonus_by_day",
}

-- Where a filter has an index of its own, but a small table may be read by another one as cheaply.
local COLUMNS = {
  learning_points_by_tier = "(tier, lower(word), id)",
  learning_points_by_type = "(type, lower(word), id)",
  learning_points_by_difficulty = "(difficulty, lower(word), id)",
  learning_points_by_band = "(band, lower(word), id)",
  learning_progress_by_day = "(child_id, learned_on)",
  learning_progress_by_status = "(child_id, status, id)",
  learning_progress_by_status_and_tier = "(child_id, status, tier, id)",
  learning_progress_by_tier = "(child_id, tier, id)",
  points_transactions_bonus_by_day = "(child_id, created_at) WHERE (transaction_type = 'bonus'::text)",
  points_transactions_by_type = "(child_id, transaction_type, sequence)",
  verification_schedule_done = "(child_id, completed_at) WHERE completed",
  verification_schedule_one_next = "(child_id, previous_id) WHERE (previous_id IS NOT NULL)",
  verification_schedule_one_open = "(child_id, learning_progress_id) WHERE (NOT completed)",
  bonuses_by_state = "(child_id, ((refusal IS NULL)), id)",
  relationship_discoveries_of_source = "(child_id, source_learning_point_id, id)",
  relationship_discoveries_of_target = "(child_id, target_learning_point_id, id)",
  relationship_discoveries_of_type = "(child_id, relationship_type, id)",
  withdrawal_requests_of_child_by_status = "(child_id, status, created_at, id)",
  withdrawal_requests_of_parent_by_status = "(parent_id, status, created_at, id)",
  withdrawal_requests_by_transaction = "(transaction_id) WHERE (status = 'completed'::text)",
}

-- At most six children, the sessions of one parent, at most three rows of one test, the options of its questions.
local SORTS = {
  ["children.list"] = true, ["child_devices.list"] = true, ["sessions.list"] = true, ["points_accounts.lock_family"] = true,
  ["points_transactions.of_test"] = true, ["question_statistics.count"] = true,
  -- Seven tiers of one learning point, eight types of one pair; and of one learning point a child has few tests and moves.
  ["learning_progress.list_of_point"] = true, ["relationship_discoveries.list_of_pair"] = true,
  ["points_transactions.list_of_progress"] = true, ["verification_schedule.list_of_progress"] = true,
  -- Relationships of one learning point to others, most frequent first: a few hundred of those with the most.
  ["relationship_discoveries.discover"] = true, ["bonuses.add_events"] = true,
  -- Two pages merged into one, and what bounded steps have found.
  ["neighbours.relationships"] = true, ["neighbours.prerequisites"] = true, ["neighbours.related"] = true,
  ["neighbours.known"] = true, ["suggestions.candidates"] = true,
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
