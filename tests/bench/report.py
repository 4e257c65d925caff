"""What was measured: a table, targets, JSON, and what has changed since an earlier run."""

import dataclasses
import datetime
import json
import os
import platform
import subprocess
from pathlib import Path

from measure import Result
from stage import PROJECT, Failure

BUSY_MAX = 0.1  # more of the machine used by others than this, and the numbers are not worth much
COLUMNS = (
    ("requests/s", "rate", "{:.0f}"), ("p50 ms", "p50", "{:.2f}"), ("p99 ms", "p99", "{:.2f}"), ("failed", "failed", "{}"),
    ("server", "server_cpu", "{:.3f}"), ("database", "database_cpu", "{:.3f}"), ("MiB", "memory", "{:.1f}"),
)


def read(path):
    try:
        return json.loads(Path(path).read_text())
    except (OSError, ValueError) as err:
        raise SystemExit(f"bench: {path}: {err}") from err


def machine():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return f"{os.cpu_count()} × {line.split(':', 1)[1].strip()}"
    return f"{os.cpu_count()} × {platform.machine()}"


def commit():
    said = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=PROJECT, capture_output=True, text=True)
    return said.stdout.strip() or "unknown"


class Report:
    def __init__(self, cells, options, busy, counts=None, shares=None, facts=None):
        self.cells, self.options, self.busy = cells, options, busy
        self.counts, self.shares, self.facts = counts or {}, shares or {}, facts or {}

    def failed(self):
        return sum(result.failed for result in self.cells.values())

    def rate(self, name):
        return self.cells[name].rate if name in self.cells else None

    def baseline(self, name):
        """What this cell is a ratio to: pgbench with the statements of the same workload."""
        workload = name.split()[-1].split("@")[0]
        return self.rate(f"pgbench {'complete' if workload == 'function' else workload}")

    def show(self):
        print(f"\n{machine()}, {commit()}, {datetime.date.today()}; medians of {self.options.rounds} of "
              f"{self.options.seconds} s; CPU in seconds per 1,000 requests")
        if self.busy > BUSY_MAX:
            print(f"*** {self.busy:.0%} of the machine were used by others before the run: do not trust these numbers ***")
        if self.cells:
            self.show_cells()
        if self.counts:
            print("\ninstructions of one worker per request, one after the other:")
            print("  " + ", ".join(f"{workload} {count:,}" for workload, count in self.counts.items()))
        for fact, value in self.facts.items():
            print(f"{fact}: {value}")
        if self.targets():
            print(f"\n{'to reach':62} {'reached':>10}")
            for name, wanted, reached, good in self.targets():
                print(f"{name:50} {wanted:>11} {reached:>10.2f}  {'yes' if good else 'NO'}")

    def show_cells(self):
        print(f"\n{'':30}" + "".join(f"{title:>11}" for title, _, _ in COLUMNS) + f"{'× pgbench':>11}")
        for name, result in self.cells.items():
            row = "".join(f"{form.format(getattr(result, field)):>11}" for _, field, form in COLUMNS)
            baseline = self.baseline(name)
            print(f"{name:30}{row}" + (f"{result.rate / baseline:>11.2f}" if baseline else f"{'-':>11}"))

    def targets(self):
        """Name, what is wanted, what was reached, whether that is enough; of what was measured."""
        found = []

        def ratio(name, over, under, least):
            upper, lower = self.rate(over), self.rate(under)
            if upper and lower:
                found.append((name, f">= {least}", upper / lower, upper / lower >= least))

        def at_most(name, value, most):
            found.append((name, f"<= {most}", value, value <= most))

        ratio("account, × pgbench", "account@64", "pgbench account", 1.1)
        ratio("account, × 16 blocking threads", "account@64", "threads account@64", 2.5)
        ratio("due, × pgbench", "due@64", "pgbench due", 0.7)
        ratio("complete, × pgbench, one statement by one", "complete@64", "pgbench complete", 1.5)
        ratio("complete, × pgbench, one function", "complete@64", "pgbench function", 1.0)
        ratio("health, × account", "health@64", "account@64", 2)
        for workload in ("account", "due", "complete", "mixed"):
            ratio(f"{workload}, × FastAPI with SQLAlchemy", f"{workload}@64", f"sqlalchemy {workload}@64", 10)
            ratio(f"{workload}, × FastAPI with asyncpg", f"{workload}@64", f"asyncpg {workload}@64",
                  2 if workload == "complete" else 3)
        for connections, most in ((64, 3), (256, 4)):
            for name, result in self.cells.items():
                if name.endswith(f"@{connections}") and " " not in name:
                    at_most(f"p99 / p50 of {name}", result.p99 / result.p50, most)
        if "memory_at_64_mib" in self.facts:
            at_most("memory at 64 connections, MiB", self.facts["memory_at_64_mib"], 30)
        if self.shares:
            at_most("authentication, gate, logging, metrics: % of account", sum(self.shares.values()) * 100, 15)
        if "idle_connection_bytes" in self.facts:
            at_most("memory of an idle connection, KiB", self.facts["idle_connection_bytes"] / 1024, 12)
        return found

    def write(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({
            "when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "machine": machine(),
            "commit": commit(), "rounds": self.options.rounds, "seconds": self.options.seconds, "quick": self.options.quick,
            "busy_elsewhere": round(self.busy, 3),
            "cells": {name: dataclasses.asdict(result) for name, result in self.cells.items()},
            "instructions": self.counts, "shares": self.shares, "facts": self.facts,
            "targets": [{"name": name, "wanted": wanted, "reached": reached, "good": good}
                        for name, wanted, reached, good in self.targets()],
        }, indent=2, ensure_ascii=False) + "\n")
        print(f"\nwritten: {path}")

    def compare(self, earlier):
        """Now over then, of what both have measured."""
        print(f"\nsince {earlier['commit']} of {earlier['when']}, now ÷ then")
        both = [name for name in self.cells if name in earlier["cells"]]
        if both:
            titles = ("requests/s", "p50", "p99", "server", "database", "memory")
            print(f"{'':30}" + "".join(f"{title:>11}" for title in titles))
        for name in both:
            now, then = self.cells[name], Result(**earlier["cells"][name])
            fields = ("rate", "p50", "p99", "server_cpu", "database_cpu", "memory")
            print(f"{name:30}" + "".join(f"{over(getattr(now, field), getattr(then, field)):>11}" for field in fields))
        for workload, count in self.counts.items():
            if workload in earlier["instructions"]:
                then = earlier["instructions"][workload]
                print(f"instructions of {workload:14} {then:>11,} → {count:>11,} {over(count, then):>8}")
        if not both and not self.counts:
            raise Failure("the earlier run has measured nothing that this one has")


def over(now, then):
    return f"{now / then:.2f}" if then else "-"
