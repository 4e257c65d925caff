-- Whether a word is made of another one and an affix, by its spelling alone: "happiness" of "happy" and "-ness".
local affixes = {}

-- The base may have lost or changed letters before the suffix. Each gives further forms of it for a stem, the word without
-- its suffix.
local SPELLINGS = {
  function(stem) -- closure: use → us-able
    return stem .. "e"
  end,
  function(stem) -- happy → happi-ness
    return stem:match("i$") and stem:sub(1, -2) .. "y"
  end,
  function(stem) -- run → runn-er
    return stem:match("(%a)%1$") and stem:sub(1, -2)
  end,
}

-- Suffixes with changes of their own.
local SUFFIX_SPELLINGS = {
  ["-ly"] = { -- gentle → gent-ly, full → ful-ly, basic → basical-ly
    function(stem)
      return stem .. "le"
    end,
    function(stem)
      return stem .. "l"
    end,
    function(stem)
      return stem:match("ical$") and stem:sub(1, -3)
    end,
  },
  ["-ity"] = { -- able → abil-ity
    function(stem)
      return stem:match("bil$") and stem:sub(1, -4) .. "ble"
    end,
  },
  ["-ation"] = { -- apply → applic-ation
    function(stem)
      return stem:match("ic$") and stem:sub(1, -3) .. "y"
    end,
  },
  ["-ance"] = {
    function(stem) -- important → importance
      return stem .. "ant"
    end,
  },
  ["-ence"] = {
    function(stem) -- different → difference
      return stem .. "ent"
    end,
  },
}

local STEM_MIN = 2

local function fits(base, stem, spellings)
  for _, spell in ipairs(spellings or {}) do
    if spell(stem) == base then
      return true
    end
  end
  return false
end

---@param base string
---@param derived string
---@param affix string  as in un- or -ness
---@return boolean
function affixes.joins(base, derived, affix)
  if affix:sub(-1) == "-" then
    return derived == affix:sub(1, -2) .. base
  end
  local suffix = affix:sub(2)
  if #derived < #suffix + STEM_MIN or derived:sub(-#suffix) ~= suffix then
    return false
  end
  local stem = derived:sub(1, -#suffix - 1)
  return stem == base or fits(base, stem, SPELLINGS) or fits(base, stem, SUFFIX_SPELLINGS[affix])
end

---The affix that makes one word of the other, the longest if several would.
---@param list { affix: string, kind: string }[]
---@param base string
---@param derived string
---@return { affix: string, kind: string }?
function affixes.between(list, base, derived)
  local found
  for _, affix in ipairs(list) do
    if (not found or #affix.affix > #found.affix) and affixes.joins(base, derived, affix.affix) then
      found = affix
    end
  end
  return found
end

return affixes
