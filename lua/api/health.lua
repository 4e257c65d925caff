-- Is the program there, and by which rules does it work? Never touches the database.
local rules = require "rules"

local health = {}

-- Other rules come with another program.
local body = { status = "ok", rule_version = rules.version() }

function health.get()
  return { status = 200, json = body }
end

return health
