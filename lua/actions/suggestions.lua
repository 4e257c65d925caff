-- What a child should learn next, best first, and why. The rule file `suggestion` weighs the facts.
local children = require "store.children"
local problem = require "lib.problem"
local rules = require "rules"
local store = require "store.suggestions"

local suggestions = {}

-- Examples named in one reason.
local NAMED_MAX = 3

local LEVELS = { A1 = 1, A2 = 2, B1 = 3, B2 = 4, C1 = 5, C2 = 6 }

-- Only phrases are made of words; a word's affixes are of another kind.
local PHRASES = { phrase = true, idiom = true }

-- What a candidate is to the one that it was come from, by the relationship and its way from there.
local IS = {
  ["PREREQUISITE_OF out"] = "builds on", ["PREREQUISITE_OF in"] = "is needed before",
  ["PART_OF out"] = "contains", ["PART_OF in"] = "is part of",
  ["MORPHOLOGICAL out"] = "is derived from", ["MORPHOLOGICAL in"] = "is the base of",
  ["REGISTER_VARIANT out"] = "is another register of", ["REGISTER_VARIANT in"] = "is another register of",
  COLLOCATES_WITH = "is used together with", RELATED_TO = "is related to", OPPOSITE_OF = "is the opposite of",
}

-- Links of one kind that meet a condition, one for each seed.
local function links_of(candidate, kind, condition)
  local found, seen = {}, {}
  for _, link in ipairs(candidate.links) do
    if link.kind == kind and (not condition or condition(link)) and not seen[link.seed or ""] then
      seen[link.seed or ""] = true
      found[#found + 1] = link
    end
  end
  return found
end

local function is_known(link)
  return link.is_known
end

local function is_current(link)
  return not link.is_known
end

-- A sentence about each of a few links, and the points it names.
local function told(links, tell)
  local sentences, named = {}, {}
  for index = 1, math.min(#links, NAMED_MAX) do
    local link = links[index]
    sentences[index] = tell(link)
    named[index] = { id = link.seed, word = link.word }
  end
  return table.concat(sentences, " "), named
end

local function tell_relationship(link)
  local is = IS[link.relationship_type] or IS[link.relationship_type .. " " .. link.way]
  return ('It %s "%s".'):format(is, link.word)
end

-- Each reason in words: what is said, and the learning points that are named.
local EXPLAIN = {
  completes_phrase = function() return "The child knows every word of it." end,
  prerequisites_met = function() return "The child knows all that it builds on." end,
  failed_before = function() return "The child has tried it before and failed." end,
  frequent = function() return "It is among the most frequent of its level." end,
  at_level = function(candidate)
    return ("Its level is that of what the child has learned last, %s."):format(candidate.level)
  end,
  related = function(candidate)
    return told(links_of(candidate, "related", is_known), tell_relationship)
  end,
  related_to_current = function(candidate)
    return told(links_of(candidate, "related", is_current), tell_relationship)
  end,
  same_affix = function(candidate)
    return told(links_of(candidate, "affix"), function(link)
      return ('It is made with %s, as "%s" is.'):format(link.affix, link.word)
    end)
  end,
  two_steps = function(candidate)
    return told(links_of(candidate, "distant"), function(link)
      return ('It is related to something that is related to "%s".'):format(link.word)
    end)
  end,
}

-- What the rule file wants to know.
local function facts_of(candidate)
  local is_phrase = PHRASES[candidate.type]
  local level, own = LEVELS[candidate.level], LEVELS[candidate.difficulty]
  return {
    tier = candidate.tier,
    known = candidate.known,
    level_gap = level and own and own - level or nil,
    prerequisites = candidate.prerequisites,
    prerequisites_known = candidate.prerequisites_known,
    components = is_phrase and candidate.components or 0,
    components_known = is_phrase and candidate.components_known or 0,
    related_known = #links_of(candidate, "related", is_known),
    is_related_to_current = #links_of(candidate, "related", is_current) > 0,
    has_known_affix = #links_of(candidate, "affix") > 0,
    is_two_steps_away = #links_of(candidate, "distant") > 0,
    is_frequent = #links_of(candidate, "level") > 0,
    has_failed = candidate.has_failed,
  }
end

local function explain(candidate, codes)
  local reasons = {}
  for index, code in ipairs(codes) do
    local text, named = "It is suggested by the rules.", nil
    if EXPLAIN[code] then
      text, named = EXPLAIN[code](candidate)
    end
    reasons[index] = { code = code, text = text, learning_points = named or {} }
  end
  return reasons
end

local RARELY = math.maxinteger

-- The best first; of equals the more frequent.
local function is_better(a, b)
  if a.score ~= b.score then
    return a.score > b.score
  end
  local rank_a, rank_b = a.point.frequency_rank or RARELY, b.point.frequency_rank or RARELY
  if rank_a ~= rank_b then
    return rank_a < rank_b
  end
  return a.point.id < b.point.id
end

---@class suggestion
---@field point suggestions.candidate
---@field score integer  1 to 1000
---@field reasons { code: string, text: string, learning_points: { id: string, word: string }[] }[]

---@param limit integer
---@return suggestion[]? suggestions
---@return problem? err
function suggestions.list(child_id, parent_id, limit)
  if not children.find(child_id, parent_id) then
    return nil, problem.not_found()
  end
  local found = {}
  for _, candidate in ipairs(store.candidates(child_id)) do
    local result = rules.call("suggestion", "score", facts_of(candidate))
    if result.score > 0 then
      found[#found + 1] = { point = candidate, score = result.score, codes = result.reasons }
    end
  end
  table.sort(found, is_better)
  local best = table.move(found, 1, math.min(limit, #found), 1, {})
  for _, each in ipairs(best) do
    each.reasons = explain(each.point, each.codes)
  end
  return best
end

return suggestions
