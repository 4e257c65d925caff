"""One measurement: wrk against a server, or pgbench against the database, and what it cost."""

import dataclasses
import os
import re
import statistics
import threading
import time

from stage import HERE, Failure, cpu_s, family_cpu_s, family_memory, forget_peak, get, run

WRK_THREADS = 2
PGBENCH_CLIENTS, PGBENCH_THREADS = 16, 2
TESTS_PER_CHILD, CHILDREN_PER_PARENT = 20, 2


@dataclasses.dataclass
class Result:
    """Times in milliseconds, CPU in seconds for each thousand requests, memory in MiB."""
    rate: float
    p50: float
    p99: float
    failed: int = 0
    server_cpu: float = 0
    database_cpu: float = 0
    memory: float = 0


def median(results):
    """Of each number the median; failures are added up."""
    columns = {field.name: [getattr(result, field.name) for result in results] for field in dataclasses.fields(Result)}
    middle = {name: statistics.median(values) for name, values in columns.items()}
    return Result(**{**middle, "failed": sum(columns["failed"])})


class Meter:
    """CPU that a server and PostgreSQL use between two moments. That of a server which only PostgreSQL has is left out."""

    def __init__(self, database_pid, server_pid=None):
        self.database_pid, self.server_pid = database_pid, server_pid
        if server_pid:
            forget_peak(server_pid)
        self.before = self.read()
        self.began = time.monotonic()

    def read(self):
        return (family_cpu_s(self.server_pid) if self.server_pid else 0), family_cpu_s(self.database_pid)

    def into(self, result):
        seconds = time.monotonic() - self.began
        thousands = max(result.rate * seconds / 1000, 0.001)
        server, database = (now - before for now, before in zip(self.read(), self.before))
        result.server_cpu, result.database_cpu = server / thousands, database / thousands
        if self.server_pid:
            result.memory = family_memory(self.server_pid, "VmHWM") / 2**20
        return result


def load(stage, server, workload, connections, seconds, first=0):
    """wrk for so many seconds."""
    threads = min(WRK_THREADS, connections)
    meter = Meter(stage.database.pid, server.pid)
    said = run(["wrk", "-t", threads, "-c", connections, "-d", f"{seconds}s", "--timeout", "10s", "-s", HERE / "load.lua",
                f"http://127.0.0.1:{server.port}", "--", workload, stage.tokens, threads, stage.stride, first])
    found = re.search(r"^result (\S+) (\S+) (\S+) (\d+) (\d+)$", said, re.M)
    if not found:
        raise Failure(f"wrk said nothing of what it measured:\n{said}")
    rate, p50, p99 = (float(found[n]) for n in (1, 2, 3))
    if first + int(found[5]) * threads > stage.parents * CHILDREN_PER_PARENT * TESTS_PER_CHILD:
        raise Failure(f"{workload}: there were not enough tests to complete in {seconds} s; take fewer seconds")
    return meter.into(Result(rate, p50, p99, int(found[4])))


def pgbench(stage, name, weighted, seconds, clients=PGBENCH_CLIENTS):
    """The database alone, with scripts and how often each is taken. Every transaction's time is logged: its third field, in
    microseconds."""
    files = []
    for number, (script, weight) in enumerate(weighted.items()):
        path = stage.work / f"{name}-{number}.sql"
        path.write_text(script)
        files += ["-f", f"{path}@{weight}"]
    prefix = stage.work / f"times-{name}"
    meter = Meter(stage.database.pid)
    said = run(["pgbench", "-n", "-M", "prepared", "-c", clients, "-j", min(PGBENCH_THREADS, clients), "-T", seconds,
                *files, "-l", f"--log-prefix={prefix}", "-D", f"parents={stage.parents}", "-D", f"stride={stage.stride}",
                "-D", "i=-1", "-D", f"clients={clients}", stage.database.url])
    rate = float(re.search(r"^tps = ([0-9.]+)", said, re.M)[1])
    failed = int((re.search(r"^number of failed transactions: (\d+)", said, re.M) or [0, 0])[1])
    times = []
    for log in stage.work.glob(f"times-{name}.*"):
        times += [int(line.split(" ", 3)[2]) for line in log.read_text().splitlines()]
        os.remove(log)
    if not times:
        raise Failure(f"pgbench did nothing in {seconds} s:\n{said}")
    times.sort()
    return meter.into(Result(rate, times[len(times) // 2] / 1000, times[len(times) * 99 // 100] / 1000, failed))


def child_path(n):
    return f"/v1/children/00000000-0000-0000-0002-{n:012}"


def requests_of(workload):
    """The first requests of a workload, one for each n: method, path, body."""
    def one(n):
        if workload == "health":
            return "GET", "/v1/health", None
        if workload == "complete":
            return ("POST", f"{child_path(n)}/verifications/{n * TESTS_PER_CHILD + 1}/completion",
                    '{"passed":true,"score":100,"questions":[],"answers":[]}')
        own = child_path(n % CHILDREN_PER_PARENT)  # of the first parent
        return "GET", f"{own}/account" if workload == "account" else f"{own}/verifications?due=true", None
    return one


def check_answers(stage, server, checks):
    """Does the server do what is measured? checks: workload → what its answer must hold."""
    for workload, holds in checks.items():
        method, path, body = requests_of(workload)(0)
        status, text = get(server.port, path, stage.token_for(workload), method, body)
        if status != 200 or not holds(text):
            raise Failure(f"{server.name}: {method} {path} answered {status} {text[:300]}")
        if workload != "health":
            status, _ = get(server.port, path, "no.good.token", method, body)
            if status != 401:
                raise Failure(f"{server.name}: {method} {path} with a bad token answered {status}")


def busy_elsewhere(seconds=1):
    """How much of the machine others use, 0 to 1: numbers of a busy one are worth nothing."""
    def read():
        values = [int(value) for value in open("/proc/stat").readline().split()[1:]]
        return sum(values[:8]), values[3] + values[4]
    total, idle = read()
    mine = cpu_s("self")
    threading.Event().wait(seconds)
    total_now, idle_now = read()
    used = (total_now - total) - (idle_now - idle)
    return max(0, used / max(1, total_now - total) - (cpu_s("self") - mine) / seconds / os.cpu_count())
