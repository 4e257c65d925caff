"""What --help says, what the man page says and what the commands take are the same."""

import os
import re
import subprocess

import pytest

from support import BINARY, PROJECT

MAN = (PROJECT / "man/lexicraft.1").read_text()
COMMON = {"root", "set", "help"}  # of every command, described once
TAKEN_BY_TOOLS = {"json"}


def run(*words):
    return subprocess.run([BINARY, *words], capture_output=True, text=True, cwd=PROJECT,
                          env={**os.environ, "DATABASE_URL": "", "LEXICRAFT_AUTH_KEY": ""})


def help_of(*words):
    done = run(*words, "--help")
    assert done.returncode == 0 and done.stdout.startswith("usage: lexicraft"), done
    return done.stdout


def listed(text):
    """The names in a list of commands."""
    block = text.split("Commands:\n", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^  (\w+)\b", block, re.MULTILINE)


def all_commands():
    """("serve",), …, ("rules", "check"), …: whatever has a help of its own."""
    found = []
    for name in listed(help_of()):
        text = help_of(name)
        words = re.match(r"usage: lexicraft((?: [a-z]+)+)", text).group(1).split()
        found += [(name, action) for action in listed(text)] if "Commands:\n" in text else [tuple(words)]
    return found


def man_entries():
    """"rules check" → what its entries say, with their options."""
    block = MAN.split(".Sh COMMANDS", 1)[1].split(".Sh SETTINGS", 1)[0]
    entries = {}
    for entry in block.split("\n.It Cm ")[1:]:
        line = entry.split("\n", 1)[0]
        name = re.split(r" (?:Ar|Op|Oo|Fl) ", line)[0]
        entries[name] = entry
    return entries


def options_of(text):
    """name → the word for its value, None if it has none: of a usage line and what stands below it."""
    return {name: value or None for name, value in re.findall(r"--([a-z][a-z-]*)(?: ([A-Z]+))?", text)}


COMMANDS = all_commands()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_and_man_page_name_the_same_options(command):
    entries = man_entries()
    described = "".join(text for name, text in entries.items() if name.split()[:len(command)] == list(command))
    assert described, f"man/lexicraft.1 has no entry .It Cm {' '.join(command)}"
    in_man = set(re.findall(r"Fl -([a-z][a-z-]*)", described + synopsis_of(command)))
    in_help = set(options_of(own_part(help_of(*command)))) - COMMON - TAKEN_BY_TOOLS
    assert in_man - COMMON - TAKEN_BY_TOOLS == in_help


def synopsis_of(command):
    """Of a command without actions: the lines of the man page's synopsis."""
    block = MAN.split(".Sh SYNOPSIS", 1)[1].split(".Sh DESCRIPTION", 1)[0]
    return next((part for part in block.split(".Nm\n") if part.startswith(f".Cm {command[0]}\n")), "")


def own_part(text):
    return text.split("\nOptions of every command:", 1)[0]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_option_is_in_the_usage_line_and_taken(command):
    text = help_of(*command)
    usage = text.split("\n", 1)[0]
    options = options_of(own_part(text))
    for name, value in options.items():
        assert f"--{name}" in usage or name in COMMON, usage
        done = run(*command, f"--{name}", *(["x"] if value else []), "--help")
        assert done.returncode == 0, f"--{name}: {done.stderr}"
    unknown = run(*command, "--no-such-option")
    assert unknown.returncode == 2 and usage.split(" [")[0] in unknown.stderr, unknown


def test_the_man_page_describes_no_command_that_is_not_there():
    known = {" ".join(command) for command in COMMANDS} | {command[0] for command in COMMANDS}
    for name in man_entries():
        assert name in known or (name.split()[0],) in COMMANDS, name
    for name in re.findall(r"^\.Cm (\w+)", MAN.split(".Sh SYNOPSIS", 1)[1].split(".Sh DESCRIPTION", 1)[0], re.MULTILINE):
        assert name in known or name in ("get", "up"), name
