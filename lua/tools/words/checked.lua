-- Checks the entries of a publisher's list, and makes them rows: everything that is wrong is found, and named by line and
-- column.
local json = require "json"

local checked = {}

local TYPES = { word = true, phrase = true, idiom = true, prefix = true, suffix = true }
local LEVELS = { A1 = true, A2 = true, B1 = true, B2 = true, C1 = true, C2 = true }
local REGISTERS = { formal = true, informal = true, both = true }
local PARTS = { noun = true, verb = true, adjective = true, adverb = true }
local EDGE_TYPES = {
  PREREQUISITE_OF = true, COLLOCATES_WITH = true, RELATED_TO = true, PART_OF = true, OPPOSITE_OF = true,
  MORPHOLOGICAL = true, REGISTER_VARIANT = true, FREQUENCY_RANK = true,
}
local UNDIRECTED = { COLLOCATES_WITH = true, RELATED_TO = true, OPPOSITE_OF = true }
local AFFIX_KINDS = { prefix = true, suffix = true }

local WORD_MAX, TEXT_MAX, CONTEXTS_MAX, LANGUAGES_MAX = 200, 2000, 20, 50
local RANK_MAX = 2147483647

local function one_of(set)
  local names = {}
  for name in pairs(set) do
    names[#names + 1] = name
  end
  table.sort(names)
  local why = "must be one of " .. table.concat(names, ", ")
  return function(value)
    return not set[value] and why or nil
  end
end

local function text_of(max)
  local why = ("must be a text of 1 to %d characters"):format(max)
  return function(value)
    local length = type(value) == "string" and utf8.len(value)
    return not (length and length >= 1 and length <= max and not value:find("%c")) and why or nil
  end
end

local function integer_of(min, max)
  local why = ("must be a whole number from %d to %d"):format(min, max)
  return function(value)
    return not (math.type(value) == "integer" and value >= min and value <= max) and why or nil
  end
end

local short_text, long_text = text_of(WORD_MAX), text_of(TEXT_MAX)

local function id(value)
  if type(value) ~= "string" or #value > 100 or not value:find("^[a-z0-9][a-z0-9_.'-]*$") then
    return "must be 1 to 100 of a-z 0-9 _ . ' - and begin with a letter or digit"
  end
end

local function contexts(value)
  if type(value) ~= "table" or #value > CONTEXTS_MAX or next(value) and #value == 0 then
    return ("must be a list of at most %d texts"):format(CONTEXTS_MAX)
  end
  for _, context in ipairs(value) do
    local why = short_text(context)
    if why then
      return "each " .. why
    end
  end
end

local function translations(value)
  if type(value) ~= "table" then
    return "must be an object of languages"
  end
  local count = 0
  for language, text in pairs(value) do
    count = count + 1
    if type(language) ~= "string" or not language:find("^%a%a%a?%-?[%w-]*$") or #language > 35 then
      return ("%s is not the tag of a language, such as zh-TW"):format(tostring(language))
    elseif long_text(text) then
      return language .. " " .. long_text(text)
    end
  end
  return count > LANGUAGES_MAX and ("must be at most %d languages"):format(LANGUAGES_MAX) or nil
end

-- In the order in which faults are named.
local CHECKS = {
  { "id", id }, { "word", short_text }, { "type", one_of(TYPES) }, { "tier", integer_of(1, 7) },
  { "definition", long_text }, { "example", long_text }, { "difficulty", one_of(LEVELS) },
  { "register", one_of(REGISTERS) }, { "part_of_speech", one_of(PARTS) }, { "band", integer_of(1, 100) },
  { "frequency_rank", integer_of(1, RANK_MAX) }, { "contexts", contexts }, { "translations", translations },
}

-- What a new learning point cannot do without.
local NEEDED = { "word", "type", "tier", "definition" }

local function fault(faults, line, column, why)
  faults[#faults + 1] = { line = line, column = column, why = why }
end

local function check_values(entry, faults)
  for _, check in ipairs(CHECKS) do
    local value = entry[check[1]]
    local why = value ~= nil and check[2](value)
    if why then
      fault(faults, entry.line, check[1], why)
    end
  end
end

---Check the entries' values, and that each id is there once.
---@param entries table[]
---@param faults words.fault[]
---@return string[] ids
function checked.values(entries, faults)
  local ids, lines = {}, {}
  for _, entry in ipairs(entries) do
    check_values(entry, faults)
    if entry.id == nil then
      fault(faults, entry.line, "id", "is missing")
    elseif lines[entry.id] then
      fault(faults, entry.line, "id", ("%s is on line %d already"):format(tostring(entry.id), lines[entry.id]))
    elseif not id(entry.id) then
      lines[entry.id] = entry.line
      ids[#ids + 1] = entry.id
    end
  end
  return ids
end

local function merged_metadata(entry, row, source)
  local metadata = row and row.metadata or {}
  for language, text in pairs(entry.translations or {}) do
    metadata.translations = metadata.translations or {}
    metadata.translations[language] = text
  end
  if entry.definition then
    metadata.definition_for = nil -- the publisher's own
  end
  metadata.source = source
  return metadata
end

---Rows of entries: what an entry does not say stays as it is in the database.
---@param entries table[]
---@param rows table<string, db.row>  those of the database, by id
---@param source string               kept with each
---@param faults words.fault[]
---@return table[] points
function checked.points(entries, rows, source, faults)
  local points = {}
  for _, entry in ipairs(entries) do
    local row = rows[entry.id]
    local point = row or {}
    for _, name in ipairs(row and {} or NEEDED) do
      if entry[name] == nil then
        fault(faults, entry.line, name, "is missing, and there is no such learning point yet")
      end
    end
    for _, check in ipairs(CHECKS) do
      if check[1] ~= "translations" and entry[check[1]] ~= nil then
        point[check[1]] = entry[check[1]]
      end
    end
    point.contexts = json.array(point.contexts or {})
    point.word_synsets = json.array(point.word_synsets or {})
    point.metadata = merged_metadata(entry, row, source)
    points[#points + 1] = point
  end
  return points
end

local function check_edge(edge, knows, faults)
  local count = #faults
  for _, name in ipairs { "source", "target" } do
    if id(edge[name]) then
      fault(faults, edge.line, name, edge[name] == nil and "is missing" or id(edge[name]))
    elseif not knows(edge[name]) then
      fault(faults, edge.line, name, ("there is no learning point %s"):format(edge[name]))
    end
  end
  if not EDGE_TYPES[edge.type] then
    fault(faults, edge.line, "type", one_of(EDGE_TYPES)(edge.type))
  end
  for _, name in ipairs { "kind", "affix" } do
    if edge[name] ~= nil and short_text(edge[name]) then
      fault(faults, edge.line, name, short_text(edge[name]))
    end
  end
  if edge.type == "MORPHOLOGICAL" and not (AFFIX_KINDS[edge.kind] and edge.affix) then
    fault(faults, edge.line, "kind", "must be prefix or suffix, with an affix as in un- or -ness")
  end
  if #faults == count and edge.source == edge.target then
    fault(faults, edge.line, "target", "is the source")
  end
  return #faults == count
end

---Rows of relationships.
---@param edges table[]                    source, target, type, kind, affix, line
---@param knows fun(id: string): boolean   whether there is, or will be, such a learning point
---@param origin string
---@param faults words.fault[]
---@return table[]
function checked.edges(edges, knows, origin, faults)
  local rows, lines = {}, {}
  for _, edge in ipairs(edges) do
    if check_edge(edge, knows, faults) then
      local source, target = edge.source, edge.target
      if UNDIRECTED[edge.type] and source > target then
        source, target = target, source
      end
      local key = ("%s %s %s"):format(source, edge.type, target)
      if lines[key] then
        fault(faults, edge.line, nil, ("says the same as line %d"):format(lines[key]))
      end
      lines[key] = edge.line
      rows[#rows + 1] = {
        source_id = source, target_id = target, type = edge.type, kind = edge.kind, affix = edge.affix, origin = origin,
        line = edge.line,
      }
    end
  end
  return rows
end

-- Follows the targets of a point, deep first, without recursion: chains may be long.
local function find_way_back(targets, first, states)
  local way = { first }
  local positions = { 0 }
  states[first] = "open"
  while #way > 0 do
    local here = way[#way]
    positions[#way] = positions[#way] + 1
    local next_id = (targets[here] or {})[positions[#way]]
    if not next_id then
      states[here] = "done"
      way[#way] = nil
    elseif states[next_id] == "open" then
      way[#way + 1] = next_id
      return way
    elseif not states[next_id] then
      states[next_id] = "open"
      way[#way + 1] = next_id
      positions[#way] = 0
    end
  end
  return nil
end

---A circle among prerequisites.
---@param targets table<string, string[]>  what each is a prerequisite of
---@return string[]? way  the last id is one of those before
function checked.circle(targets)
  local ids, states = {}, {}
  for source in pairs(targets) do
    ids[#ids + 1] = source
  end
  table.sort(ids)
  for _, source in ipairs(ids) do
    local way = not states[source] and find_way_back(targets, source, states)
    if way then
      return way
    end
  end
  return nil
end

return checked
