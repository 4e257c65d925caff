"""What changes with size and trouble: more data, idle connections, one worker or two, reloads under load, a slow database."""

import contextlib
import dataclasses
import shutil
import socket
import subprocess
import sys
import threading
import urllib.parse

import measure
from stage import HERE, PROJECT, Failure, Stage, family_memory, get, step

FACTORS = (1, 10, 100)
WORKLOADS = ("account", "due", "complete")
CONNECTIONS, WAITING = 64, 1000
IDLE = 10000
DELAY_MS = 50
RELOAD_S = 1


def run(cells, options):
    """Facts besides the cells."""
    facts = {}
    factors, idle = (FACTORS, IDLE) if not options.quick else (FACTORS[:1], 100)
    for factor in factors:
        work = options.work / f"data-{factor}"
        work.mkdir()
        # The tokens stay as many; their parents are spread over all the data.
        with Stage(options.cluster, options.binary, work, options.parents, factor) as stage:
            more_data(stage, cells, options, factor)
            if factor == FACTORS[0]:
                facts |= idle_connections(stage, idle)
                workers(stage, cells, options)
                facts |= reloads(stage, cells, options)
                facts |= slow_database(stage, cells, options)
    return facts


def load(stage, cells, name, server, workload, connections, seconds, first=0):
    result = measure.load(stage, server, workload, connections, seconds, first)
    cells.add(name, result)
    return result


def more_data(stage, cells, options, factor):
    server = stage.server()
    # Making all that data anew would take long: every round completes tests of its own.
    share = stage.parents * 40 // (options.rounds + 1)
    for workload in WORKLOADS:
        measure.load(stage, server, workload, CONNECTIONS, 1, share * options.rounds)
        for number in range(options.rounds):
            name = f"{factor} × data {workload}@{CONNECTIONS}"
            load(stage, cells, name, server, workload, CONNECTIONS, options.seconds, share * number)
    server.stop()
    stage.database.audit()
    if factor == FACTORS[0]:
        stage.database.reset()


def idle_connections(stage, count):
    """Each has been answered once and then stays."""
    step(f"{count} idle connections")
    server = stage.server(http__connections_max=count + 100, api__workers=2)
    measure.load(stage, server, "account", CONNECTIONS, 1)
    token = stage.token_for("account")
    request = (f"GET {measure.child_path(0)}/account HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n").encode()
    before = family_memory(server.pid)
    with contextlib.ExitStack() as opened:
        for _ in range(count):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            connection.sendall(request)
            if not connection.recv(65536).startswith(b"HTTP/1.1 200 "):
                raise Failure("a connection that was to stay idle was not answered well")
        each = (family_memory(server.pid) - before) / count
        status, _ = get(server.port, "/v1/health")
        if status != 200:
            raise Failure(f"beside {count} idle connections a new one was answered {status}")
    server.stop()
    return {"idle_connections": count, "idle_connection_bytes": round(each)}


def workers(stage, cells, options):
    servers = {count: stage.server(api__workers=count) for count in (1, 2)}
    for _ in range(options.rounds):
        for workload in ("account", "complete"):
            for count, server in servers.items():
                stage.database.reset()
                name = f"{count} worker{'s' if count > 1 else ''} {workload}@{CONNECTIONS}"
                load(stage, cells, name, server, workload, CONNECTIONS, options.seconds)
    for server in servers.values():
        server.stop()


class Reloads:
    """Another number in a rule file and SIGHUP's twin, `lexicraft reload`, again and again."""

    def __init__(self, stage, server, root):
        self.stage, self.server, self.root = stage, server, root
        self.ended, self.done, self.faults = threading.Event(), 0, []
        self.thread = threading.Thread(target=self.repeat)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def repeat(self):
        rules = self.root / "lua" / "rules" / "limits.lua"
        original = rules.read_text()
        while not self.ended.wait(RELOAD_S):
            rules.write_text(f"{original}-- version {self.done + 1}\n")
            said = subprocess.run([self.stage.binary, "reload", f"--set=admin.listen=127.0.0.1:{self.server.admin}"],
                                  env=self.stage.environment, cwd=self.root, capture_output=True, text=True)
            if said.returncode:
                self.faults.append(said.stderr.strip())
            else:
                self.done += 1


def copied_root(stage):
    root = stage.work / "root"
    root.mkdir()
    shutil.copy(PROJECT / "config.lua", root)
    for folder in ("lua", "migrations"):
        shutil.copytree(PROJECT / folder, root / folder)
    return root


def reloads(stage, cells, options):
    root = copied_root(stage)
    server = stage.server(cwd=root)
    seconds = max(options.seconds, 3 * RELOAD_S)
    load(stage, cells, f"no reloads account@{CONNECTIONS}", server, "account", CONNECTIONS, seconds)
    with Reloads(stage, server, root) as reloading:
        load(stage, cells, f"reloads account@{CONNECTIONS}", server, "account", CONNECTIONS, seconds)
    server.stop()
    if reloading.faults or not reloading.done:
        raise Failure(f"{reloading.done} reloads under load, and {len(reloading.faults)} that failed: {reloading.faults[:1]}")
    return {"reloads_under_load": reloading.done}


@dataclasses.dataclass
class Slowness:
    """A way to the database on which every answer takes DELAY_MS longer. Runs as a process of its own: delay.py."""
    process: subprocess.Popen
    url: str

    def stop(self):
        self.process.terminate()
        self.process.wait()


def slow_way(stage):
    parts = urllib.parse.urlsplit(stage.database.url)
    query = {key: values[0] for key, values in urllib.parse.parse_qs(parts.query).items()}
    folder = stage.work / "slow"
    folder.mkdir()
    process = subprocess.Popen([sys.executable, "-B", HERE / "delay.py", f"{query['host']}/.s.PGSQL.5432",
                                f"{folder}/.s.PGSQL.5432", str(DELAY_MS)], stdout=subprocess.PIPE)
    if process.stdout.readline() != b"ready\n":
        raise Failure("delay.py did not start")
    query["host"] = str(folder)
    return Slowness(process, f"postgresql://{parts.netloc}{parts.path}?{urllib.parse.urlencode(query)}")


def slow_database(stage, cells, options):
    slow = slow_way(stage)
    near = stage.environment
    try:
        stage.environment = near | {"DATABASE_URL": slow.url}
        server = stage.server()
        stage.environment = near
        result = load(stage, cells, f"slow database account@{WAITING}", server, "account", WAITING, max(options.seconds, 2))
        load(stage, cells, f"slow database health@{CONNECTIONS}", server, "health", CONNECTIONS, options.seconds)
        server.stop()
    finally:
        slow.stop()
    return {"slow_database_ms": DELAY_MS, "slow_database_p99_ms": result.p99}
