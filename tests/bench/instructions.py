"""Instructions per request, counted by callgrind: the same on a busy machine as on a quiet one, nearly.

One worker serves requests one after the other on one connection, so nothing is shared between requests: a loaded server
needs fewer. Counted is the program alone, neither kernel nor PostgreSQL. The program starts once for each workload and ends
by itself; what starting and ending cost is taken off by counting a second time with fewer requests.
"""

import http.client
import re
import shutil

from measure import requests_of
from stage import PROJECT, Failure, run, step

WORKLOADS = ("health", "account", "due", "complete")
WARM = 100

# What is told apart within `account`: by the name of the function that all of it is in.
PARTS = {"authentication": "verify_token", "gate": "gate_check", "logging": "log_write", "metrics": "metrics_count"}
SHOWN_MOST = 40


def play(stage, server, workload, first, count):
    """Send the requests first, first + 1, … on one connection; every answer must be good."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    token = stage.token_for(workload)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    one = requests_of(workload)
    for n in range(first, first + count):
        method, path, body = one(n)
        kind = {"Content-Type": "application/json"} if body else {}
        connection.request(method, path, body, headers | kind)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise Failure(f"{method} {path} answered {answer.status} {text[:300]}")
    connection.close()


class Profile:
    """What callgrind has written: the total, and of each function what it and all that it calls has used."""

    TOTAL = "in all"

    def __init__(self, path):
        text = run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--show-percs=no", path])
        self.functions = {}
        for number, name in re.findall(r"^\s*([\d,]+)\s+\S*?:([^\s']+)", text, re.M):
            self.functions[name] = max(self.functions.get(name, 0), int(number.replace(",", "")))
        total = re.search(r"^\s*([\d,]+)\s.*PROGRAM TOTALS", text, re.M)
        if not total:
            raise Failure(f"callgrind_annotate shows no total of {path}")
        self.total = self.functions[self.TOTAL] = int(total[1].replace(",", ""))


def unchecked(stage):
    """A copy of config.lua and lua/ without lua/checks: under callgrind they would take longer than they may."""
    copy = stage.work / "unchecked"
    if not copy.exists():
        copy.mkdir()
        shutil.copy(PROJECT / "config.lua", copy)
        shutil.copytree(PROJECT / "lua", copy / "lua")
        shutil.copytree(PROJECT / "migrations", copy / "migrations")
        for check in (copy / "lua" / "checks").iterdir():
            check.write_text("return {}\n")
    return copy


def profile(stage, workload, count):
    """Where callgrind has written what a server used that has answered so many requests."""
    path = stage.work / f"callgrind-{workload}-{count}"
    server = stage.server(["valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={path}"], unchecked(stage),
                          **{"api__workers": 1, "rules__cpu_ms": 1000, "reload__deadline_ms": 120000} | dict.fromkeys(
                              ("database__connect_ms", "database__wait_ms", "database__statement_ms"), 60000))
    play(stage, server, workload, 0, count)
    server.stop()
    return path


def count(stage, workloads, counted):
    """Instructions per request of each workload, and the functions of each that use most, with what they call."""
    counts, functions = {}, {}
    for workload in workloads:
        step(f"counting the instructions of {workload}")
        stage.database.reset()
        few = Profile(profile(stage, workload, WARM))
        stage.database.reset()
        many = Profile(profile(stage, workload, WARM + counted))
        counts[workload] = round((many.total - few.total) / counted)
        functions[workload] = {
            name: round((used - few.functions.get(name, 0)) / counted) for name, used in many.functions.items()
        }
    return counts, functions


def shares(functions):
    """Of all instructions of `account`, the part of each of PARTS. What of it is in Lua is not known apart, and is not in it."""
    missing = PARTS.values() - functions.keys()
    if missing:
        raise Failure(f"no such functions any more: {', '.join(sorted(missing))}; see PARTS in {__file__}")
    return {part: functions[name] / functions[Profile.TOTAL] for part, name in PARTS.items()}


def show_shares(functions):
    print("\nof account: " + ", ".join(f"{part} {share:.1%}" for part, share in shares(functions).items()))


def show(workload, total, functions):
    """The functions of the program's own source that use most, with what they call."""
    print(f"\n{workload}: {total:,} instructions per request")
    own = [(used, name) for name, used in functions.items() if name != Profile.TOTAL and used > total / 200]
    for used, name in sorted(own, reverse=True)[:SHOWN_MOST]:
        print(f"  {used:>9,} {used / total:6.1%}  {name}")
