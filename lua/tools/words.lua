-- lexicraft words: where learning points come from. Each command is a file of its own in lua/tools/words/, of the form that
-- lib/dispatch.lua describes.
local dispatch = require "tools.lib.dispatch"

os.exit(dispatch.main({
  name = "words",
  commands = { "load", "import", "candidates", "quality" },
  see = "docs/words.md tells where the words come from.",
}, arg))
