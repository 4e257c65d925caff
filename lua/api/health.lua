-- Is the program there, and by which rules does it work? Never touches the database.
local json = require "json"
local rules = require "rules"

local health = {}

-- Other rules come with another program.
local body = json.encode { status = "ok", rule_version = rules.version() }

function health.get()
  return { status = 200, content_type = "application/json", body = body }
end

return health
