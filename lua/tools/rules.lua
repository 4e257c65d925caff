-- lexicraft rules: what staff do with rule files. Each command is a file of its own in lua/tools/rules/, of the form that
-- lib/dispatch.lua describes.
local dispatch = require "tools.lib.dispatch"

os.exit(dispatch.main({
  name = "rules",
  commands = { "check", "try", "show", "diff", "explain", "replay", "rollback" },
  see = "docs/rules.md shows how to change a rule.",
}, arg))
