-- lexicraft words load: the words of the project's lists, with what WordNet and SCOWL know of them.
local clock = require "clock"
local cloud = require "tools.words.cloud"
local db = require "db"
local json = require "json"
local lists = require "tools.words.lists"
local points = require "tools.words.points"
local progress = require "tools.lib.progress"
local save = require "tools.words.save"
local text = require "tools.lib.text"
local word_lists = require "store.word_lists"

local load = {
  summary = "load the learning points of WordNet that the project's lists name",
  options = {
    { "wordnet", value = "DIR", default = "/usr/share/wordnet", help = "where Debian's wordnet-base put WordNet" },
    { "scowl", value = "DIR", default = "/usr/share/dict/scowl", help = "where Debian's scowl put its word lists" },
    { "force", help = "also if the same was loaded before" },
    { "dry-run", help = "write nothing, only report" },
  },
  help = "Loads learning points and their relationships. What to load is named in data/; docs/words.md tells how the lists were\n"
    .. "made. Safe to run again: only what differs is written. What an import has written stays. Points that the lists name\n"
    .. "no more are deleted, except those that a child learns.",
}

-- Its row in word_lists.
local NAME = "cloud"
local OWN = { [points.SOURCE] = true, [points.OWN_SOURCE] = true }
local HELD_SHOWN = 10

-- What decides what the lists become, besides them.
local MADE_FROM = { "index.noun", "index.verb", "index.adj", "index.adv", "cntlist.rev" }
local MADE_BY = {
  "affixes", "bands", "cloud", "components", "families", "graph", "meaning", "points", "ranking", "selection", "structure",
}

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function size_of(path)
  local file <close>, why = io.open(path, "rb")
  if not file then
    error(why .. " (Debian's package wordnet-base has it)", 0)
  end
  return file:seek("end")
end

-- Of lists, program and the sizes of WordNet's files: nothing is left to do if all are as they were.
local function checksum(taken)
  local parts = { lists.sources() }
  for _, name in ipairs(MADE_BY) do
    parts[#parts + 1] = read(("lua/tools/words/%s.lua"):format(name))
  end
  for _, name in ipairs(MADE_FROM) do
    parts[#parts + 1] = ("%s %d"):format(name, size_of(taken.wordnet .. "/" .. name))
  end
  return lists.checksum(table.concat(parts, "\0"))
end

local function count_by(list, field)
  local counts = {}
  for _, item in ipairs(list) do
    local key = tostring(item[field])
    counts[key] = (counts[key] or 0) + 1
  end
  return counts
end

local function write(made, sum)
  local bar <close> = progress.start("words load")
  return db.transaction(function(tx)
    local saved = save.cloud(tx, made, OWN, function(fraction, note)
      bar:update(fraction, note)
    end)
    word_lists.save(tx, NAME, sum, clock.now())
    return saved
  end)
end

function load.run(taken)
  local begun_us = clock.now_us()
  local found, sum = pcall(checksum, taken)
  if not found then
    return nil, sum
  end
  local before = not taken.force and not taken["dry-run"] and word_lists.find(NAME)
  if before and before.checksum == sum then
    return { is_unchanged = true, loaded_at = before.loaded_at }
  end
  local ok, made = pcall(cloud.read, taken.wordnet, taken.scowl)
  if not ok then
    return nil, made
  end
  local report = {
    points = #made.points, by_tier = count_by(made.points, "tier"), by_type = count_by(made.points, "type"),
    by_difficulty = count_by(made.points, "difficulty"), relationships = #made.edges,
    by_relationship = count_by(made.edges, "type"), left_out = made.left_out,
  }
  if not taken["dry-run"] then
    local saved = write(made, sum)
    for name, value in pairs(saved) do
      report[name] = value
    end
    json.array(report.points_held)
  end
  report.seconds = (clock.now_us() - begun_us) / 1000000
  return report
end

local function table_of(counts, unit)
  local rows = {}
  for _, key in ipairs(text.sorted_keys(counts)) do
    rows[#rows + 1] = { unit .. key, text.number(counts[key]) }
  end
  return text.columns(rows, { indent = 4, right = { [2] = true } })
end

local function show_saved(lines, report)
  text.append(lines, { ("%s new or changed, %s removed; %s of relationships, %s removed"):format(
    text.count(report.points_changed, "learning point"), text.number(report.points_removed),
    text.number(report.edges_changed), text.number(report.edges_removed)) })
  if report.points_of_others > 0 then
    lines[#lines + 1] = ("%s left as imported"):format(text.count(report.points_of_others, "learning point"))
  end
  if #report.points_held > 0 then
    local shown = table.concat(report.points_held, ", ", 1, math.min(HELD_SHOWN, #report.points_held))
    lines[#lines + 1] = ("%s named no more, but kept as children learn them: %s%s"):format(
      text.count(#report.points_held, "learning point"), shown, #report.points_held > HELD_SHOWN and " …" or "")
  end
end

function load.show(report)
  if report.is_unchanged then
    return { "words: the same lists were loaded before; nothing to do (--force loads them all the same)" }
  end
  local lines = { text.count(report.points, "learning point") }
  text.append(lines, table_of(report.by_tier, "tier "))
  text.append(lines, table_of(report.by_type, ""))
  text.append(lines, table_of(report.by_difficulty, ""))
  lines[#lines + 1] = text.count(report.relationships, "relationship")
  text.append(lines, table_of(report.by_relationship, ""))
  lines[#lines + 1] = "left out"
  text.append(lines, table_of(report.left_out, ""))
  if report.points_changed then
    show_saved(lines, report)
  end
  lines[#lines + 1] = ("%.1f s"):format(report.seconds)
  return lines
end

return load
