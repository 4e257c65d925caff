"""Every live setting of design changes by a reload; every origin has its rank."""

import os
import time

import pytest

from support import Client, Family, exchange, free_port, wait_for


@pytest.fixture
def running(own_server):
    # The test edits config.lua, so nothing in the environment may outrank it.
    for name in ("LEXICRAFT_LIMITS_REQUESTS_PER_MINUTE", "LEXICRAFT_LIMITS_LOGIN_ATTEMPTS"):
        own_server.extra_env[name] = None
    return own_server.start()


def set_live(server, old, new):
    server.edit("config.lua", old, new)
    answer = server.reload()
    assert answer.status == 200 and answer.json["changed"], answer
    assert answer.json["restart_only"] == []


def test_body_limit(running):
    body = {"email": "a@example.org", "password": "x" * 500}
    assert running.client().post("/v1/sessions", body).status == 401
    set_live(running, "body_bytes_max = 65536", "body_bytes_max = 200")
    assert running.client().post("/v1/sessions", body).status == 413


def test_header_limit(running):
    headers = {"X-Long": "x" * 3000}
    assert running.client().get("/v1/health", headers=headers).status == 200
    set_live(running, "header_bytes_max = 5120", "header_bytes_max = 1024")
    assert running.client().get("/v1/health", headers=headers).status == 431


def test_header_deadline(running):
    from test_gate import drip
    set_live(running, "header_ms = 10000", "header_ms = 300")
    assert drip(running.api, b"GET /v1/health HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n", 30) < 8


def test_idle_deadline(running):
    set_live(running, "idle_ms = 60000", "idle_ms = 300")
    began = time.monotonic()
    received = exchange(running.api, b"GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200") and time.monotonic() - began < 20


def test_log_level(running):
    before = len([line for line in running.log_lines() if line["msg"] == "request"])
    running.client().get("/v1/health")
    wait_for(lambda: len([l for l in running.log_lines() if l["msg"] == "request"]) > before, "a request line")
    set_live(running, 'level = "info"', 'level = "error"')
    # A line of the reload or of a request before it may still be on its way; one with this id must not come.
    running.client().get("/v1/health", headers={"X-Request-Id": "must-not-be-logged"})
    set_live(running, 'level = "error"', 'level = "info"')
    running.client().get("/v1/health", headers={"X-Request-Id": "must-be-logged"})
    wait_for(lambda: "must-be-logged" in running.stderr(), "the line of the later request")
    assert "must-not-be-logged" not in running.stderr()


def test_cors(running):
    origin = {"Origin": "https://app.example"}
    plain = running.client().get("/v1/health", headers=origin)
    assert "Access-Control-Allow-Origin" not in plain.headers
    set_live(running, "cors_origins = {}", 'cors_origins = { "https://app.example" }')
    allowed = running.client().get("/v1/health", headers=origin)
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Origin" in allowed.headers["Vary"]
    preflight = running.client().request("OPTIONS", "/v1/children", headers={
        **origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"})
    assert preflight.status == 204
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    other = running.client().get("/v1/health", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_rate_limit(running):
    set_live(running, "requests_per_minute = 0,", "requests_per_minute = 5,")
    answers = [running.client().get("/v1/health") for _ in range(12)]
    limited = [answer for answer in answers if answer.status == 429]
    assert limited and limited[0].json["code"] == "rate_limited"
    assert int(limited[0].headers["Retry-After"]) >= 1


def test_login_attempts(running):
    set_live(running, "login_attempts = 10,", "login_attempts = 3,")
    statuses = [running.client().post("/v1/sessions", {"email": "a@example.org", "password": "wrong one"}).status for _ in range(6)]
    assert statuses[:3] == [401, 401, 401] and 429 in statuses


def test_signing_keys_current_and_previous(running):
    family = Family(running)
    secret = running.root / "var" / "secret"
    (running.root / "var" / "secret.old").write_text(secret.read_text())
    secret.write_text("a-new-signing-key-of-at-least-32-bytes!")
    running.edit("config.lua", 'previous_key_file = ""', 'previous_key_file = "var/secret.old"')
    assert running.reload().status == 200
    assert family.client.get("/v1/users/me").status == 200, "tokens of the previous key still hold"
    running.edit("config.lua", 'previous_key_file = "var/secret.old"', 'previous_key_file = ""')
    assert running.reload().status == 200
    assert family.client.get("/v1/users/me").status == 401, "tokens of a dropped key are dead at once"
    again = running.client().post("/v1/sessions", {"email": family.email, "password": family.password})
    assert Client(running.api, again.json["access_token"]).get("/v1/users/me").status == 200


def test_a_changed_key_file_alone_is_a_change(running):
    family = Family(running)
    (running.root / "var" / "secret").write_text("another-signing-key-of-at-least-32-bytes")
    assert running.reload().json["changed"] is True
    assert family.client.get("/v1/users/me").status == 401


def test_lane_sizes(running):
    def open_connections():
        return (running.metric("lexicraft_db_connections", lane="exclusive", state="idle")
                + running.metric("lexicraft_db_connections", lane="exclusive", state="busy"))

    before = open_connections()
    set_live(running, "exclusive_connections = 10", "exclusive_connections = 16")
    Family(running)
    wait_for(lambda: open_connections() > before, "more connections")
    set_live(running, "exclusive_connections = 16", "exclusive_connections = 4")
    wait_for(lambda: open_connections() <= 4, "fewer connections")
    Family(running)


def test_statement_deadline(running):
    from support import psql  # noqa: F401
    import subprocess
    family = Family(running)
    set_live(running, "statement_ms = 5000", "statement_ms = 300")
    holder = subprocess.Popen(["psql", "-Xq", running.database.superuser_url], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    holder.stdin.write("begin; lock table points_accounts; select 'locked';\n")
    holder.stdin.flush()
    for line in holder.stdout:
        if "locked" in line:
            break
    answer = family.client.get(f"{family.base}/account")
    assert answer.status == 504, answer
    holder.stdin.write("commit;\n")
    holder.stdin.close()
    holder.wait()
    wait_for(lambda: family.client.get(f"{family.base}/account").status == 200, "the lane to be well again")


def test_rule_budget(running):
    set_live(running, "instructions_max = 1000000", "instructions_max = 10000000")


def test_page_sizes(running):
    family = Family(running)
    assert len(family.client.get("/v1/learning-points").json["items"]) == 50
    set_live(running, "page_default = 50", "page_default = 7")
    assert len(family.client.get("/v1/learning-points").json["items"]) == 7
    set_live(running, "page_max = 200", "page_max = 10")
    assert family.client.get("/v1/learning-points?limit=11").status == 400


def test_access_token_life(running):
    family = Family(running)
    set_live(running, "access_token_s = 600", "access_token_s = 60")
    session = running.client().post("/v1/sessions", {"email": family.email, "password": family.password})
    assert session.json["expires_in"] == 60


def test_json_depth(running):
    deep = b'{"email":' + b"[" * 10 + b"]" * 10 + b"}"
    assert running.client().post("/v1/sessions", raw=deep).json["code"] == "invalid_body"
    set_live(running, "depth_max = 32", "depth_max = 4")
    assert running.client().post("/v1/sessions", raw=deep).json["code"] == "invalid_json"


def test_without_prepared_statements(own_server):
    own_server.extra_env["LEXICRAFT_DATABASE_PREPARED_STATEMENTS"] = "false"
    own_server.start()
    family = Family(own_server)
    family.learn("t3_1")
    family.pass_next()
    assert family.balances() == (50, 15, 35, 0, 0)


def test_a_flag_outranks_the_environment_and_that_config_lua(own_server):
    def origin(*flags, env=None):
        done = own_server.command("config", *flags, env=env or {})
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("http.body_bytes_max")]
        return line

    assert "65536" in origin()
    assert "111" in origin(env={"LEXICRAFT_HTTP_BODY_BYTES_MAX": "111"})
    assert "222" in origin("--set", "http.body_bytes_max=222", env={"LEXICRAFT_HTTP_BODY_BYTES_MAX": "111"})


def test_secrets_are_masked(own_server):
    shown = own_server.command("config").stdout
    assert own_server.database.url not in shown
    assert (own_server.root / "var/secret").read_text() not in shown
    got = own_server.command("config", "get", "database.url").stdout.strip()
    assert got == own_server.database.url


def test_every_setting_of_config_lua_is_shown(own_server):
    shown = own_server.command("config").stdout
    text = (own_server.root / "config.lua").read_text()
    section, keys = None, []
    for line in text.splitlines():
        word = line.split("=")[0].strip()
        if line.startswith("  ") and not line.startswith("   ") and line.rstrip().endswith("{"):
            section = word
        elif line.startswith("    ") and "=" in line:
            keys.append(f"{section}.{word}")
    assert len(keys) > 40
    for key in keys:
        assert key in shown, key
