-- lexicraft words import: a publisher's own list, with definitions and translations.
local checked = require "tools.words.checked"
local clock = require "clock"
local db = require "db"
local entries = require "tools.words.entries"
local json = require "json"
local learning_points = require "store.learning_points"
local progress = require "tools.lib.progress"
local relationships = require "store.relationships"
local save = require "tools.words.save"
local text = require "tools.lib.text"

local import = {
  summary = "add or change learning points from a file, with definitions and translations",
  arguments = { { "FILE" } },
  options = {
    { "relationships", value = "FILE", help = "CSV of relationships: source, target, type, kind, affix" },
    { "source", value = "NAME", default = "import", help = "whose list it is; kept with every learning point" },
    { "dry-run", help = "check everything, write nothing" },
  },
  help = "FILE is CSV with a header, or JSON lines. Columns: id, word, type, tier, definition, example, difficulty, register,\n"
    .. "part_of_speech, band, frequency_rank, contexts (separated by |), translation.LANGUAGE as in translation.zh-TW. An empty\n"
    .. "cell, and a column that is not there, leave what a learning point has. JSON has translations and relationships as\n"
    .. "members, the latter a list of {\"type\", \"target\", \"kind\", \"affix\"}. If anything is wrong, nothing is written.\n"
    .. "docs/words.md has examples.",
}

-- More are counted, but not kept.
local FAULTS_MAX = 100

local IDS_PER_READ = 1000
local EDGES_PER_READ = 5000

-- Names that `words load` writes under.
local RESERVED = { ["WordNet 3.0"] = true, LexiCraft = true }

local function read_rows(tx, ids)
  local rows = {}
  for first = 1, #ids, IDS_PER_READ do
    local some = table.move(ids, first, math.min(first + IDS_PER_READ - 1, #ids), 1, {})
    for _, row in ipairs(learning_points.of_ids(tx, some)) do
      rows[row.id] = row
    end
  end
  return rows
end

-- The relationships that entries have as members.
local function members(given, faults)
  local edges = {}
  for _, entry in ipairs(given) do
    local list = entry.relationships
    for _, edge in ipairs(json.is_array(list) and list or list ~= nil and { false } or {}) do
      if edge and type(edge) == "table" then
        edges[#edges + 1] = {
          line = entry.line, source = entry.id, target = edge.target, type = edge.type, kind = edge.kind, affix = edge.affix,
        }
      else
        faults[#faults + 1] = { line = entry.line, column = "relationships", why = "must be a list of objects" }
      end
    end
  end
  return edges
end

-- The ends of edges that are not among the entries.
local function other_ids(edges, rows, given)
  local ids, seen = {}, {}
  for _, entry in ipairs(given) do
    seen[entry.id or false] = true
  end
  for _, edge in ipairs(edges) do
    for _, id in ipairs { edge.source or false, edge.target or false } do
      if type(id) == "string" and not seen[id] and not rows[id] then
        seen[id] = true
        ids[#ids + 1] = id
      end
    end
  end
  return ids
end

-- Prerequisites of the database and of the files together must not lead back to where they began. The first of a circle
-- that a file names is the fault, and goes to the list of its file.
local function check_circle(tx, made, faults, listed, edge_faults)
  local targets, named = {}, {}
  local function add(edge)
    if edge.type == "PREREQUISITE_OF" then
      targets[edge.source_id] = targets[edge.source_id] or {}
      table.insert(targets[edge.source_id], edge.target_id)
    end
  end
  for edges, list in pairs { [made] = faults, [listed] = edge_faults } do
    for _, edge in ipairs(edges) do
      add(edge)
      named[edge.source_id .. " " .. edge.target_id] = { line = edge.line, faults = list }
    end
  end
  if not next(targets) then
    return
  end
  local last
  repeat
    local rows = relationships.after(tx, last, EDGES_PER_READ)
    for _, row in ipairs(rows) do
      add(row)
    end
    last = rows[#rows]
  until #rows < EDGES_PER_READ
  local way = checked.circle(targets)
  if way then
    local first
    for i = 2, #way do
      first = first or named[way[i - 1] .. " " .. way[i]]
    end
    local place = first or { line = 1, faults = faults }
    table.insert(place.faults,
      { line = place.line, column = "type", why = "PREREQUISITE_OF in a circle: " .. table.concat(way, ", ") })
  end
end

-- What both files say is said twice.
local function check_twice(made, listed, edge_faults)
  local lines = {}
  for _, edge in ipairs(made) do
    lines[("%s %s %s"):format(edge.source_id, edge.type, edge.target_id)] = edge.line
  end
  for _, edge in ipairs(listed) do
    local line = lines[("%s %s %s"):format(edge.source_id, edge.type, edge.target_id)]
    if line then
      table.insert(edge_faults, { line = edge.line, why = ("says the same as line %d of the learning points"):format(line) })
    end
  end
end

-- All that the files say, as rows; faults go to the list of their file.
local function prepare(tx, given, edges, source, faults, edge_faults)
  local rows = read_rows(tx, checked.values(given, faults))
  local points = checked.points(given, rows, source, faults)
  local known = read_rows(tx, other_ids(edges.members, rows, given))
  local function knows(id)
    return rows[id] ~= nil or known[id] ~= nil or edges.named[id] ~= nil
  end
  for _, entry in ipairs(given) do
    edges.named[entry.id or false] = true
  end
  local made = checked.edges(edges.members, knows, save.IMPORTED, faults)
  for id, row in pairs(read_rows(tx, other_ids(edges.listed, rows, given))) do
    known[id] = row
  end
  local listed = checked.edges(edges.listed, knows, save.IMPORTED, edge_faults)
  check_twice(made, listed, edge_faults)
  if #faults + #edge_faults == 0 then
    check_circle(tx, made, faults, listed, edge_faults)
  end
  return points, table.move(listed, 1, #listed, #made + 1, made), rows
end

local function keep(report, file, faults)
  table.sort(faults, function(a, b)
    return a.line < b.line
  end)
  for _, found in ipairs(faults) do
    report.found = report.found + 1
    if #report.faults < FAULTS_MAX then
      found.file = file
      report.faults[#report.faults + 1] = found
    end
  end
end

local function count_new(points, rows)
  local count = 0
  for _, point in ipairs(points) do
    count = count + (rows[point.id] and 0 or 1)
  end
  return count
end

local function write(tx, points, edges, report)
  local bar <close> = progress.start("words import")
  local total = math.max(1, #points + #edges)
  report.points_changed = save.points(tx, points, function(done)
    bar:update(done / total, "learning points")
  end)
  for _, edge in ipairs(edges) do
    edge.line = nil
  end
  report.relationships_changed = save.edges(tx, edges, function(done)
    bar:update((#points + done) / total, "relationships")
  end)
end

local function read(taken, faults, edge_faults)
  local given, why = entries.points(taken.FILE, faults)
  if not given then
    return nil, nil, why
  end
  local listed = {}
  if taken.relationships then
    listed, why = entries.edges(taken.relationships, edge_faults)
  end
  return given, listed, why
end

function import.run(taken)
  if RESERVED[taken.source] or #taken.source > 100 then
    return nil, ("--source %s: choose another name"):format(taken.source)
  end
  local begun_us = clock.now_us()
  local faults, edge_faults = {}, {}
  local given, listed, why = read(taken, faults, edge_faults)
  if not given or not listed then
    return nil, why
  end
  local report = { points = #given, found = 0, faults = json.array {}, is_written = false }
  db.transaction(function(tx)
    local edges = { members = members(given, faults), listed = listed, named = {} }
    local points, made, rows = prepare(tx, given, edges, taken.source, faults, edge_faults)
    keep(report, taken.FILE, faults)
    keep(report, taken.relationships, edge_faults)
    report.points_new, report.relationships = count_new(points, rows), #made
    if report.found == 0 and not taken["dry-run"] then
      write(tx, points, made, report)
      report.is_written = true
    end
  end)
  report.seconds = (clock.now_us() - begun_us) / 1000000
  return report
end

function import.failed(report)
  return report.found > 0
end

function import.show(report)
  local lines = {}
  for _, found in ipairs(report.faults) do
    local column = found.column and found.column .. ": " or ""
    lines[#lines + 1] = ("%s:%d: %s%s"):format(found.file, found.line, column, found.why)
  end
  if report.found > #report.faults then
    lines[#lines + 1] = ("… and %s more"):format(text.number(report.found - #report.faults))
  end
  if report.found > 0 then
    lines[#lines + 1] = ("%s; nothing was written"):format(text.count(report.found, "fault"))
  elseif report.is_written then
    lines[#lines + 1] = ("%s read, %s new; %s and %s written in %.1f s"):format(text.count(report.points, "learning point"),
      text.number(report.points_new), text.count(report.points_changed, "learning point"),
      text.count(report.relationships_changed, "relationship"), report.seconds)
  else
    lines[#lines + 1] = ("%s, %s new, and %s are right; nothing was written"):format(
      text.count(report.points, "learning point"), text.number(report.points_new),
      text.count(report.relationships, "relationship"))
  end
  return lines
end

return import
