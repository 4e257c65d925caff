-- Least, median and most of any number of whole numbers in bounded memory. Exact while there are at most `bins_max`
-- different ones; beyond that neighbours share a bin, and the median is the bin's lower end.
local spread = {}
spread.__index = spread

local BINS_MAX = 20000

---@return spread
function spread.new(bins_max)
  return setmetatable({ count = 0, bins = {}, bin_count = 0, width = 1, bins_max = bins_max or BINS_MAX }, spread)
end

local function add_to_bin(self, value, count)
  local bin = value // self.width
  if not self.bins[bin] then
    self.bins[bin] = 0
    self.bin_count = self.bin_count + 1
  end
  self.bins[bin] = self.bins[bin] + count
end

local function widen(self)
  local bins, width = self.bins, self.width
  self.bins, self.bin_count, self.width = {}, 0, width * 2
  for bin, count in pairs(bins) do
    add_to_bin(self, bin * width, count)
  end
end

---@param value integer
function spread:add(value)
  self.count = self.count + 1
  self.least = math.min(value, self.least or value)
  self.most = math.max(value, self.most or value)
  add_to_bin(self, value, 1)
  while self.bin_count > self.bins_max do
    widen(self)
  end
end

---@return integer?  the lower middle one of an even number; nil if there are none
function spread:median()
  local bins = {}
  for bin in pairs(self.bins) do
    bins[#bins + 1] = bin
  end
  table.sort(bins)
  local before = 0
  for _, bin in ipairs(bins) do
    before = before + self.bins[bin]
    if before * 2 >= self.count then
      return math.max(bin * self.width, self.least)
    end
  end
end

---@return { children: integer, least: integer?, median: integer?, most: integer? }
function spread:summary()
  return { children = self.count, least = self.least, median = self:median(), most = self.most }
end

return spread
