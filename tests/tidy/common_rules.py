"""Rules about every kind of file."""

import ast
import re

from source import c_code, line_of, rule

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70


@rule(
    bad=[{"src/base/a.c": "x\n" * 601}, {"tests/e2e/test_a.py": "x\n" * 601}],
    good={"src/base/a.c": "x\n" * 600, "src/README.md": "x\n" * 2000, "migrations/0002_words.sql": "x\n" * 2000},
)
def files_are_short(tree):
    for path, text in tree.matching(r"\.(c|h|lua|py|sh|js)$|^script/\w+$"):
        length = text.count("\n")
        if length > FILE_LINES_MAX:
            yield path, FILE_LINES_MAX, f"{length} lines, {FILE_LINES_MAX} are the most"


@rule(
    bad={"tests/e2e/a.py": "def f():\n" + "    x()\n" * 70},
    good={"tests/e2e/a.py": "def f():\n" + "    x()\n" * 69 + "\n\nx = 1\n"},
)
def python_functions_are_short(tree):
    for path, text in tree.matching(r"\.py$"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    yield path, node.lineno, f"function of {length} lines, {FUNCTION_LINES_MAX} are the most"


# Folders of one machine or one person; and fixed names in /tmp, which two runs at once would share.
MACHINE_PATH = re.compile(r"""(?<![\w.}])/(home|root|work|Users|mnt|srv|opt)/[\w.]|(?<![\w.}])/tmp/(?![\w.-]*(XXX|\$|\{|%))\w""")


@rule(
    bad=[
        {"script/server": "cd /home/me/project\n"},
        {"tests/e2e/test_a.py": 'open("/tmp/result.json")\n'},
        {"src/host/a.c": 'open("/root/x");\n'},
    ],
    good={
        "script/server": "#!/usr/bin/env bash\nmktemp -d /tmp/lexicraft-XXXXXX\ncd /usr/lib/postgresql\nx=$root/work/a\n",
        "tests/e2e/a.py": 'get("/v1/home/x")\npath = f"{folder}/tmp/a"\n',
    },
)
def no_paths_of_one_machine(tree):
    for path, text in tree.items():
        if path.startswith("tests/tidy/"):
            continue
        for match in MACHINE_PATH.finditer(text):
            yield path, line_of(text, match.start()), f"absolute path {match.group()}…"


@rule(
    bad=[{"script/demo": "start &\nsleep 2\ncurl x\n"}, {"tests/a.sh": "if true; then\n  sleep 1\nfi\n"}],
    good={
        "script/demo": "until curl x; do\n  if a; then\n    b\n  fi\n  sleep 0.1\ndone\n# sleep 5\n",
        "script/b": "for i in 1 2; do curl x && break; sleep 0.1; done\n",
    },
)
def shell_waits_for_conditions(tree):
    """Sleeping is allowed only inside of a loop, where something is looked at again."""
    for path, text in tree.matching(r"^(script|tests|\.ci)/(.*\.sh|(.*/)?[\w-]+)$"):
        depth = 0
        for number, line in enumerate(text.split("\n"), 1):
            line = re.sub(r"(^|\s)#.*", "", line)
            depth += len(re.findall(r"(?:^|;|&&)\s*(?:while|until|for)\b", line))
            if re.search(r"(^|[;&|]|\bdo|\bthen)\s*sleep\s+[\d.$\"]", line) and depth == 0:
                yield path, number, "a fixed sleep: wait for a condition"
            depth -= len(re.findall(r"(?:^|;)\s*done\b", line))


@rule(
    bad=[
        {"tests/e2e/a.py": "import time\ntime.sleep(1)\n"},
        {"tests/e2e/a.py": "def f():\n    with x:\n        sleep(2)\n"},
    ],
    good={"tests/e2e/a.py": "while not ready():\n    if late():\n        fail()\n    time.sleep(0.01)\n"},
)
def python_waits_for_conditions(tree):
    for path, text in tree.matching(r"\.py$"):
        for line in sleeps_outside_loops(ast.parse(text), False):
            yield path, line, "a fixed sleep: wait for a condition"


def sleeps_outside_loops(node, in_loop):
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep") and not in_loop:
        yield node.lineno
    in_loop = in_loop or isinstance(node, (ast.While, ast.For))
    for below in ast.iter_child_nodes(node):
        yield from sleeps_outside_loops(below, in_loop)


@rule(
    bad=[{"lua/a.lua": "-- TODO later\n"}, {"src/base/a.c": "int x; /* FIXME */\n"}],
    good={"src/base/a.c": "/* What is to do. */\nint TODOS;\n"},
)
def nothing_is_left_to_do(tree):
    for path, text in tree.items():
        if path.startswith("tests/tidy/"):
            continue
        for match in re.finditer(r"\b(TODO|FIXME|XXX|HACK)\b", text):
            yield path, line_of(text, match.start()), f"{match.group()} left in the text"


@rule(
    bad=[{"src/base/a.c": "#if 0\nint x;\n#endif\n"}],
    good={"src/base/a.c": "#ifdef __x86_64__\nint x;\n#endif\n/* #if 0 */\n"},
)
def no_code_is_switched_off(tree):
    for path, text in tree.matching(r"\.[ch]$"):
        for match in re.finditer(r"^\s*#\s*if\s+0\b", c_code(text), re.M):
            yield path, line_of(text, match.start()), "code that never runs"


@rule(
    bad=[{"migrations/0001_a.sql": "", "migrations/0003_b.sql": ""}, {"migrations/1_a.sql": ""}],
    good={"migrations/0001_a.sql": "", "migrations/0002_b.sql": ""},
)
def migrations_are_numbered(tree):
    expected = 1
    for path, _ in tree.matching(r"^migrations/.*\.sql$"):
        if not re.match(rf"migrations/{expected:04}_[a-z0-9_]+\.sql$", path):
            yield path, 1, f"should be number {expected:04}, in small letters"
        expected += 1
