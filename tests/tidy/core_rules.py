"""Rules about src/ and the C tests."""

import re

from source import c_code, c_strings, line_of, rule

# What a file of each layer may include from, itself apart.
LAYERS = {
    "base": set(),
    "pg": {"base"},
    "http": {"base"},
    "script": {"base"},
    "bind": {"base", "pg", "http", "script"},
    "host": {"base", "pg", "http", "script", "bind"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"(?P<own>[^"]+)"|<(?P<system>[^>]+)>)', re.M)

# Which files may see a library, so that no other layer comes to depend on it.
CONFINED = {
    r"^(lua|lauxlib|lualib)\.h$": r"^src/(script|bind)/|^src/host/(config\w*|generation\w*|tool)\.[ch]$",
    r"^(libpq-fe|libpq/.*)\.h$": r"^src/pg/",
    r"^microhttpd\.h$": r"^src/http/",
    r"^(cjson/)?cJSON\.h$": r"^src/base/json\w*\.[ch]$",
}

BANNED = (
    "strcpy strcat strncpy strncat stpcpy sprintf vsprintf gets strtok atoi atol atoll atof scanf sscanf fscanf alloca "
    "system popen tmpnam tempnam mktemp rand srand random setlocale asctime ctime gmtime localtime strsep "
    "sleep usleep"
).split()
FUNCTION_LINES_MAX = 70

DOMAIN_WORDS = {"tier", "tiers", "points", "child", "children", "withdrawal", "withdrawals", "learning", "verification"}
# Other trades' words: Unix processes, Unicode, cJSON's tree, libuv.
OTHER_MEANINGS = re.compile(r"child[ _]?(process|pid|exit|status)|(pid|status)_(of_)?child|code[ _]points|points? to\b")


def includes(text):
    for match in INCLUDE.finditer(c_code(text)):
        yield line_of(text, match.start()), match.group("own"), match.group("system")


@rule(
    bad=[
        {"src/pg/a.c": '#include "http/b.h"\n', "src/http/b.h": ""},
        {"src/base/a.c": '#include "host/b.h"\n', "src/host/b.h": ""},
        {"src/pg/a.c": '#include "a.h"\n', "src/pg/a.h": ""},
        {"src/pg/a.c": '#include "pg/gone.h"\n'},
    ],
    good={"src/bind/a.c": '#include "pg/b.h"\n#include "bind/a.h"\n', "src/pg/b.h": "", "src/bind/a.h": ""},
)
def includes_point_down(tree):
    for path, text in tree.matching(r"^src/\w+/.*\.[ch]$"):
        layer = path.split("/")[1]
        for line, own, _ in includes(text):
            if own is None:
                continue
            if "src/" + own not in tree:
                yield path, line, f'"{own}" is no file below src/'
            elif own.split("/")[0] not in LAYERS.get(layer, set()) | {layer}:
                yield path, line, f"{layer}/ must not include {own}"


@rule(bad={"src/other/a.c": ""}, good={"src/base/a.c": ""})
def layers_are_known(tree):
    for path, _ in tree.matching(r"^src/\w+/"):
        if path.split("/")[1] not in LAYERS:
            yield path, 1, "a layer the design does not know"


@rule(
    bad=[
        {"src/http/a.c": "#include <lua.h>\n"},
        {"src/host/worker.c": "#include <lauxlib.h>\n"},
        {"src/bind/a.c": "#include <libpq-fe.h>\n"},
        {"src/host/a.c": "#include <microhttpd.h>\n"},
        {"src/base/log.c": "#include <cjson/cJSON.h>\n"},
        {"src/main.c": "#include <lua.h>\n"},
    ],
    good={
        "src/host/config.h": "#include <lua.h>\n",
        "src/pg/a.c": "#include <libpq-fe.h>\n/* #include <lua.h> */\n",
        "src/base/json.c": "#include <cjson/cJSON.h>\n",
    },
)
def libraries_stay_in_their_layer(tree):
    for path, text in tree.matching(r"^src/.*\.[ch]$"):
        for line, _, system in includes(text):
            for header, allowed in CONFINED.items():
                if system and re.search(header, system) and not re.search(allowed, path):
                    yield path, line, f"<{system}> is not for this file"


@rule(
    bad=[{"src/base/a.c": "  strcpy (to, from);\n"}, {"tests/unit/test_a.c": "n = atoi(text);\n"}],
    good={
        "src/base/a.c": '/* not strcpy(a, b) */\nlog("gets(x)");\nmy_strcpy(a);\nops->system(1);\nsnprintf(a, 1, "");\n',
        "src/base/b.h": "int sleep_ms;\n",
    },
)
def no_banned_functions(tree):
    call = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    for path, text in tree.matching(r"^(src|tests)/.*\.[ch]$"):
        for match in call.finditer(c_code(text)):
            yield path, line_of(text, match.start()), f"{match.group(1)} is banned"


@rule(
    bad={"src/base/a.c": "int f(void)\n{\n" + "    x();\n" * 70 + "}\n"},
    good={"src/base/a.c": "int f(void)\n{\n" + "    x();\n" * 68 + "}\n"},
)
def c_functions_are_short(tree):
    for path, text in tree.matching(r"^(src|tests)/.*\.[ch]$"):
        lines = c_code(text).split("\n")
        start = None
        for number, line in enumerate(lines, 1):
            if line.rstrip() == "{":
                start = number
            elif line.startswith("}") and start is not None:
                length = number - start + 1
                if length > FUNCTION_LINES_MAX:
                    yield path, start, f"function of {length} lines, {FUNCTION_LINES_MAX} are the most"
                start = None


@rule(
    bad=[
        {"src/bind/a.c": "int child_count;\n"},
        {"src/bind/a.c": "int tierLevel;\n"},
        {"src/bind/a.c": 'f("SELECT points FROM x");\n'},
        {"src/host/a.c": 'f("lua/rules/withdrawal.lua");\n'},
        {"src/host/learning.c": ""},
    ],
    good={
        "src/host/a.c": "/* A child of the family */\npid_t child_pid;\npid_t child = fork();\n"
        'f("the child process ended");\nf("err points to a path");\nint code_points;\nint frontier;\n',
        "src/base/json.c": "item->child = NULL;\n",
    },
)
def core_knows_no_domain_words(tree):
    for path, text in tree.matching(r"^src/"):
        if words_of(path) & DOMAIN_WORDS:
            yield path, 1, "named after something of the domain"
    for path, text in tree.matching(r"^src/.*\.[ch]$"):
        code = c_code(text)
        if path == "src/base/json.c":
            code = code.replace("->child", "")  # a field of cJSON
        pieces = [(line_of(code, m.start()), m.group()) for m in re.finditer(r"\b[A-Za-z_]\w*", code)]
        uses_fork = re.search(r"\b(fork|posix_spawnp?|uv_spawn)\s*\(", code)
        known = {"child", "children"} if uses_fork else set()
        for line, piece in pieces + list(c_strings(text)):
            found = words_of(OTHER_MEANINGS.sub("", piece)) & DOMAIN_WORDS - known
            if found:
                yield path, line, f'"{piece}": the core knows nothing of {", ".join(sorted(found))}'
            known |= found  # once per word and file is enough


def words_of(text):
    return set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower()))


@rule(
    bad=[
        {"src/base/a.c": '#include "base/a.h"\n'},
        {"src/base/a.c": "/* a.c */\n"},
        {"tests/unit/test_a.c": "// what it does for us here.\nint x;\n"},
    ],
    good={"src/base/a.c": "/* Growing strings that\n * never fail. */\nint x;\n"},
)
def files_begin_with_their_purpose(tree):
    for path, text in tree.matching(r"^(src|tests)/.*\.[ch]$"):
        match = re.match(r"/\*(.*?)\*/", text, re.S)
        words = re.findall(r"\w+", match.group(1)) if match else []
        if len(words) < 3:
            yield path, 1, "begins with no comment that says what it is for"


@rule(
    bad={"src/base/a.c": "", "src/README.md": "- `b.c` something\n"},
    good={"src/base/a.c": "", "src/base/a.h": "", "src/README.md": "- `base/a` growing strings\n"},
)
def map_names_every_file(tree):
    """src/README.md is the map; a file it leaves out is found by nobody. A pair a.c, a.h is one entry."""
    if "src/README.md" not in tree:
        yield "src/README.md", 1, "is missing"
        return
    text = tree["src/README.md"]
    for path, _ in tree.matching(r"^src/.*\.[ch]$"):
        stem = re.escape(path.rsplit("/", 1)[1].rsplit(".", 1)[0])
        if not re.search(r"(?<![\w-])" + stem + r"(?![\w-])", text):
            yield path, 1, "src/README.md does not name it"


@rule(
    bad=[
        {"src/bind/a.c": 'static const luaL_Reg f[] = {{"run", run}, {NULL, NULL}};\n', "lua/types/a.lua": "local a = {}\n"},
        {"src/bind/a.c": 'static const luaL_Reg f[] = {{"run", run}};\n'},
        {"src/bind/a.c": "", "lua/types/a.lua": "---@meta a\nfunction a.run() end\n"},
    ],
    good={
        "src/bind/a.c": 'static const luaL_Reg f[] = {{"run", run}, {"__gc", gc}, {NULL, NULL}};\n',
        "src/bind/a_more.c": 'static const luaL_Reg m[] = {\n    {"go", go},\n    {NULL, NULL}};\n',
        "lua/types/a.lua": "---@meta a\nfunction a.run() end\nfunction thing:go() end\n",
    },
)
def bindings_are_typed(tree):
    """Every function that bind/X.c or bind/X_part.c registers is declared in lua/types/X.lua, and the other way round."""
    registered = {}
    for path, text in tree.matching(r"^src/bind/\w+\.c$"):
        module = module_of(path, tree)
        for table in re.finditer(r"luaL_Reg\s+\w+\[\]\s*=\s*\{(.*?)\};", text, re.S):
            for name in re.findall(r'\{\s*"(\w+)"', table.group(1)):
                registered.setdefault(module, {})[name] = (path, line_of(text, table.start()))
    for module, names in registered.items():
        declared = declared_in(tree.get(f"lua/types/{module}.lua", ""))
        for name, (path, line) in names.items():
            if not name.startswith("__") and name not in declared:
                yield path, line, f"lua/types/{module}.lua does not declare {name}"
    for path, text in tree.matching(r"^lua/types/\w+\.lua$"):
        module = re.match(r"---@meta (\w+)", text)
        for name in declared_in(text) if module else ():
            if name not in registered.get(module.group(1), {}):
                yield path, 1, f"no binding registers {name}"


def module_of(path, tree):
    stem = re.search(r"(\w+)\.c$", path).group(1)
    return stem if f"lua/types/{stem}.lua" in tree else stem.split("_")[0]


def declared_in(text):
    return set(re.findall(r"^function \w+[.:](\w+)\(", text, re.M))
