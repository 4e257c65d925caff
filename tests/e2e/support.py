"""The real program on a real PostgreSQL, for end-to-end tests: databases, servers, clients. Standard library only."""

import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
import uuid

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("LEXICRAFT_BINARY", str(PROJECT / "build" / "lexicraft"))
TEST_PG = os.environ.get("LEXICRAFT_TEST_PG")
# Where programs under test find a cluster when it is not where tests and migrations do: behind a transaction pooler.
POOLERS = {TEST_PG: os.environ.get("LEXICRAFT_TEST_POOLER")}
IS_POOLED = bool(POOLERS[TEST_PG])
# Instrumented builds are several times slower; a deadline only has to catch what never comes.
PATIENCE_S = float(os.environ.get("LEXICRAFT_TEST_PATIENCE_S", "30"))
# Limits of the program itself that an instrumented build under load runs into, for tests that are about something else.
PATIENT = {
    f"LEXICRAFT_{name}": str(int(PATIENCE_S * 500))
    for name in ("DATABASE_WAIT_MS", "DATABASE_LOCK_MS", "DATABASE_STATEMENT_MS", "DATABASE_IDLE_TRANSACTION_MS")
} | {"LEXICRAFT_HTTP_IDLE_MS": str(int(PATIENCE_S * 20000))}  # a client that is seldom used keeps its connection

OWNER, SERVING = "lexicraft_test_owner", "lexicraft_test_serving"


def wait_for(condition, what, patience_s=None):
    """Call condition until it returns something true, and return that; fail after patience_s."""
    deadline = time.monotonic() + (patience_s or PATIENCE_S)
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pg_url(database, user, base=None):
    """The URL of a database on the test cluster (LEXICRAFT_TEST_PG names its socket as ?host=…)."""
    base = base or TEST_PG
    assert base, "LEXICRAFT_TEST_PG must hold a superuser URL of a throw-away PostgreSQL (script/test sets it)"
    parts = urllib.parse.urlsplit(base)
    query = {k: v[0] for k, v in urllib.parse.parse_qs(parts.query).items()}
    query["user"] = user
    netloc = parts.netloc.rpartition("@")[2]
    return f"postgresql://{netloc}/{database}?{urllib.parse.urlencode(query)}"


def psql(url, sql, check=True):
    """Run SQL and return its output, unaligned, one row a line."""
    done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", url], input=sql, text=True, capture_output=True)
    if check:
        assert done.returncode == 0, f"{sql}\n{done.stderr}"
        return done.stdout.strip()
    return done


class Database:
    """A migrated database of its own, with separate owning and serving roles."""

    def __init__(self, template=None, cluster=None):
        self.cluster = cluster or TEST_PG
        self.name = f"lexicraft_e2e_{uuid.uuid4().hex[:12]}"
        self.admin_url = pg_url("postgres", superuser(self.cluster), self.cluster)
        tail = f" template {template}" if template else ""
        if template and IS_POOLED:
            # The pooler keeps its connections, and what is copied must have none.
            psql(self.admin_url, f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{template}'")
        psql(self.admin_url, f"create database {self.name} owner {OWNER}{tail}")
        self.superuser_url = pg_url(self.name, superuser(self.cluster), self.cluster)
        self.owner_url = pg_url(self.name, OWNER, self.cluster)
        self.url = pg_url(self.name, SERVING, POOLERS.get(self.cluster) or self.cluster)

    def drop(self):
        psql(self.admin_url, f"drop database if exists {self.name} with (force)")

    def sql(self, text):
        return psql(self.superuser_url, text)

    def rows(self, query):
        return json.loads(self.sql(f"select coalesce(json_agg(q), '[]') from ({query}) q"))


def superuser(cluster=None):
    parts = urllib.parse.urlsplit(cluster or TEST_PG)
    query = urllib.parse.parse_qs(parts.query)
    return (query.get("user") or [parts.username or "postgres"])[0]


def ensure_roles(cluster=None):
    admin = pg_url("postgres", superuser(cluster), cluster)
    for role in (OWNER, SERVING):
        exists = psql(admin, f"select 1 from pg_roles where rolname = '{role}'")
        if not exists:
            psql(admin, f"create role {role} login")


SAMPLE_POINTS = [
    (f"t{tier}_{n}", f"word {tier} {n}", kind, tier)
    for tier, kind in [(1, "word"), (2, "word"), (3, "phrase"), (4, "idiom"), (5, "prefix"), (6, "word"), (7, "word")]
    for n in range(1, 31)
]


def sample_definition(word):
    """Made-up words, as different from those of other definitions as questions want them."""
    digits = uuid.uuid5(uuid.NAMESPACE_DNS, word).hex.translate(str.maketrans("0123456789", "ghijklmnop"))
    return " ".join(digits[n:n + 6] for n in range(0, 24, 6))


def load_sample(database):
    values = ",".join(
        f"('{id_}','{word}','{kind}',{tier},'{sample_definition(word)}')" for id_, word, kind, tier in SAMPLE_POINTS
    )
    database.sql(f"insert into learning_points (id, word, type, tier, definition) values {values}")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


class Client:
    """A keep-alive HTTP client; reconnects when the server closed the connection between two requests."""

    def __init__(self, address, token=None):
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)
        self.token = token
        self.connection = None

    def with_token(self, token):
        return Client(f"{self.host}:{self.port}", token)

    def request(self, method, path, body=None, headers=None, raw=None):
        headers = dict(headers or {})
        if self.token and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            raw = json.dumps(body).encode()
        if raw is not None:
            headers.setdefault("Content-Type", "application/json")
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_S)
        try:
            self.connection.request(method, path, raw, headers)
            answer = self.connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.request("POST", path, body, **kwargs)


class Server:
    """One running `lexicraft serve` with a root folder of its own (config.lua, lua/, migrations/; with_words: data/)."""

    def __init__(self, root, database, env=None, api_port=None, admin_port=None, with_words=False):
        self.root = pathlib.Path(root)
        self.database = database
        self.api = f"127.0.0.1:{api_port or free_port()}"
        self.admin = f"127.0.0.1:{admin_port or free_port()}"
        self.extra_env = env or {}
        self.process = None
        self.root.mkdir(parents=True, exist_ok=True)
        for name in ("config.lua", "lua", "migrations") + (("data",) if with_words else ()):
            source, target = PROJECT / name, self.root / name
            if target.exists():
                continue
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        secret = self.root / "var" / "secret"
        secret.parent.mkdir(exist_ok=True)
        if not secret.exists():
            secret.write_text(uuid.uuid4().hex * 2)
            secret.chmod(0o600)
        self.log_path = self.root / "stderr.log"

    def env(self):
        keep = {k: v for k, v in os.environ.items() if not k.startswith("LEXICRAFT_") and k != "DATABASE_URL"}
        keep.update(
            LEXICRAFT_API_LISTEN=self.api,
            LEXICRAFT_ADMIN_LISTEN=self.admin,
            LEXICRAFT_RELOAD_WATCH="false",
            LEXICRAFT_RELOAD_DEADLINE_MS=str(int(PATIENCE_S * 500)),
            LEXICRAFT_LIMITS_REQUESTS_PER_MINUTE="0",
            LEXICRAFT_TEST_CLOCK="1",
            # Every user of a test shares one address and wants hundreds of sign-ups; one pass is what Argon2id needs least.
            LEXICRAFT_AUTH_HASH_MEMORY_BYTES="1048576",
            LEXICRAFT_AUTH_HASH_PASSES="1",
            LEXICRAFT_LIMITS_LOGIN_ATTEMPTS="10000",
            LEXICRAFT_LIMITS_LOGIN_ATTEMPTS_PER_ADDRESS="1000000",
        )
        if self.database:
            keep.update(DATABASE_URL=self.database.url, LEXICRAFT_MIGRATION_URL=self.database.owner_url)
        if IS_POOLED:
            keep.update(LEXICRAFT_DATABASE_PREPARED_STATEMENTS="false")
        keep.update(self.extra_env)
        return {k: v for k, v in keep.items() if v is not None}

    def command(self, *arguments, check=True, env=None, **kwargs):
        """Run another lexicraft command on the same root."""
        merged = self.env()
        merged.update(env or {})
        done = subprocess.run([BINARY, *arguments], cwd=self.root, env=merged, text=True, capture_output=True,
                              timeout=PATIENCE_S * 4, **kwargs)
        if check:
            assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def spawn(self):
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen([BINARY, "serve"], cwd=self.root, env=self.env(), stderr=self.log,
                                        stdout=self.log, stdin=subprocess.DEVNULL)
        return self

    def start(self):
        self.spawn()
        wait_for(self.is_ready_or_dead, "the server to be ready")
        assert self.process.poll() is None, f"the server ended at start:\n{self.stderr()}"
        return self

    def is_ready_or_dead(self):
        return self.process.poll() is not None or self.is_ready()

    def is_ready(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return Client(self.admin).get("/readyz").status == 200
        return False

    def stop(self, expect=0):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE_S * 2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server did not stop on SIGTERM:\n" + self.stderr()[-4000:])
        self.log.close()
        self.process = None
        text = self.stderr()
        assert "Sanitizer" not in text and "runtime error:" not in text, text[-8000:]
        assert expect is None or code == expect, f"exit {code}\n{text[-4000:]}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.process = None

    def stderr(self):
        return self.log_path.read_text(errors="replace")

    def log_lines(self):
        lines = []
        for line in self.stderr().splitlines():
            with contextlib.suppress(ValueError):
                lines.append(json.loads(line))
        return lines

    def client(self, token=None):
        return Client(self.api, token)

    def admin_client(self):
        return Client(self.admin)

    def token(self, role, sub="e2e", ttl="1h"):
        return self.command("token", "--role", role, "--sub", sub, "--ttl", ttl).stdout.strip()

    def reload(self):
        """POST /reload; the answer's status tells (200 done, 422 refused)."""
        return self.admin_client().post("/reload")

    def edit(self, path, old, new):
        file = self.root / path
        text = file.read_text()
        assert old in text, f"{old!r} is not in {path}"
        file.write_text(text.replace(old, new))

    def advance(self, **delta):
        seconds = delta.get("days", 0) * 86400 + delta.get("hours", 0) * 3600 + delta.get("seconds", 0)
        answer = self.admin_client().post("/clock", {"advance_seconds": seconds})
        assert answer.status == 200, answer
        return answer.json

    def metrics(self):
        return self.admin_client().get("/metrics").body.decode()

    def metric(self, name, **labels):
        """Sum of the samples of name whose labels include these."""
        total, found = 0.0, False
        for line in self.metrics().splitlines():
            if line.startswith("#") or not line.startswith(name):
                continue
            head, _, value = line.rpartition(" ")
            if head.split("{")[0] != name:
                continue
            if all(f'{key}="{text}"' in head for key, text in labels.items()):
                total, found = total + float(value), True
        assert found, f"no sample of {name} {labels}"
        return total


class Family:
    """A signed-up parent with one child, and a service's token to report results with."""

    def __init__(self, server):
        self.server = server
        self.email = f"{uuid.uuid4().hex[:12]}@example.org"
        self.password = "correct horse battery"
        anonymous = server.client()
        created = anonymous.post("/v1/users", {"email": self.email, "password": self.password, "name": "Parent"})
        assert created.status == 201, created
        self.user = created.json
        session = anonymous.post("/v1/sessions", {"email": self.email, "password": self.password})
        assert session.status == 200, session
        self.client = anonymous.with_token(session.json["access_token"])
        anonymous.close()
        self.child = self.add_child()
        self.base = f"/v1/children/{self.child['id']}"
        self.service = server.client(server.service_token())

    def add_child(self, name="Mei"):
        answer = self.client.post("/v1/children", {"name": name, "age": 9})
        assert answer.status == 201, answer
        return answer.json

    def learn(self, point, **kwargs):
        answer = self.client.post(f"{self.base}/progress", {"learning_point_id": point}, **kwargs)
        assert answer.status == 201, answer
        return answer.json

    def due(self):
        answer = self.client.get(f"{self.base}/verifications?due=true")
        assert answer.status == 200, answer
        return answer.json["items"]

    def report(self, verification, passed=True, score=None, **kwargs):
        body = {"passed": passed, "score": score if score is not None else (100 if passed else 0), "questions": [],
                "answers": []}
        return self.service.post(f"{self.base}/verifications/{verification}/completion", body, **kwargs)

    def account(self):
        answer = self.client.get(f"{self.base}/account")
        assert answer.status == 200, answer
        return answer.json

    def balances(self):
        account = self.account()
        return tuple(account[name] for name in ("total_earned", "available_points", "locked_points",
                                                "withdrawn_points", "deficit_points"))

    def transactions(self, query=""):
        answer = self.client.get(f"{self.base}/transactions{query}")
        assert answer.status == 200, answer
        return answer.json["items"]

    def pass_next(self):
        """Move the clock until the one open test is due, pass it, return the answer."""
        items = self.client.get(f"{self.base}/verifications").json["items"]
        open_tests = [item for item in items if not item["completed"]]
        assert len(open_tests) == 1, items
        return self.complete_when_due(open_tests[0]["id"], True)

    def complete_when_due(self, verification, passed):
        for _ in range(120):
            answer = self.report(verification, passed)
            if answer.status != 409 or answer.json["code"] != "too_early":
                assert answer.status == 200, answer
                return answer.json
            self.server.advance(days=1)
        raise AssertionError("the test never became due")


def service_token(self):
    """One service token per server, minted once."""
    if not hasattr(self, "_service_token"):
        self._service_token = self.token("service")
    return self._service_token


Server.service_token = service_token


def audit(database):
    """Replay every account from its transactions and check the laws of the ledger; returns what differs."""
    return database.rows("""
        with sums as (
          select a.child_id, a.total_earned, a.available_points, a.locked_points, a.withdrawn_points, a.deficit_points,
                 coalesce(sum(t.total_earned_delta), 0) as te, coalesce(sum(t.available_delta), 0) as av,
                 coalesce(sum(t.locked_delta), 0) as lo, coalesce(sum(t.withdrawn_delta), 0) as wi,
                 coalesce(sum(t.deficit_delta), 0) as de, count(t.id) as n, coalesce(max(t.sequence), 0) as last
          from points_accounts a left join points_transactions t using (child_id)
          group by a.child_id, a.total_earned, a.available_points, a.locked_points, a.withdrawn_points, a.deficit_points)
        select * from sums
        where (te, av, lo, wi, de) is distinct from
              (total_earned, available_points, locked_points, withdrawn_points, deficit_points)
           or n <> last or least(te, av, lo, wi, de) < 0 or te <> av + lo + wi - de or (av > 0 and de > 0)""")


def cursor_of(path, *values):
    """What a list without filters would give as the cursor behind an item with these values."""
    return hashlib.sha256(f"{path}?".encode()).hexdigest()[:16] + "\0".join(values).encode().hex()


def exchange(address, payload, patience_s=None, shutdown=False):
    """Send raw bytes on a fresh connection and return everything the server sends until it closes or is silent."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=patience_s or PATIENCE_S) as wire:
        with contextlib.suppress(ConnectionError):
            wire.sendall(payload)
            if shutdown:
                wire.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            while chunk := wire.recv(65536):
                received += chunk
        return received


@contextlib.contextmanager
def account_held(server, child_id):
    """While this is entered, somebody else has the row of the child's account locked."""
    holder = subprocess.Popen(["psql", "-Xq", server.database.superuser_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    holder.stdin.write(f"begin; select 1 from points_accounts where child_id = '{child_id}' for update; select 'locked';\n")
    holder.stdin.flush()
    assert any("locked" in line for line in holder.stdout)
    try:
        yield
    finally:
        holder.stdin.write("commit;\n")
        holder.stdin.close()
        holder.wait()


def waits_for_lock(server):
    """Does a statement wait for a lock of another transaction?"""
    return server.database.sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") != "0"


def together(count, job):
    """Run job(0..count-1) at the same time, each in a thread; results in order."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(job, range(count)))
