"""PostgreSQL goes away and comes back; backends are killed; behind a transaction pooler."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import pytest

from pooler import Pooler
from support import (IS_POOLED, OWNER, POOLERS, PROJECT, SERVING, TEST_PG, Client, Database, Family, Server, account_held, audit,
                     ensure_roles, load_sample, pg_url, psql, wait_for)

DELAY = PROJECT / "tests" / "bench" / "delay.py"
BIN = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), default=pathlib.Path("/usr/bin"))


class Cluster:
    """A PostgreSQL that a test may stop. Durable: what it acknowledged must survive an immediate stop."""

    def __init__(self):
        self.options = ""
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="lexi-"))
        self.data = self.base / "data"
        self.as_root = os.geteuid() == 0
        if self.as_root:
            shutil.chown(self.base, "postgres", "postgres")
        self.run("initdb", "-D", str(self.data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")
        self.url = f"postgresql:///postgres?host={self.base}&user=postgres"
        self.start()
        if IS_POOLED:
            self.pooler = Pooler(self.url)
            POOLERS[self.url] = self.pooler.url

    def run(self, program, *arguments):
        command = [str(BIN / program), *arguments]
        if self.as_root:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.base)

    def start(self):
        self.run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.base / "log"), "-o",
                 f"-c listen_addresses='' -c unix_socket_directories={self.base} -c max_connections=60{self.options}", "start")

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def remove(self):
        if IS_POOLED:
            del POOLERS[self.url]
            self.pooler.remove()
        self.stop("immediate")
        shutil.rmtree(self.base)


@pytest.fixture(scope="module")
def cluster():
    own = Cluster()
    ensure_roles(own.url)
    yield own
    own.remove()


@pytest.fixture
def fragile(cluster, tmp_path):
    """A server on a cluster the test may stop."""
    database = Database(cluster=cluster.url)
    server = Server(tmp_path / "root", database)
    server.command("migrate", "up")
    load_sample(database)
    server.start()
    yield server
    server.stop()
    assert audit(database) == []
    database.drop()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_under_load_loses_nothing_acknowledged(fragile, cluster, mode):
    families = [Family(fragile) for _ in range(4)]
    acknowledged, refused, stop = [], [], threading.Event()

    def learn(family):
        client = Client(fragile.api, family.client.token)
        number = 0
        while not stop.is_set() and number < 20:
            point = f"t{number % 7 + 1}_{number + 1}"
            try:
                answer = client.post(f"{family.base}/progress", {"learning_point_id": point},
                                     headers={"Idempotency-Key": point})
            except OSError as error:
                refused.append(error)
                continue
            if answer.status in (201, 409):
                acknowledged.append((family.child["id"], point))
                number += 1
            else:
                assert answer.status in (503, 504), answer
                refused.append(answer)

    def read(family):
        client = Client(fragile.api, family.client.token)
        while not stop.is_set():
            answer = client.get(f"{family.base}/account")
            assert answer.status in (200, 503, 504), answer

    crashed = []

    def guarded(job, family):
        try:
            job(family)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            crashed.append(error)

    threads = [threading.Thread(target=guarded, args=(job, family)) for family in families for job in (learn, read)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(acknowledged) >= 8, "some acknowledged writes")
    cluster.stop(mode)
    assert fragile.admin_client().get("/healthz").status == 200
    wait_for(lambda: fragile.admin_client().get("/readyz").status == 503, "readiness to be withdrawn")
    down = families[0].client.get(f"{families[0].base}/account")
    assert down.status == 503 and int(down.headers["Retry-After"]) >= 1, down
    cluster.start()
    accepted = time.monotonic()
    wait_for(lambda: families[0].client.get(f"{families[0].base}/account").status == 200, "the first success")
    recovery = time.monotonic() - accepted
    wait_for(lambda: len(acknowledged) >= 70, "work to go on", 90)
    stop.set()
    for thread in threads:
        thread.join()
    assert crashed == []
    for child, point in set(acknowledged):
        found = fragile.database.sql(
            f"select count(*) from learning_progress where child_id = '{child}' and learning_point_id = '{point}'")
        assert found == "1", (child, point)
    # Generous for an instrumented build; the wait between attempts is at most a second.
    assert recovery < float(os.environ.get("LEXICRAFT_TEST_RECOVERY_S", "10"))


def test_killed_backends_are_replaced(fragile):
    family = Family(fragile)
    for _ in range(10):
        fragile.database.sql(f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{SERVING}'")
        wait_for(lambda: family.client.get(f"{family.base}/account").status == 200, "a fresh connection")
    family.learn("t1_1")
    assert family.pass_next()["account"]["total_earned"] == 10


def test_a_cold_start_without_a_database_waits_for_it(cluster, tmp_path):
    database = Database(cluster=cluster.url)
    server = Server(tmp_path / "root", database)
    server.command("migrate", "up")
    cluster.stop()
    try:
        server.spawn()
        admin = server.admin_client()

        def alive():
            try:
                return admin.get("/healthz").status == 200
            except OSError:
                return False

        wait_for(alive, "the admin port")
        assert admin.get("/readyz").status == 503
        assert server.process.poll() is None
    finally:
        cluster.start()
    wait_for(server.is_ready, "the server to become ready by itself")
    assert server.client().get("/v1/health").status == 200
    server.stop()
    database.drop()


def test_a_reload_without_a_database_changes_nothing(fragile, cluster):
    before = fragile.client().get("/v1/health").json["rule_version"]
    path = fragile.root / "lua/rules/points.lua"
    path.write_text(path.read_text() + "\n-- while PostgreSQL is away\n")
    cluster.stop()
    try:
        answer = fragile.reload()
        assert answer.status == 422 and answer.json["faults"], answer
        assert fragile.client().get("/v1/health").json["rule_version"] == before
    finally:
        cluster.start()
    wait_for(lambda: fragile.reload().status == 200, "the reload to succeed")
    assert fragile.client().get("/v1/health").json["rule_version"] != before


def test_a_migration_that_changes_a_table_under_prepared_statements(fragile):
    family = Family(fragile)
    for _ in range(20):
        family.account()
    family.learn("t1_1")
    psql(fragile.database.superuser_url, "drop trigger points_accounts_keep_laws on points_accounts;"
                                         "drop function broken_law(points_accounts);"
                                         "alter table points_accounts alter column updated_at type timestamptz(3);"
                                         "alter table verification_schedule add column remark text;"
                                         "alter table learning_progress add column remark text")
    for _ in range(20):
        assert family.account()["total_earned"] == 0
    assert family.pass_next()["account"]["total_earned"] == 10


def test_more_requests_than_connections_wait_their_turn(fragile):
    from support import together
    families = [Family(fragile) for _ in range(4)]
    answers = together(60, lambda n: Client(fragile.api, families[n % 4].client.token).post(
        f"{families[n % 4].base}/progress", {"learning_point_id": f"t{n // 4 % 7 + 1}_{n // 4 + 1}"}))
    assert {answer.status for answer in answers} == {201}, answers


def test_waiting_is_bounded(fragile):
    """With every account locked and little room to wait, the surplus is refused at once with Retry-After."""
    from support import together
    fragile.edit("config.lua", "exclusive_connections = 10", "exclusive_connections = 2")
    fragile.edit("config.lua", "waiting_max = 2000", "waiting_max = 4")
    assert fragile.reload().status == 200
    family = Family(fragile)
    tests = [family.learn(f"t1_{n}")["next_verification"]["id"] for n in range(1, 21)]
    with account_held(fragile, family.child["id"]):
        token = fragile.service_token()
        body = {"passed": True, "score": 100, "questions": [], "answers": []}
        answers = together(20, lambda n: Client(fragile.api, token).post(
            f"{family.base}/verifications/{tests[n]}/completion", body))
    statuses = {answer.status for answer in answers}
    assert 503 in statuses and statuses <= {200, 409, 503, 504}, answers
    for answer in answers:
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) >= 1
    wait_for(lambda: family.client.get(f"{family.base}/account").status == 200, "the lane to be well again")


def test_behind_a_pooler_where_no_two_transactions_share_a_connection(template, tmp_path):
    """The worst that pooling by transactions may do: whatever is left on a connection for the next use of it is lost."""
    database, pooler = Database(template), Pooler(TEST_PG, "server_lifetime = 0")
    server = Server(tmp_path / "root", database, env={
        "DATABASE_URL": pg_url(database.name, SERVING, pooler.url), "LEXICRAFT_DATABASE_PREPARED_STATEMENTS": "false"})
    try:
        server.start()
        families = [Family(server) for _ in range(3)]
        for family in families:
            family.learn("t2_1")
            family.pass_next()
            assert family.balances() == (25, 8, 17, 0, 0)
        server.edit("lua/rules/points.lua", "local points = {}", "local points = {} -- as before")
        answer = server.reload()
        assert answer.status == 200, answer
    finally:
        server.stop(expect=None)
        pooler.remove()
    assert audit(database) == []
    database.drop()


FAR_MS = 250  # one round trip for each of its statements would take the start longer than reload.deadline_ms


def test_a_database_far_away_is_asked_about_all_statements_at_once(template, tmp_path):
    database = Database(template)
    near = urllib.parse.parse_qs(urllib.parse.urlsplit(TEST_PG).query)["host"][0]
    with tempfile.TemporaryDirectory(prefix="lexi-") as folder:
        far = subprocess.Popen([sys.executable, "-B", DELAY, f"{near}/.s.PGSQL.5432", f"{folder}/.s.PGSQL.5432", str(FAR_MS)],
                               stdout=subprocess.PIPE, text=True)
        assert far.stdout.readline() == "ready\n"
        server = Server(tmp_path / "root", database, env={
            "DATABASE_URL": pg_url(database.name, SERVING, f"postgresql:///postgres?host={folder}")})
        try:
            server.start()
            answer = server.reload()
            assert answer.status == 200, answer
        finally:
            server.stop(expect=None)
            far.terminate()
            far.wait()
            far.stdout.close()
    database.drop()
