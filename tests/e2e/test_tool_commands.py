"""Commands written in Lua: how the program finds them and hands over what was typed."""

import subprocess

import pytest

from support import BINARY, Server

ECHO = "for i = 1, #arg do print(arg[i]) end\nprint(arg[0])\nos.exit(7)\n"


@pytest.fixture
def place(tmp_path):
    """A root without a database whose audit is a script that tells what it was given."""
    server = Server(tmp_path / "root", None)
    (server.root / "lua/tools/audit.lua").write_text(ECHO)
    return server


def run(place, *arguments):
    return place.command(*arguments, check=False)


@pytest.mark.parametrize("typed, given", [
    (["audit"], []),
    (["audit", "--help"], ["--help"]),
    (["audit", "-h"], ["-h"]),
    (["audit", "word", "--root", "x", "--help"], ["word", "--root", "x", "--help"]),
    (["audit", "--since", "30d", "-x", "--", "y"], ["--since", "30d", "-x", "--", "y"]),
    (["--set", "http.body_ms=1000", "audit", "--set", "http.idle_ms=1000", "--json"], ["--json"]),
])
def test_the_script_gets_what_stands_behind_its_name(place, typed, given):
    done = run(place, *typed)
    assert done.returncode == 7, done
    assert done.stdout.split("\n")[:-1] == [*given, "lua/tools/audit.lua"]


def test_the_root_may_stand_on_either_side(place, tmp_path):
    for typed in (["--root", place.root, "audit", "a"], ["audit", "--root", place.root, "a"]):
        done = subprocess.run([BINARY, *typed], cwd=tmp_path, env=place.env(), text=True, capture_output=True)
        assert (done.returncode, done.stdout) == (7, "a\nlua/tools/audit.lua\n"), done


def test_it_runs_although_the_rule_files_are_broken(place):
    place.edit("lua/rules/points.lua", "return points", "retrun points")
    assert run(place, "audit").returncode == 7
    done = run(place, "rules", "check")
    assert done.returncode == 1 and "lua/rules/points.lua:" in done.stdout + done.stderr, done


def test_what_is_wrong_is_said(place):
    (place.root / "lua/tools/audit.lua").unlink()
    done = run(place, "audit")
    assert done.returncode == 78 and "lua/tools/audit.lua: no such file" in done.stderr, done
    (place.root / "lua/tools/audit.lua").write_text("return (")
    done = run(place, "audit")
    assert done.returncode == 78 and "lua/tools/audit.lua:1: " in done.stderr, done
    (place.root / "lua/tools/audit.lua").write_text("\nerror('broken')")
    done = run(place, "audit")
    assert done.returncode == 1 and "lua/tools/audit.lua:2: broken" in done.stderr, done
