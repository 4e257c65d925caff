"""Other servers that do the same with the same statements: a pool of blocking threads, and the stack of the server before
this one. Two processes each of those, as the program has two workers on two cores."""

import os

import measure
import statements
from stage import HERE, PROJECT, Failure, free_port, run

PROCESSES = "2"
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's packages
STACKS = ("sqlalchemy", "asyncpg")
WORKLOADS = ("health", "account", "due", "complete", "mixed")
CONNECTIONS = 64


def blocking_threads(stage):
    """tests/bench/peers/threads.c, compiled and started."""
    program, text = stage.work / "threads", stage.work / "account.statement"
    text.write_text(statements.statement("points_accounts", "find"))
    libraries = ("libpq", "libmicrohttpd", "libsodium")
    flags = run(["pkg-config", "--cflags", "--libs", *libraries]).split()
    run(["cc", "-O2", "-o", program, HERE / "peers" / "threads.c", *flags])
    port = free_port()
    return stage.started("threads", [program, text], port, (port, "/v1/health"), stage.environment | {"PORT": str(port)})


def stack(stage, name):
    port = free_port()
    path = os.pathsep.join((str(HERE / "peers"), str(HERE)))
    command = [PYTHON, "-B", "-m", "uvicorn", f"with_{name}:app", "--host", "127.0.0.1", "--port", port, "--workers", PROCESSES,
               "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    try:
        return stage.started(name, command, port, (port, "/v1/health"), stage.environment | {"PYTHONPATH": path}, PROJECT)
    except Failure as err:
        raise Failure(f"{err}\n(script/bootstrap bench installs what it needs)") from err


def rounds(stage, cells, options, answers):
    servers = {"": stage.server()} | {f"{name} ": stack(stage, name) for name in STACKS}
    for server in servers.values():
        stage.database.reset()
        measure.check_answers(stage, server, answers)
    for _ in range(options.rounds):
        for workload in WORKLOADS:
            for prefix, server in servers.items():
                if workload in ("account", "complete", "mixed"):
                    stage.database.reset()
                cells.add(f"{prefix}{workload}@{CONNECTIONS}",
                          measure.load(stage, server, workload, CONNECTIONS, options.seconds))
                if workload == "complete":
                    stage.database.audit()
