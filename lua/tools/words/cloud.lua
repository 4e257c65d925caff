-- Everything that `lexicraft words load` puts into the database, made from the lists of data/, WordNet and SCOWL.
local bands = require "tools.words.bands"
local families = require "tools.words.families"
local graph = require "tools.words.graph"
local lists = require "tools.words.lists"
local meaning = require "tools.words.meaning"
local points = require "tools.words.points"
local ranking = require "tools.words.ranking"
local selection = require "tools.words.selection"
local structure = require "tools.words.structure"
local wordnet = require "tools.wordnet"

local cloud = {}

---@class words.cloud
---@field points table[]                  as store/learning_points takes them
---@field edges table[]                   as store/relationships takes them
---@field left_out table<string, integer> reason → senses or relationships

---@param given words.lists
---@param words table      see tools/wordnet.lua
---@param band_of fun(lemma: string): integer
---@return words.cloud
function cloud.build(given, words, band_of)
  local chosen = selection.make(given, words)
  ranking.set(chosen, given.affixes, band_of)
  local found = families.find(chosen, given, words)
  local variants = meaning.find_variants(chosen, given, words)
  local edges = graph.new()
  structure.add_edges(edges, chosen)
  families.add_edges(edges, found)
  meaning.add_edges(edges, chosen, variants, words)
  local left_out = chosen.left_out
  for why, count in pairs(edges.left_out) do
    left_out[why] = count
  end
  return { points = points.make(chosen, given, words), edges = edges.edges, left_out = left_out }
end

---@param wordnet_folder string
---@param scowl_folder string
---@return words.cloud
function cloud.read(wordnet_folder, scowl_folder)
  local words = wordnet.open(wordnet_folder)
  local made = cloud.build(lists.read(), words, bands.open(scowl_folder))
  words:close()
  return made
end

return cloud
