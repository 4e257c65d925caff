-- Puts points and relationships into the database, in one transaction: only what differs is written.
local learning_points = require "store.learning_points"
local relationships = require "store.relationships"

local save = {}

local POINTS_PER_STATEMENT = 500
local EDGES_PER_STATEMENT = 2000
local ROWS_PER_READ = 5000

-- Relationships of this origin are a publisher's.
save.IMPORTED = "import"

local function chunk(list, first, size)
  return table.move(list, first, math.min(first + size - 1, #list), 1, {})
end

-- id → where it is from, of every learning point; false: nothing says.
local function read_sources(tx)
  local found, last = {}, ""
  repeat
    local rows = learning_points.sources(tx, last, ROWS_PER_READ)
    for _, row in ipairs(rows) do
      found[row.id] = row.source or false
    end
    last = #rows > 0 and rows[#rows].id or last
  until #rows < ROWS_PER_READ
  return found
end

local function key_of(edge)
  return edge.source_id .. " " .. edge.type .. " " .. edge.target_id
end

local function is_same(row, edge)
  return row.kind == edge.kind and row.affix == edge.affix and row.origin == edge.origin
end

-- Of the edges given, those that are not in the database in the same form; and those there that are given no more.
local function compare(tx, edges)
  local given = {}
  for _, edge in ipairs(edges) do
    given[key_of(edge)] = edge
  end
  local gone, last = {}, nil
  repeat
    local rows = relationships.after(tx, last, ROWS_PER_READ)
    for _, row in ipairs(rows) do
      local edge = given[key_of(row)]
      if edge and (row.origin == save.IMPORTED or is_same(row, edge)) then
        given[key_of(row)] = nil
      elseif not edge and row.origin ~= save.IMPORTED then
        gone[#gone + 1] = { source_id = row.source_id, type = row.type, target_id = row.target_id }
      end
    end
    last = rows[#rows]
  until #rows < ROWS_PER_READ
  local differing = {}
  for _, edge in ipairs(edges) do
    differing[#differing + 1] = given[key_of(edge)]
  end
  return differing, gone
end

---Write points in parts.
---@param tx db.tx
---@param points table[]
---@param step fun(done: integer)
---@return integer changed
function save.points(tx, points, step)
  local changed = 0
  for first = 1, #points, POINTS_PER_STATEMENT do
    changed = changed + learning_points.save(chunk(points, first, POINTS_PER_STATEMENT), tx)
    step(math.min(first + POINTS_PER_STATEMENT - 1, #points))
  end
  return changed
end

---Write relationships in parts.
---@param tx db.tx
---@param edges table[]
---@param step fun(done: integer)
---@return integer changed
function save.edges(tx, edges, step)
  local changed = 0
  for first = 1, #edges, EDGES_PER_STATEMENT do
    changed = changed + relationships.save(tx, chunk(edges, first, EDGES_PER_STATEMENT))
    step(math.min(first + EDGES_PER_STATEMENT - 1, #edges))
  end
  return changed
end

-- Points of these sources that are given no more go, but not those that a child learns.
local function remove_vanished(tx, sources, own, given)
  local vanished, removed = {}, {}
  for id, source in pairs(sources) do
    if own[source] and not given[id] then
      vanished[#vanished + 1] = id
    end
  end
  table.sort(vanished)
  if #vanished > 0 then
    for _, id in ipairs(learning_points.remove_unused(tx, vanished)) do
      removed[id] = true
    end
  end
  local held = {}
  for _, id in ipairs(vanished) do
    held[#held + 1] = not removed[id] and id or nil
  end
  return #vanished - #held, held
end

---@class words.saved
---@field points_changed integer    new or different
---@field points_removed integer    named no more
---@field points_held string[]      named no more, but kept as a child learns them
---@field points_of_others integer  left as a publisher's import has made them
---@field edges_changed integer
---@field edges_removed integer

---Make the database hold exactly this, besides what others have put there.
---@param tx db.tx
---@param cloud words.cloud
---@param own table<string, true>  sources that are ours
---@param step fun(fraction: number, note: string)
---@return words.saved
function save.cloud(tx, cloud, own, step)
  local sources, given, ours = read_sources(tx), {}, {}
  for _, point in ipairs(cloud.points) do
    given[point.id] = true
    if sources[point.id] == nil or own[sources[point.id]] then
      ours[#ours + 1] = point
    end
  end
  local total = #cloud.points + #cloud.edges
  local saved = { points_of_others = #cloud.points - #ours }
  saved.points_changed = save.points(tx, ours, function(done)
    step(done / total, "learning points")
  end)
  local differing, gone = compare(tx, cloud.edges)
  saved.edges_removed = #gone > 0 and relationships.remove(tx, gone) or 0
  saved.edges_changed = save.edges(tx, differing, function(done)
    step((#cloud.points + done) / total, "relationships")
  end)
  saved.points_removed, saved.points_held = remove_vanished(tx, sources, own, given)
  return saved
end

return save
