"""Rules about lua/, config.lua and spec/."""

import re

from source import line_of, lua_code, lua_strings, lua_without_comments, rule

# What each folder of lua/ may require: modules of folders, and bindings by name.
FOLDERS = {
    "app": {"routes", "api", "lib"},
    "routes": {"routes", "api"},
    "api": {"api", "actions", "lib"},
    "actions": {"actions", "store", "lib"},
    "store": {"store", "lib"},
    "lib": {"lib"},
    "rules": {"rules"},
    "checks": {"checks", "lib"},
    "tools": {"tools", "routes", "store", "lib"},
}
BINDINGS = {
    "app": {"http", "json", "log", "config", "clock", "auth", "rate", "rules"},
    "routes": set(),
    "api": {"http", "json", "log", "config", "clock", "auth", "rate", "rules"},
    "actions": {"db", "rules", "json", "log", "config", "clock", "auth", "rate"},
    "store": {"db", "json", "config"},
    "lib": {"http", "json", "log", "config", "clock", "auth", "rate"},
    "rules": set(),
    "checks": set(),
    "tools": {"json", "rules", "config", "clock", "db", "auth"},
}
REQUIRE = re.compile(r"""\brequire\s*\(?\s*["']([\w.]+)["']""")
FUNCTION_LINES_MAX = 70


def folder_of(path):
    """lua/api/users.lua → api, lua/app.lua → app."""
    return re.match(r"lua/(\w+)", path).group(1)


def modules(tree):
    return [(path, text) for path, text in tree.matching(r"^lua/.*\.lua$") if not path.startswith("lua/types/")]


def requires(text):
    for match in REQUIRE.finditer(lua_without_comments(text)):
        yield line_of(text, match.start()), match.group(1)


@rule(
    bad=[
        {"lua/api/users.lua": 'local s = require "store.users"\n'},
        {"lua/api/users.lua": 'local db = require("db")\n'},
        {"lua/store/users.lua": "local a = require 'actions.users'\n"},
        {"lua/store/users.lua": 'local rules = require "rules"\n'},
        {"lua/lib/page.lua": 'local db = require "db"\n'},
        {"lua/rules/points.lua": 'local db = require "db"\n', "lua/types/db.lua": ""},
        {"lua/other/x.lua": ""},
    ],
    good={
        "lua/app.lua": 'require "api.users"\n',
        "lua/api/users.lua": 'require "actions.users"\nrequire "http"\n-- require "db"\n',
        "lua/actions/users.lua": 'require "store.users"\nrequire "rules"\nrequire "db"\n',
        "lua/store/users.lua": 'require "db"\n',
        "lua/rules/points.lua": 'require "limits"\n',
        "lua/rules/limits.lua": "return {}\n",
        "lua/types/db.lua": 'require "anything"\n',
    },
)
def lua_layers_point_down(tree):
    for path, text in modules(tree):
        folder = folder_of(path)
        if folder not in FOLDERS:
            yield path, 1, f"lua/{folder}/ is not of the design"
            continue
        for line, name in requires(text):
            if folder == "rules":
                allowed = f"lua/rules/{name}.lua" in tree
            else:
                allowed = name in BINDINGS[folder] or ("." in name and name.split(".")[0] in FOLDERS[folder])
            if not allowed:
                yield path, line, f"{folder} must not require {name}"


@rule(
    bad=[
        {"lua/actions/users.lua": 'local db = require "db"\ndb.query("x")\n'},
        {"lua/actions/users.lua": 'local base = require "db"\nbase.sql("x")\n'},
        {"lua/actions/users.lua": 'local query = require("db").query\n'},
        {"lua/actions/users.lua": "db.transaction(function(tx)\n  tx:exec(statement)\nend)\n"},
    ],
    good={
        "lua/actions/users.lua": 'local db = require "db"\nreturn db.transaction(function(tx) return store.add(tx) end)\n',
        "lua/store/users.lua": 'local db = require "db"\nlocal q = db.sql("x")\nfunction f(tx) return tx:one(q) end\n',
    },
)
def only_the_store_runs_statements(tree):
    """actions open transactions; statements are registered and run in store/ alone."""
    use = re.compile(r"""(?:\bdb|require\s*\(\s*["']db["']\s*\))\s*\.\s*(\w+)|\btx:(query|one|exec|send)\b""")
    for path, text in modules(tree):
        if path.startswith("lua/store/"):
            continue
        named = re.search(r"""\b(\w+)\s*=\s*require\s*\(?\s*["']db["']""", text)
        if named and named.group(1) != "db" and not re.search(r"""require\s*\(\s*["']db["']\s*\)\s*\.""", text):
            yield path, line_of(text, named.start()), 'name it: local db = require "db"'
        for match in use.finditer(lua_without_comments(text)):
            if match.group(1) != "transaction":
                yield path, line_of(text, match.start()), f"{match.group().strip()} belongs into lua/store/"


@rule(
    bad=[
        {"lua/lib/a.lua": "local x = a & b\n"},
        {"lua/lib/a.lua": "local x = ~a\n"},
        {"lua/rules/a.lua": "local x = 1 << 3\n"},
        {"config.lua": "return { x = 1 | 2 }\n"},
    ],
    good={"lua/lib/a.lua": 'if a ~= b then return "a & b | c" end -- x << 1\nlocal t = [[ ~ ]]\n'},
)
def no_bitwise_operators(tree):
    """Lua 5.4.4 computes them wrongly in chunks of more than 256 constants."""
    for path, text in tree.matching(r"^(lua/.*|config)\.lua$"):
        for match in re.finditer(r"&|\||~(?!=)|<<|>>", lua_code(text)):
            yield path, line_of(text, match.start()), f"bitwise operator {match.group()}"


SQL = re.compile(
    r"\bselect\b.+\bfrom\b|\binsert\s+into\b|\bupdate\s+\w+\s+set\b|\bdelete\s+from\b|\b(create|alter|drop)\s+table\b"
    r"|\bon\s+conflict\b|^\W*select\s+(\d|\w+\()",
    re.I | re.S,
)


@rule(
    bad=[
        {"lua/actions/a.lua": 'f("SELECT id FROM users")\n'},
        {"lua/api/a.lua": "f([[\n  insert into users (id) values ($1)]])\n"},
        {"lua/lib/a.lua": "f('update users set name = $1')\n"},
        {"lua/lib/a.lua": "f('select now()')\n"},
    ],
    good={
        "lua/store/a.lua": 'f("SELECT id FROM users")\n',
        "lua/api/a.lua": '-- select from\nf("select a learning point", "Start learning", "Update a child", "begin")\n',
    },
)
def sql_lives_in_the_store(tree):
    for path, text in modules(tree):
        if path.startswith("lua/store/"):
            continue
        for line, string in lua_strings(text):
            if SQL.search(string):
                yield path, line, "SQL text belongs into lua/store/ or migrations/"


@rule(
    bad=[{"config.lua": "return {\n  api = {\n    workers = 0,\n  },\n}\n"}, {"config.lua": "return {\n  a = 1, --\n}\n"}],
    good={"config.lua": "return {\n  api = {\n    workers = 0, -- threads\n    origins = {}, -- who may call\n  },\n}\n"},
)
def every_setting_has_a_comment(tree):
    for path, text in tree.matching(r"^config\.lua$"):
        for number, line in enumerate(text.split("\n"), 1):
            is_setting = re.match(r"\s+\w+\s*=", line) and not re.search(r"=\s*\{\s*$", line)
            if is_setting and not re.search(r"--\s*\S+", line):
                yield path, number, "a setting without a comment"


@rule(
    bad=[
        {"lua/lib/a.lua": "local function f()\n" + "  g()\n" * 70 + "end\n"},
        {"lua/api/a.lua": "api.run = function()\n" + "  g()\n" * 70 + "end\n"},
    ],
    good={"lua/lib/a.lua": "function m.f()\n" + "  g()\n" * 68 + "end\n", "spec/a_spec.lua": "describe()\n" * 100},
)
def lua_functions_are_short(tree):
    begin = re.compile(r"(local\s+)?function\b|(local\s+)?[\w.]+\s*=\s*function\b")
    for path, text in modules(tree):
        start = None
        for number, line in enumerate(lua_code(text).split("\n"), 1):
            if begin.match(line) and not re.search(r"\bend\b\W*$", line):
                start = number
            elif re.match(r"end\b", line) and start is not None:
                length = number - start + 1
                if length > FUNCTION_LINES_MAX:
                    yield path, start, f"function of {length} lines, {FUNCTION_LINES_MAX} are the most"
                start = None
