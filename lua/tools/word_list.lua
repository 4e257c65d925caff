-- Reads data/words.txt: words, phrases and idioms chosen one by one, with their levels.
local word_list = {}

local LEVELS = { A1 = true, A2 = true, B1 = true, B2 = true, C1 = true, C2 = true }
local TYPES = { word = true, phrase = true, idiom = true }

-- One line of the list → its lemma, part of speech and sense numbers.
local function parse_line(line)
  local lemma, part, rest = line:match("^([%l%d_'.-]+) ([nvar])([ %d]*)$")
  if not lemma then
    return nil
  end
  local senses = {}
  for number in rest:gmatch("%d+") do
    senses[#senses + 1] = math.tointeger(number)
  end
  if #senses == 0 then
    senses[1] = 1
  end
  return lemma, part, senses
end

---@class word_list.entry
---@field line integer
---@field type string
---@field level string
---@field lemma string
---@field part string
---@field senses integer[]

---@param text string
---@return word_list.entry[]? entries
---@return string? why  "LINE: reason"
function word_list.parse(text)
  local entries = {}
  local kind, level
  local number = 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    line = line:gsub("#.*", ""):gsub("%s+$", "")
    if line:match("^%[") then
      kind, level = line:match("^%[(%a+) (%a%d)%]$")
      if not TYPES[kind] or not LEVELS[level] then
        return nil, number .. ": not a section [TYPE LEVEL]"
      end
    elseif line ~= "" then
      local lemma, part, senses = parse_line(line)
      if not lemma or not kind then
        return nil, number .. ": not of the form lemma part-of-speech sense…, or outside of a section"
      end
      entries[#entries + 1] =
        { line = number, type = kind, level = level, lemma = lemma, part = part, senses = senses }
    end
  end
  return entries
end

return word_list
