"""What operators see: health, readiness, metrics, logs."""

import re

import pytest

from support import Database, Family, Server, wait_for


def test_healthz_and_readyz(server):
    assert server.admin_client().get("/healthz").status == 200
    ready = server.admin_client().get("/readyz")
    assert ready.status == 200 and ready.json["ready"] is True


def test_readyz_names_missing_migrations(template, tmp_path):
    empty = Database()
    server = Server(tmp_path / "root", empty)
    try:
        server.spawn()
        admin = server.admin_client()
        wait_for(lambda: listening(admin, "/healthz"), "the admin port")
        ready = admin.get("/readyz")
        assert ready.status == 503 and "migration" in ready.body.decode()
        server.command("migrate", "up")
        wait_for(server.is_ready, "the server to become ready by itself")
        assert server.client().get("/v1/health").status == 200
    finally:
        server.stop(expect=None)
        empty.drop()


def listening(client, path):
    try:
        return client.get(path).status == 200
    except OSError:
        return False


def test_the_admin_port_has_no_api_and_the_api_no_admin(server):
    assert server.admin_client().get("/v1/health").status == 404
    assert server.client().get("/metrics").status == 404
    assert server.client().post("/reload").status == 404


def test_the_clock_moves_only_where_it_is_switched_on(own_server):
    own_server.extra_env["LEXICRAFT_TEST_CLOCK"] = None
    own_server.start()
    assert own_server.admin_client().post("/clock", {"advance_seconds": 86400}).status == 404


def test_metrics_count_requests_by_template(server, family):
    before = 0
    try:
        before = server.metric("lexicraft_http_requests_total", route="/v1/children/{child_id:uuid}/account", code="200")
    except AssertionError:
        pass
    for _ in range(5):
        family.account()
    after = server.metric("lexicraft_http_requests_total", route="/v1/children/{child_id:uuid}/account", code="200")
    assert after - before == 5
    assert family.child["id"] not in server.metrics()


def test_metrics_are_well_formed_and_complete(server, family):
    text = server.metrics()
    sample = re.compile(r'^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+$')
    typed = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    for line in text.splitlines():
        if line and not line.startswith("#"):
            assert sample.match(line), line
            name = re.split(r"[{ ]", line)[0]
            assert name in typed or re.sub(r"_(bucket|sum|count)$", "", name) in typed, line
    for name in ("lexicraft_http_requests_total", "lexicraft_http_request_duration_seconds", "lexicraft_db_connections",
                 "lexicraft_reload_last_success", "lexicraft_reload_success_timestamp_seconds",
                 "lexicraft_rule_version_info", "lexicraft_lua_memory_bytes", "lexicraft_build_info"):
        assert name in typed, name


def test_one_line_per_request_with_ids_only(own_server):
    own_server.start()
    family = Family(own_server)
    family.learn("t1_1")
    done = family.pass_next()
    family.client.get("/v1/users/me", headers={"X-Request-Id": "the-last-one"})
    wait_for(lambda: "the-last-one" in own_server.stderr(), "the last request's line")
    lines = [line for line in own_server.log_lines() if line["msg"] == "request"]
    for line in lines:
        assert {"ts", "level", "request_id", "method", "route", "status", "dur_ms", "rule_version"} <= set(line), line
        assert "{" in line["route"] or line["route"].startswith("/v1/") or line["route"] == "-"
    text = own_server.stderr()
    for canary in (family.email, family.password, family.client.token, family.service.token, "Mei", "Parent",
                   (own_server.root / "var/secret").read_text()):
        assert canary not in text
    assert done["account"]["total_earned"] == 10


def test_memory_of_every_vm_is_bounded_and_shown(server, family):
    for _ in range(300):
        family.account()
    before = server.metric("lexicraft_lua_memory_bytes")
    for _ in range(1500):
        family.account()
    after = server.metric("lexicraft_lua_memory_bytes")
    # A garbage collector breathes, so the bound is wide; a leak of one request's state would exceed it.
    assert after < before * 2 + (1 << 20)
