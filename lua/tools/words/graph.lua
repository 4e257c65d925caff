-- Collects relationships between points: each once, those without a direction from the smaller id to the larger, and
-- prerequisites only from the more frequent point to the rarer, so that no circle can arise.
local graph = {}
graph.__index = graph

local UNDIRECTED = { COLLOCATES_WITH = true, RELATED_TO = true, OPPOSITE_OF = true }

-- What a relationship is called when seen from its other end. Other kinds are the same from both.
local OTHER_END = {
  broader = "narrower", narrower = "broader", part = "whole", whole = "part", entails = "entailed by",
  causes = "caused by",
}

-- Those that lead from the more frequent point to the rarer.
local DOWNWARD = { PREREQUISITE_OF = true, FREQUENCY_RANK = true }

function graph.new()
  return setmetatable({ edges = {}, known = {}, left_out = {} }, graph)
end

---Add a relationship between two senses or affixes (anything with id and rank), unless there is one of this type already.
---@param type string
---@param source { id: string, rank: integer }
---@param target { id: string, rank: integer }
---@param origin string       where it is from
---@param kind string?        seen from the source: "broader" says that the target is broader
---@param affix string?
---@return boolean is_new
function graph:add(type, source, target, origin, kind, affix)
  if source.id == target.id then
    return false
  elseif DOWNWARD[type] and source.rank >= target.rank then
    local why = type .. " from the rarer to the more frequent"
    self.left_out[why] = (self.left_out[why] or 0) + 1
    return false
  elseif UNDIRECTED[type] and source.id > target.id then
    source, target, kind = target, source, OTHER_END[kind] or kind
  end
  local key = source.id .. " " .. type .. " " .. target.id
  if self.known[key] then
    return false
  end
  self.known[key] = true
  self.edges[#self.edges + 1] = {
    source_id = source.id, target_id = target.id, type = type, kind = kind, affix = affix, origin = origin,
  }
  return true
end

return graph
