-- Is the program there, and by which rules does it work? Never touches the database.
local rules = require "rules"

local health = {}

function health.get()
  return { status = 200, json = { status = "ok", rule_version = rules.version() } }
end

return health
