-- Lint of lua/, spec/ and config.lua; script/test runs it.
std = "lua54"
max_line_length = 130
cache = false
-- Made at build time of other people's files.
exclude_files = { "lua/assets" }

-- What a program of modules needs no globals for.
allow_defined = false
unused_secondaries = false

-- Types only: declared, never run.
files["lua/types"] = { max_line_length = false, ignore = { "211", "212", "221", "241" } }
-- Rules see an allow-listed environment: no I/O, no clock, no randomness.
files["lua/rules"] = {
  std = { read_globals = { "assert", "error", "ipairs", "math", "next", "pairs", "pcall", "require", "select", "string",
    "table", "tonumber", "tostring", "type", "utf8" } },
}
files["spec"] = { std = "+busted" }
