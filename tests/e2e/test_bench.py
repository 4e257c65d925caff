"""script/bench still measures: every workload, quickly. Its numbers mean nothing here."""

import json
import subprocess
import sys

import support

PROGRAM = support.PROJECT / "tests" / "bench" / "bench.py"
WORKLOADS = {"health", "account", "due", "complete", "mixed"}


def bench(path, *arguments):
    return subprocess.run(
        [sys.executable, "-B", PROGRAM, *arguments, "--quick", "--cluster", support.TEST_PG, "--binary", support.BINARY,
         "--json", path], capture_output=True, text=True, timeout=support.PATIENCE_S * 20)


def test_every_workload_is_measured_and_compared(tmp_path):
    # callgrind cannot run an instrumented program.
    part = "all" if support.PATIENCE_S <= 30 else "table"
    done = bench(tmp_path / "first.json", part)
    assert done.returncode == 0, done.stdout + done.stderr
    measured = json.loads((tmp_path / "first.json").read_text())
    cells = measured["cells"]
    assert {name.removesuffix("@64") for name in cells if " " not in name} == WORKLOADS
    assert {"pgbench account", "pgbench due", "pgbench complete", "pgbench function", "threads account@64"} <= cells.keys()
    assert all(cell["rate"] > 0 and cell["failed"] == 0 for cell in cells.values())
    assert all(cell["server_cpu"] > 0 and cell["memory"] > 0 for name, cell in cells.items() if "@" in name)
    if part == "all":
        assert measured["instructions"]["account"] > 0
        assert all(0 < share < 1 for share in measured["shares"].values())


def test_an_earlier_run_that_cannot_be_read_is_said_first(tmp_path):
    done = bench(tmp_path / "numbers.json", "table", "--compare", tmp_path / "none.json")
    assert done.returncode == 1 and "none.json" in done.stderr
    assert not (tmp_path / "numbers.json").exists()
