"""Measures the program beside the database alone, and prints one table. script/bench calls this; see there."""

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

import growth
import instructions
import measure
import peers
import report
import statements
from stage import PROJECT, SERVING, Failure, Stage, step

WORKLOADS = ("health", "account", "due", "complete", "mixed")
CONNECTIONS = (1, 64, 256, 1024)
PARENTS, SECONDS, ROUNDS, COUNTED = 2000, 4, 3, 1000
QUICK = {"parents": 200, "seconds": 1, "rounds": 1, "counted": 20}
GIVEN = 50  # points of every child at the beginning, in tests.sql

ANSWERS = {
    "health": lambda text: '"status":"ok"' in text,
    "account": lambda text: f'"total_earned":{GIVEN}' in text,
    "due": lambda text: text.count('"due_at"') == measure.TESTS_PER_CHILD,
    "complete": lambda text: f'"total_earned":{GIVEN + statements.POINTS}' in text,
}


def pgbench_scripts(version):
    """Workload → what pgbench does for it: name, and scripts with their weights."""
    made = {name: script(version) for name, script in statements.SCRIPTS.items()}
    return {
        "account": {"account": {made["account"]: 1}},
        "due": {"due": {made["due"]: 1}},
        "complete": {"complete": {made["complete"]: 1}, "function": {made["function"]: 1}},
        "mixed": {"mixed": {made["account"]: 80, made["due"]: 15, made["complete"]: 5}},
    }


class Cells:
    """Results by name, of every round."""

    def __init__(self):
        self.results = {}

    def add(self, name, result):
        self.results.setdefault(name, []).append(result)
        failed = f", {result.failed} FAILED" if result.failed else ""
        step(f"{name:24} {result.rate:9.0f}/s   p50 {result.p50:8.2f} ms   p99 {result.p99:8.2f} ms{failed}")

    def medians(self):
        return {name: measure.median(results) for name, results in self.results.items()}


def one_round(stage, server, threads, cells, options):
    scripts = pgbench_scripts(stage.database.rule_version())
    for workload in WORKLOADS:
        if workload in ("account", "mixed"):
            stage.database.reset()
        for index, connections in enumerate(options.connections):
            if workload == "complete":
                stage.database.reset()
            # None of a round completes the tests of another one.
            first = index * options.parents * 40 // len(options.connections) if workload == "mixed" else 0
            cells.add(f"{workload}@{connections}",
                      measure.load(stage, server, workload, connections, options.seconds, first))
        for name, weighted in scripts.get(workload, {}).items():
            if workload == "complete" or workload == "mixed":
                stage.database.audit()
                stage.database.reset()
            cells.add(f"pgbench {name}", measure.pgbench(stage, name, weighted, options.seconds))
        if workload == "account":
            cells.add("threads account@64", measure.load(stage, threads, workload, 64, options.seconds))
    stage.database.audit()


def full(stage, options):
    """Everything that script/bench does without arguments."""
    counts, functions = instructions.count(stage, options.profiled, options.counted)
    stage.database.reset()
    return table(stage, options, counts, instructions.shares(functions["account"]))


def table(stage, options, counts=None, shares=None):
    cells = Cells()
    busy = measure.busy_elsewhere()
    stage.database.psql(statements.function(stage.database.rule_version(), SERVING))
    server, threads = stage.server(), peers.blocking_threads(stage)
    measure.check_answers(stage, server, ANSWERS)
    stage.database.reset()
    measure.check_answers(stage, threads, {"account": ANSWERS["account"]})
    # Statements are prepared, memory is there; and how much of it, before more connections than these leave theirs behind.
    memory = max(measure.load(stage, server, workload, 64, 1).memory for workload in WORKLOADS if workload != "mixed")
    for number in range(options.rounds):
        step(f"round {number + 1} of {options.rounds}")
        one_round(stage, server, threads, cells, options)
    return report.Report(cells.medians(), options, busy, counts, shares, {"memory_at_64_mib": round(memory, 1)})


def counted_only(stage, options):
    counts, functions = instructions.count(stage, options.profiled, options.counted)
    for workload in options.profiled:
        instructions.show(workload, counts[workload], functions[workload])
    instructions.show_shares(functions["account"])
    return report.Report({}, options, measure.busy_elsewhere(), counts, instructions.shares(functions["account"]))


def beside_peers(stage, options):
    cells = Cells()
    busy = measure.busy_elsewhere()
    peers.rounds(stage, cells, options, ANSWERS)
    return report.Report(cells.medians(), options, busy)


def growing(_stage, options):
    cells = Cells()
    busy = measure.busy_elsewhere()
    facts = growth.run(cells, options)
    return report.Report(cells.medians(), options, busy, facts=facts)


PARTS = {"all": full, "table": table, "peers": beside_peers, "growth": growing, "instructions": counted_only}


def read_options():
    parser = argparse.ArgumentParser(prog="script/bench", description="What a request costs, beside the database alone.")
    parser.add_argument("part", nargs="?", default="all", choices=PARTS)
    parser.add_argument("--quick", action="store_true", help="seconds in all, little data: does it work? The numbers mean nothing")
    parser.add_argument("--seconds", type=int, help=f"of each measurement; {SECONDS} if not given")
    parser.add_argument("--rounds", type=int, help=f"so often, medians are shown; {ROUNDS} if not given")
    parser.add_argument("--json", type=Path, help="where the numbers go; var/bench-PART.json if not given")
    parser.add_argument("--compare", type=Path, help="such a file of an earlier run: what has changed since")
    parser.add_argument("--cluster", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--binary", type=Path, default=PROJECT / "build" / "lexicraft", help=argparse.SUPPRESS)
    options = parser.parse_args()
    given = {"parents": PARENTS, "seconds": SECONDS, "rounds": ROUNDS, "counted": COUNTED}
    if options.quick:
        given = QUICK
    options.seconds = options.seconds or given["seconds"]
    options.rounds = options.rounds or given["rounds"]
    options.parents, options.counted = given["parents"], given["counted"]
    options.connections = (64,) if options.quick else CONNECTIONS
    options.profiled = ("account",) if options.quick else instructions.WORKLOADS
    options.json = options.json or PROJECT / "var" / f"bench-{options.part}.json"
    return options


def measured(options):
    with tempfile.TemporaryDirectory(prefix="lexicraft-bench-") as work:
        options.work = Path(work)
        if options.part == "growth":
            return growing(None, options)
        with Stage(options.cluster, options.binary, work, options.parents) as stage:
            return PARTS[options.part](stage, options)


def main():
    options = read_options()
    earlier = report.read(options.compare) if options.compare else None
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
    try:
        result = measured(options)
    except Failure as err:
        sys.exit(f"bench: {err}")
    except KeyboardInterrupt:
        sys.exit(130)
    result.show()
    result.write(options.json)
    if earlier:
        result.compare(earlier)
    sys.exit(1 if result.failed() else 0)


if __name__ == "__main__":
    os.umask(0o077)
    main()
