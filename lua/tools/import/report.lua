-- What a run has read, copied, changed and left out: counts for each table, and the first few rows of each reason.
local json = require "json"
local original = require "store.original"
local text = require "tools.lib.text"

---@class import.report
local report = {}
report.__index = report

local LISTED_MAX = 20
local COUNTS = { "read", "copied", "there", "repaired", "refused" }

---@return import.report
function report.new()
  local self = setmetatable({ counts = {}, reasons = {}, order = {} }, report)
  for _, name in ipairs(original.TABLES) do
    self.counts[name] = { read = 0, copied = 0, there = 0, repaired = 0, refused = 0 }
  end
  return self
end

---@param kind "read"|"copied"|"there"|"repaired"|"refused"
function report:count(name, kind, number)
  local counts = self.counts[name]
  counts[kind] = counts[kind] + (number or 1)
end

-- Reasons that differ only in what stands in brackets are one.
local function line(self, kind, name, key, reason)
  local group = ("%s\n%s\n%s"):format(kind, name, (reason:gsub(" %b()", "")))
  local found = self.reasons[group]
  if not found then
    found = { kind = kind, name = name, count = 0, rows = json.array {} }
    self.reasons[group] = found
    self.order[#self.order + 1] = found
  end
  found.count = found.count + 1
  if found.count <= LISTED_MAX then
    found.rows[found.count] = { key = key, reason = reason }
  end
end

---A row is copied, with what had to be changed.
---@param notes string[]
function report:copied(name, key, notes)
  self:count(name, "copied")
  if #notes > 0 then
    self:count(name, "repaired")
  end
  for _, note in ipairs(notes) do
    line(self, "repaired", name, key, note)
  end
end

function report:refused(name, key, reason)
  self:count(name, "refused")
  line(self, "refused", name, key, reason)
end

---Rows that nobody's family has, so that they were not read with one.
---@param keys string[]  of the first ones
function report:left_out(name, keys, total, reason)
  self:count(name, "read", total)
  for index = 1, total do
    self:refused(name, keys[index] or keys[#keys], reason)
  end
end

---Something to know of a row that was copied as it is.
function report:noted(name, key, reason)
  line(self, "noted", name, key, reason)
end

---Add what happened to one family.
---@param other import.report
function report:add(other)
  for name, counts in pairs(other.counts) do
    for kind, number in pairs(counts) do
      self:count(name, kind, number)
    end
  end
  for _, found in ipairs(other.order) do
    for index = 1, found.count do
      local row = found.rows[index] or found.rows[#found.rows]
      line(self, found.kind, found.name, row.key, row.reason)
    end
  end
end

---@return integer
function report:total(kind)
  local sum = 0
  for _, counts in pairs(self.counts) do
    sum = sum + counts[kind]
  end
  return sum
end

---@return table  for JSON
function report:facts()
  local tables, reasons = {}, json.array {}
  for name, counts in pairs(self.counts) do
    tables[name] = counts
  end
  for index, found in ipairs(self.order) do
    reasons[index] = { kind = found.kind, table = found.name, count = found.count, rows = found.rows }
  end
  return { tables = tables, reasons = reasons }
end

---@return string[]
function report:lines()
  local rows = { { "table", "read", "copied", "already here", "of the copied repaired", "refused" } }
  for _, name in ipairs(original.TABLES) do
    local row = { name }
    for index, kind in ipairs(COUNTS) do
      row[index + 1] = text.number(self.counts[name][kind])
    end
    rows[#rows + 1] = row
  end
  local lines = text.columns(rows, { indent = 0, right = { [2] = true, [3] = true, [4] = true, [5] = true, [6] = true } })
  for _, kind in ipairs { "noted", "repaired", "refused" } do
    for _, found in ipairs(self.order) do
      if found.kind == kind then
        for _, row in ipairs(found.rows) do
          lines[#lines + 1] = ("%s: %s %s: %s"):format(kind, found.name, row.key, row.reason)
        end
        if found.count > #found.rows then
          lines[#lines + 1] = ("%s: %s: … and %s more like these"):format(kind, found.name,
            text.number(found.count - #found.rows))
        end
      end
    end
  end
  return lines
end

return report
