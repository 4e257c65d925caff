-- lexicraft import: copies families from the server before this one, each in one transaction of its own.
local arguments = require "tools.lib.arguments"
local clock = require "clock"
local db = require "db"
local family = require "tools.import.family"
local json = require "json"
local ladder = require "tools.import.ladder"
local moving_in = require "store.moving_in"
local original = require "store.original"
local points_transactions = require "store.points_transactions"
local progress = require "tools.lib.progress"
local reports = require "tools.import.report"
local rule_versions = require "store.rule_versions"
local rules = require "rules"
local tests = require "store.verification_schedule"
local text = require "tools.lib.text"

local DONE, FAILED, USAGE, UNAVAILABLE = 0, 1, 2, 69
local UNAVAILABLE_CODES = { unavailable = true, timeout = true, busy = true, unknown = true }

local BATCH_USERS = 50
-- SQLSTATE character_not_in_repertoire, undefined_table
local NO_UTF8, NO_TABLE = "22021", "42P01"

local COMMAND = {
  options = {
    { "from", value = "URL", required = true, help = "the database of the server before this one; only read" },
    { "dry-run", help = "do everything, roll every family back, and report" },
    { "create-learning-points", help = "make learning points that are unknown here, to be described later" },
  },
  help = "Copies parents, children and everything learned and earned into this server's database. Every family is copied\n"
    .. "whole or not at all; what was copied before is left alone, so it can be run again. What had to be changed or left\n"
    .. "out is listed. Docs: docs/moving-in.md.",
}

-- Raised to roll a family back that could have been written.
local ROLLED_BACK = {}

local function write_rows(tx, run, plan)
  if run.is_version_new then
    moving_in.store_version(tx, rules.version(), rules.sources())
  end
  if plan.user then
    moving_in.add_user(tx, plan.user)
  end
  moving_in.add_rows(tx, plan.rows, rules.version(), run.hours_between_tests, run.context.now)
  for _, opening in ipairs(plan.openings) do
    points_transactions.add(tx, opening.child_id, 1, opening.move, {
      actor = "import", description = "Balances from before moving in",
    }, { version = rules.version() }, run.context.now)
  end
  for _, planned in ipairs(plan.next) do
    local point = planned.progress
    tests.plan_first(tx, point.child_id, point.learning_point_id, point.tier, planned.next, planned.call, run.context.now)
  end
end

-- One family, in one transaction.
local function write(run, plan)
  local ok, err = pcall(db.transaction, function(tx)
    write_rows(tx, run, plan)
    if run.is_dry then
      moving_in.check_now(tx)
      error(ROLLED_BACK, 0)
    end
    return true
  end)
  if ok then
    run.is_version_new = false
    return true
  elseif err == ROLLED_BACK then
    return true
  elseif type(err) ~= "table" or UNAVAILABLE_CODES[err.code] then
    error(err, 0)
  end
  return false, err.message
end

local function column(rows, name)
  local values = {}
  for index, row in ipairs(rows) do
    values[index] = row[name]
  end
  return values
end

local function try_family(run, user, children)
  local plan = family.plan(run.context, user, children)
  if family.has_news(plan) then
    return plan, write(run, plan)
  end
  return plan, true
end

-- What is here of a family by now.
local function look_again(context, user, children)
  context.users_here[user.id] = moving_in.users_here({ user.id })[user.id]
  context.email_owners[user.email_key] = moving_in.email_owners({ user.email_key })[user.email_key]
  for id, row in pairs(moving_in.children_here(column(children, "id"))) do
    context.children_here[id] = row
  end
end

local function take_family(run, user, children)
  local plan, ok, reason = try_family(run, user, children)
  if not ok then -- another import, or the parent, may have been faster
    look_again(run.context, user, children)
    plan, ok, reason = try_family(run, user, children)
  end
  if not ok then
    run.failures = run.failures + 1
    run.report:add(family.failed(plan, user.id, reason))
    return
  end
  for _, point in ipairs(plan.rows.points) do
    run.context.points_here[point.id] = true
  end
  if plan.user and not plan.user.has_password then
    run.without_password = run.without_password + 1
  end
  run.report:add(plan.report)
end

-- Learning points that a batch names.
local function named_points(rows)
  local seen, ids = {}, {}
  local function add(id)
    if not seen[id] then
      seen[id], ids[#ids + 1] = true, id
    end
  end
  for _, list in pairs(rows.learning_progress) do
    for _, row in ipairs(list) do
      add(row.learning_point_id)
    end
  end
  for _, list in pairs(rows.relationship_discoveries) do
    for _, row in ipairs(list) do
      add(row.source_learning_point_id)
      add(row.target_learning_point_id)
    end
  end
  return ids
end

local function take_batch(run, source, users)
  local context = run.context
  local children = original.children_of(source, column(users, "id"))
  context.rows = original.rows_of(source, column(children, "id"))
  context.users_here = moving_in.users_here(column(users, "id"))
  context.email_owners = moving_in.email_owners(column(users, "email_key"))
  context.children_here = moving_in.children_here(column(children, "id"))
  context.points_here = moving_in.points_here(named_points(context.rows))
  local of_user = {}
  for _, child in ipairs(children) do
    of_user[child.parent_id] = of_user[child.parent_id] or {}
    table.insert(of_user[child.parent_id], child)
  end
  for _, user in ipairs(users) do
    take_family(run, user, of_user[user.id] or {})
  end
end

local function copy_all(run, source)
  local fault = original.fault(source)
  if fault then
    return nil, fault
  end
  local total, done, bar = original.count_users(source), 0, progress.start("import")
  run.context.twice = original.twice(source)
  for _, strays in ipairs(original.orphans(source)) do
    run.report:left_out(strays.name, strays.keys, strays.total,
      strays.name == "children" and "its parent is not there" or "its child or the child's parent is not there")
  end
  local users = original.users_after(source, nil, BATCH_USERS)
  while #users > 0 do
    take_batch(run, source, users)
    done = done + #users
    bar:update(done / math.max(1, total), text.count(done, "family", "families"))
    users = original.users_after(source, users[#users].id, BATCH_USERS)
  end
  bar:finish()
  return run
end

local function begin(taken)
  return {
    report = reports.new(), failures = 0, without_password = 0, is_dry = taken["dry-run"] or false,
    is_version_new = #rule_versions.beginning_with(rules.version()) == 0,
    hours_between_tests = ladder.hours_between_tests(),
    context = {
      now = clock.now(), ladder = ladder, creates_points = taken["create-learning-points"] or false,
      rows_here = moving_in.rows_here,
    },
  }
end

local function show(run, seconds)
  print(table.concat(run.report:lines(), "\n"))
  local copied = run.report:total("copied")
  if run.without_password > 0 then
    print(("%s: their old ones cannot be used here; `lexicraft users reset EMAIL` lets each choose one")
      :format(text.count(run.without_password, "parent needs a new password", "parents need new passwords")))
  end
  print(("%s %s in %.1f s, %s refused"):format(text.count(copied, "row"),
    run.is_dry and "would be copied (nothing was written)" or "copied", seconds,
    text.number(run.report:total("refused"))))
  if copied == 0 then
    print("Nothing new: whatever can be copied is here.")
  end
end

local function describe(err)
  if err.sqlstate == NO_UTF8 then
    return ("that database holds text of another encoding than UTF-8, docs/moving-in.md tells what to do (%s)")
      :format(err.message)
  elseif err.sqlstate == NO_TABLE then
    return ("the database of this server is not migrated, `lexicraft migrate up` does that (%s)"):format(err.message)
  end
  return err.message
end

local function run_import(taken)
  local begun_us = clock.now_us()
  local ok, run, fault = pcall(function()
    return original.read(taken.from, function(source)
      return copy_all(begin(taken), source)
    end)
  end)
  if not ok and type(run) ~= "table" then
    error(run, 0)
  elseif not ok or not run then
    io.stderr:write("lexicraft: ", fault or describe(run) or "it failed", "\n")
    return not ok and UNAVAILABLE_CODES[run.code] and UNAVAILABLE or FAILED
  end
  local seconds = (clock.now_us() - begun_us) / 1000000
  if taken.json then
    local facts = run.report:facts()
    facts.dry_run, facts.seconds, facts.without_password = run.is_dry, seconds, run.without_password
    facts.failures = run.failures
    print(json.encode(facts))
  else
    show(run, seconds)
  end
  return run.failures == 0 and DONE or FAILED
end

local function main(argv)
  local taken, fault = arguments.parse(COMMAND, argv)
  if taken and not taken.help and not taken.from then
    taken, fault = nil, "--from is missing"
  end
  if not taken then
    io.stderr:write("lexicraft: ", fault, "\nusage: lexicraft import ", arguments.usage(COMMAND), "\n")
    return USAGE
  elseif taken.help then
    print(("usage: lexicraft import %s\n\n%s\n\nOptions:"):format(arguments.usage(COMMAND), COMMAND.help))
    print(table.concat(text.columns(arguments.option_help(COMMAND)), "\n"))
    print("\nExit codes: 0 done, also if rows were refused, 1 a wrong database or a family could not be written,\n"
      .. "2 wrong usage, 69 a database is away.")
    return DONE
  end
  return run_import(taken)
end

os.exit(main(arg))
