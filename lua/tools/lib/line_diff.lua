-- What lines differ between two texts, as `diff -u` would show it.
local line_diff = {}

local CONTEXT = 3
local CELLS_MAX = 4000000 -- of the table below; larger differences are shown as "all of it changed"

local function lines_of(text)
  local lines = {}
  for line in (text .. (text:sub(-1) == "\n" and "" or "\n")):gmatch("(.-)\n") do
    lines[#lines + 1] = line
  end
  return text == "" and {} or lines
end

-- length[i][j]: of the longest common subsequence of a[i…] and b[j…].
local function common_lengths(a, b)
  local lengths = { [#a + 1] = {} }
  for j = 1, #b + 1 do
    lengths[#a + 1][j] = 0
  end
  for i = #a, 1, -1 do
    local row, below = { [#b + 1] = 0 }, lengths[i + 1]
    for j = #b, 1, -1 do
      row[j] = a[i] == b[j] and below[j + 1] + 1 or math.max(below[j], row[j + 1])
    end
    lengths[i] = row
  end
  return lengths
end

-- Edits of the part in which the texts differ.
local function edit_middle(edits, a, b)
  local i, j = 1, 1
  local lengths = #a * #b <= CELLS_MAX and common_lengths(a, b)
  while i <= #a or j <= #b do
    if lengths and i <= #a and j <= #b and a[i] == b[j] then
      edits[#edits + 1] = { " ", a[i] }
      i, j = i + 1, j + 1
    elseif i <= #a and (j > #b or not lengths or lengths[i + 1][j] >= lengths[i][j + 1]) then
      edits[#edits + 1] = { "-", a[i] }
      i = i + 1
    else
      edits[#edits + 1] = { "+", b[j] }
      j = j + 1
    end
  end
end

-- Every line of both texts in order, marked " ", "-" or "+".
local function edits_between(a, b)
  local first, tail, edits = 0, 0, {}
  while first < math.min(#a, #b) and a[first + 1] == b[first + 1] do
    first = first + 1
    edits[first] = { " ", a[first] }
  end
  while tail < math.min(#a, #b) - first and a[#a - tail] == b[#b - tail] do
    tail = tail + 1
  end
  edit_middle(edits, table.move(a, first + 1, #a - tail, 1, {}), table.move(b, first + 1, #b - tail, 1, {}))
  for index = #a - tail + 1, #a do
    edits[#edits + 1] = { " ", a[index] }
  end
  return edits
end

-- Which edits are within CONTEXT lines of a change.
local function near_changes(edits)
  local near = {}
  for index, edit in ipairs(edits) do
    if edit[1] ~= " " then
      for close = math.max(1, index - CONTEXT), math.min(#edits, index + CONTEXT) do
        near[close] = true
      end
    end
  end
  return near
end

---@param before string
---@param after string
---@return string[] lines  "@@ line 12 @@", then lines that begin with " ", "-" or "+"; none if the texts are equal
function line_diff.unified(before, after)
  local edits = edits_between(lines_of(before), lines_of(after))
  local near, shown, line, inside = near_changes(edits), {}, 1, false
  for index, edit in ipairs(edits) do
    if near[index] then
      if not inside then
        shown[#shown + 1] = ("@@ line %d @@"):format(line)
      end
      shown[#shown + 1] = edit[1] .. edit[2]
    end
    inside = near[index]
    if edit[1] ~= "+" then
      line = line + 1
    end
  end
  return shown
end

return line_diff
