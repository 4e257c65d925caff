-- How common a word is: the size of the smallest SCOWL list that has it, as Debian's package scowl installs them.
local bands = {}

-- The sizes that are read. What is in none of them is rare.
local SIZES = { 10, 20, 35, 40, 50, 55, 60, 70 }
local RARE = 95
local LISTS = { "english-words", "american-words", "english-upper", "american-upper" }

---@param folder string
---@return fun(lemma: string): integer  of a phrase: that of its rarest word
function bands.open(folder)
  local band_of = {}
  for _, size in ipairs(SIZES) do
    for _, list in ipairs(LISTS) do
      local path = ("%s/%s.%d"):format(folder, list, size)
      local file, why = io.open(path, "rb")
      if not file and list == "english-words" then
        error(why .. " (Debian's package scowl has it)", 0)
      elseif file then
        for word in file:lines() do
          word = word:lower()
          band_of[word] = band_of[word] or size
        end
        file:close()
      end
    end
  end
  return function(lemma)
    local band = SIZES[1]
    for word in lemma:gsub("'s%f[^%w]", ""):gmatch("[^_-]+") do
      band = math.max(band, band_of[word] or RARE)
    end
    return band
  end
end

return bands
