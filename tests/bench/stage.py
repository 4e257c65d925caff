"""What is measured with: a database of its own, the program serving it, and what both have used so far."""

import contextlib
import http.client
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
READY_S = 120  # callgrind needs a while to start the program
QUIET_S = 30
OWNER, SERVING = "lexicraft_owner", "lexicraft"


class Failure(Exception):
    """What ends a run, said in one sentence."""


def step(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def run(command, **options):
    """What the command prints; Failure with what it complained of."""
    done = subprocess.run([str(part) for part in command], text=True, capture_output=True, **options)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise Failure(f"{Path(command[0]).name} ended with {done.returncode}:\n{tail}")
    return done.stdout


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds} s in vain for {what}")
        time.sleep(0.05)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_s(pid):
    """CPU seconds of a process, and of its children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICKS_PER_S


def children_of(pid):
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from (task / "children").read_text().split()


def family_cpu_s(pid):
    """CPU seconds of a process and of all its descendants."""
    total = cpu_s(pid)
    for child in children_of(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += family_cpu_s(child)
    return total


def family_memory(pid, name="VmRSS"):
    """Bytes of memory of a process and its descendants; VmHWM: at most since forget_peak."""
    total = 0
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            total = int(line.split()[1]) * 1024
    for child in children_of(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += family_memory(child, name)
    return total


def forget_peak(pid):
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    for child in children_of(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            forget_peak(child)


class Database:
    """Made of nothing, migrated, filled with families; dropped at the end."""

    def __init__(self, cluster, binary, environment, parents):
        self.cluster, self.binary, self.environment = cluster, binary, environment
        self.parents, self.name = parents, f"lexicraft_bench_{os.getpid()}"
        for role in (OWNER, SERVING):
            self.psql(f"select format('create role %I login', name) from (values ('{role}')) as wanted (name) "
                      "where not exists (select from pg_roles where rolname = name) \\gexec", "postgres")
        self.psql(f"create database {self.name} owner {OWNER}", "postgres")
        self.psql(f"revoke all on database {self.name} from public; grant connect on database {self.name} to {SERVING}")
        self.pid = int(self.psql("select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)"))
        self.url = self.url_of(self.name, SERVING)
        self.environment |= {"DATABASE_URL": self.url, "LEXICRAFT_MIGRATION_URL": self.url_of(self.name, OWNER)}
        run([binary, "migrate", "up"], env=environment, cwd=PROJECT)

    def url_of(self, database, role):
        parts = urllib.parse.urlsplit(self.cluster)
        query = {key: values[0] for key, values in urllib.parse.parse_qs(parts.query).items()}
        if role:
            query["user"] = role
        return f"postgresql://{parts.netloc.rpartition('@')[2]}/{database}?{urllib.parse.urlencode(query)}"

    def psql(self, text, database=None, **variables):
        """Run SQL as the superuser that the cluster's URL names."""
        settings = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
        return run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *settings, self.url_of(database or self.name, None)],
                   input=text).strip()

    def fill(self):
        step(f"filling in {self.parents} parents, {self.parents * 2} children, {self.parents * 40} tests")
        self.psql((HERE / "families.sql").read_text(), parents=self.parents)
        self.reset()

    def reset(self):
        """Every test open again, every account as it was given. A server may still be at work on what wrk has not waited for."""
        wait_until(self.is_quiet, QUIET_S, "the database to have nothing to do")
        self.psql((HERE / "tests.sql").read_text())

    def is_quiet(self):
        return self.psql("select not exists (select from pg_stat_activity where datname = current_database() "
                         "and pid <> pg_backend_pid() and state <> 'idle' and backend_type = 'client backend')") == "t"

    def rule_version(self):
        return self.psql("select version from rule_versions order by created_at desc limit 1")

    def audit(self):
        """The ledger must be as lawful after the load as before."""
        run([self.binary, "audit"], env=self.environment, cwd=PROJECT)

    def drop(self):
        self.psql(f"drop database if exists {self.name} with (force)", "postgres")


class Server:
    """A process that serves HTTP on a port of its own: the program, or one that it is compared with."""

    def __init__(self, name, command, port, ready, log, environment, cwd=PROJECT):
        self.name, self.port, self.log = name, port, log
        # Whatever ends this program ends the server.
        command = ["setpriv", "--pdeathsig", "TERM", "--", *command]
        with open(log, "wb") as output:
            self.process = subprocess.Popen([str(part) for part in command], env=environment, cwd=cwd, stdout=output,
                                            stderr=output, start_new_session=True)
        self.pid = self.process.pid
        try:
            wait_until(lambda: self.gone() or self.answers(*ready), READY_S, f"{name} to answer")
        except Failure:
            self.stop()
            raise
        if self.gone():
            tail = "\n".join(Path(log).read_text(errors="replace").splitlines()[-5:])
            raise Failure(f"{name} did not start:\n{tail}")

    def gone(self):
        return self.process.poll() is not None

    @staticmethod
    def answers(port, path):
        try:
            status, _ = get(port, path)
            return status == 200
        except OSError:
            return False

    def stop(self):
        if self.gone():
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()


def get(port, path, token=None, method="GET", body=None):
    """Status and text of one answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except http.client.HTTPException as err:
        raise ConnectionError(str(err)) from err
    finally:
        connection.close()


class Stage:
    """All of it together; use it in a with statement."""

    def __init__(self, cluster, binary, work, parents, stride=1):
        self.binary, self.work, self.parents, self.stride = Path(binary).resolve(), Path(work), parents, stride
        raise_file_limit()
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("LEXICRAFT_", "PG")) and name != "DATABASE_URL"}
        self.environment = kept | {"LEXICRAFT_AUTH_KEY": os.urandom(24).hex(), "LEXICRAFT_RELOAD_WATCH": "false"}
        self.stack = contextlib.ExitStack()
        self.database = Database(cluster, self.binary, self.environment, parents * stride)
        self.stack.callback(self.database.drop)
        self.servers = 0
        self.tokens = self.work / "tokens"

    def __enter__(self):
        try:
            with contextlib.closing(self.server()) as first:  # a first start stores the version of the rules
                first.stop()
            self.database.fill()
            self.tokens.write_text(run([self.binary, "lua", "tests/bench/tokens.lua", self.parents, self.stride],
                                       env=self.environment, cwd=PROJECT))
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def token_for(self, workload):
        """Of a service, which reports results; of a parent, which reads; none for what is public."""
        if workload == "health":
            return None
        service, parent = self.tokens.read_text().splitlines()[:2]
        return service if workload == "complete" else parent

    def server(self, prefix=(), cwd=PROJECT, **settings):
        """The program; a setting is named like http__body_bytes_max."""
        port, admin = free_port(), free_port()
        flags = [f"--set={name.replace('__', '.')}={value}" for name, value in settings.items()]
        command = [*prefix, self.binary, "serve", f"--set=api.listen=127.0.0.1:{port}",
                   f"--set=admin.listen=127.0.0.1:{admin}", *flags]
        started = self.started("lexicraft", command, port, (admin, "/readyz"), self.environment, cwd)
        started.admin = admin
        return started

    def started(self, name, command, port, ready, environment, cwd=PROJECT):
        self.servers += 1
        server = Server(name, command, port, ready, self.work / f"{name}-{self.servers}.log", environment, cwd)
        server.close = server.stop
        self.stack.callback(server.stop)
        return server


def raise_file_limit():
    """Ten thousand connections need as many files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
