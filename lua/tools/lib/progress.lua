-- A progress bar on stderr, if that is a terminal; else nothing.
local progress = {}
progress.__index = progress

local WIDTH = 30

---@param label string
function progress.start(label)
  local self = setmetatable({ label = label }, progress)
  self.is_shown = os.execute("test -t 2") == true
  return self
end

---@param fraction number  0 … 1
---@param note string
function progress:update(fraction, note)
  if not self.is_shown then
    return
  end
  local percent = math.floor(100 * math.max(0, math.min(1, fraction)))
  local line = ("%s [%s%s] %3d %%  %s"):format(self.label, ("#"):rep(percent * WIDTH // 100),
    ("."):rep(WIDTH - percent * WIDTH // 100), percent, note)
  if line ~= self.line then
    self.line = line
    io.stderr:write("\r\27[K", line)
    io.stderr:flush()
  end
end

---Take the bar away.
function progress:finish()
  if self.line then
    io.stderr:write("\r\27[K")
    io.stderr:flush()
  end
end

progress.__close = progress.finish

return progress
