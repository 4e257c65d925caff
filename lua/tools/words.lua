-- Loads the sample words into learning_points: `lexicraft lua lua/tools/words.lua [WORDNET_FOLDER]`. Safe to run again.
local learning_points = require "store.learning_points"
local word_list = require "tools.word_list"
local wordnet = require "tools.wordnet"

local LIST = "data/words.txt"
local FOLDER = "/usr/share/wordnet"
local POINTS_PER_STATEMENT = 100

local function fail(why)
  io.stderr:write(why, "\n")
  os.exit(1)
end

local function read_points(folder)
  local file, why = io.open(LIST, "r")
  if not file then
    fail(why)
  end
  local text = file:read("a")
  file:close()
  local entries, fault = word_list.parse(text)
  if not entries then
    fail(LIST .. ":" .. fault)
  end
  local words = wordnet.open(folder)
  local points, missing = word_list.points(entries, words)
  words:close()
  if not points then
    fail(LIST .. ":" .. missing)
  end
  return points
end

local function count_by_tier(points)
  local counts, names = {}, {}
  for _, point in ipairs(points) do
    counts[point.tier] = (counts[point.tier] or 0) + 1
  end
  for tier, count in pairs(counts) do
    names[#names + 1] = ("tier %d: %d"):format(tier, count)
  end
  table.sort(names)
  return table.concat(names, ", ")
end

local points = read_points(arg[1] or FOLDER)
local changed = 0
for first = 1, #points, POINTS_PER_STATEMENT do
  local last = math.min(first + POINTS_PER_STATEMENT - 1, #points)
  changed = changed + learning_points.save(table.move(points, first, last, 1, {}))
  print(("words: %d of %d"):format(last, #points))
end
print(("words: %s; %d new or changed"):format(count_by_tier(points), changed))
