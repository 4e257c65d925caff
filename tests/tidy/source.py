"""The tree the rules look at, and what they need to know of C and Lua: where comments and strings are."""

import re
from pathlib import Path

FOLDERS = ("src", "lua", "migrations", "spec", "tests", "script", ".ci")
SINGLE_FILES = ("config.lua", "CMakeLists.txt", "README.md", "CONTRIBUTING.md")
# Other people's, put there by a build.
NOT_OURS = ("node_modules", "/corpus/", "lua/assets/")
SUFFIXES = (".c", ".h", ".lua", ".sql", ".py", ".sh", ".md", ".txt", ".js", "")

RULES = []


def rule(bad, good):
    """Make a function a rule. It takes a tree and yields faults (path, line, text). bad and good are the smallest trees
    that show it can fail and can pass; several bad ones as a list."""

    def register(function):
        RULES.append((function, bad if isinstance(bad, list) else [bad], good))
        return function

    return register


class Tree(dict):
    """Path (with slashes, from the root) → text."""

    def matching(self, pattern):
        regex = re.compile(pattern)
        return [(path, text) for path, text in sorted(self.items()) if regex.search(path)]


def read_tree(root):
    tree = Tree()
    paths = [root / name for name in SINGLE_FILES]
    for folder in FOLDERS:
        paths += (root / folder).rglob("*")
    for path in paths:
        name = path.relative_to(root).as_posix()
        if path.is_file() and path.suffix in SUFFIXES and not any(part in name for part in NOT_OURS):
            tree[name] = path.read_text(encoding="utf-8", errors="replace")
    return tree


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


C_TOKEN = re.compile(
    r'(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<char>\'(?:\\.|[^\'\\\n])*\')', re.S
)
LUA_TOKEN = re.compile(
    r'(?P<comment>--\[(?P<c>=*)\[.*?\](?P=c)\]|--[^\n]*)'
    r'|(?P<string>"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|\[(?P<s>=*)\[.*?\](?P=s)\])',
    re.S,
)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def c_code(text):
    """Without comments and literals, every other character where it was. Includes keep their names."""
    keep = {m.start(1) for m in re.finditer(r'^\s*#\s*include\s*("[^"\n]*")', text, re.M)}
    return C_TOKEN.sub(lambda m: m.group() if m.start() in keep else blank(m), text)


def c_strings(text):
    """(line, content) of every string literal that is not the name of an include."""
    for match in C_TOKEN.finditer(text):
        start_of_line = text.rfind("\n", 0, match.start()) + 1
        is_include = text[start_of_line : match.start()].lstrip().startswith("#")
        if match.group("string") and not ("include" in text[start_of_line : match.start()] and is_include):
            yield line_of(text, match.start()), match.group("string")[1:-1]


def lua_code(text):
    return LUA_TOKEN.sub(blank, text)


def lua_without_comments(text):
    return LUA_TOKEN.sub(lambda m: blank(m) if m.group("comment") else m.group(), text)


def lua_strings(text):
    for match in LUA_TOKEN.finditer(text):
        if match.group("string"):
            yield line_of(text, match.start()), match.group("string")
