"""Generations and reload: a good version goes live everywhere at once, a broken one never does, nobody notices."""

import os
import signal
import socket
import threading

import pytest

from support import PATIENCE_S, PATIENT, Client, Family, Server, account_held, wait_for, waits_for_lock

AWARD = "[2] = 25,"
BROKEN = {
    "syntax error": ("lua/rules/points.lua", "function points.award", "function points.award(("),
    "run-time error at the top": ("lua/rules/points.lua", "return points", "local x = nil + 1\nreturn points"),
    "failing example": ("lua/rules/points.lua", "share.day <= test_day", "share.day < test_day"),
    "failing property": ("lua/rules/points.lua", "{ day = 7, percent = 20 }", "{ day = 7, percent = 60 }"),
    "broken route": ("lua/app.lua", "/v1/health", "/v1/{health:colour}"),
    "broken SQL": ("lua/store/children.lua", "from children", "from no_such_table"),
    "unknown setting": ("config.lua", "http = {", "http = { nonsense = 1,"),
    "setting out of bounds": ("config.lua", "body_bytes_max = 65536", "body_bytes_max = -1"),
    "missing module": ("lua/app.lua", 'require "', 'require "missing.'),
}


@pytest.fixture
def running(own_server):
    # A row that a test holds locked must outlast a reload, however slow the build.
    own_server.extra_env.update(LEXICRAFT_DATABASE_LOCK_MS="60000", LEXICRAFT_DATABASE_STATEMENT_MS="60000")
    return own_server.start()


def live_version(server):
    return server.client().get("/v1/health").json["rule_version"]


def test_reload_without_a_change_says_so(running):
    answer = running.reload()
    assert answer.status == 200 and answer.json["changed"] is False


def test_a_comment_in_a_rule_file_is_a_new_version(running):
    before = live_version(running)
    path = running.root / "lua/rules/points.lua"
    path.write_text(path.read_text() + "\n-- a note\n")
    answer = running.reload()
    assert answer.status == 200 and answer.json["changed"] is True, answer
    assert live_version(running) == answer.json["rule_version"] != before
    assert {worker["generation"] for worker in answer.json["workers"]} == {answer.json["generation"]}
    stored = running.database.sql("select count(*) from rule_versions")
    assert int(stored) == 2


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_never_replaces_a_good_one(running, kind):
    path, old, new = BROKEN[kind]
    before = live_version(running)
    running.service_token()  # minted now: the command reads config.lua too
    running.edit(path, old, new)
    answer = running.reload()
    assert answer.status == 422, answer
    faults = answer.json["faults"]
    assert any(path in fault for fault in faults), faults
    if kind == "failing property":
        assert any('property "shares add up": tier' in fault for fault in faults), faults
    elif path.startswith("lua/rules") or path.startswith("lua/store"):
        assert any(f"{path}:" in fault and fault.split(f"{path}:")[1].split(":")[0].isdigit() for fault in faults), faults
    assert live_version(running) == before
    assert running.metric("lexicraft_reload_last_success") == 0
    family = Family(running)
    family.learn("t2_1")
    assert family.pass_next()["account"]["total_earned"] == 25


@pytest.mark.parametrize("kind", BROKEN)
def test_a_cold_start_with_a_broken_file_is_refused(own_server, kind):
    path, old, new = BROKEN[kind]
    own_server.edit(path, old, new)
    own_server.spawn()
    assert own_server.process.wait(60) == 78
    assert path in own_server.stderr()


def test_sighup_reloads(running):
    before = live_version(running)
    path = running.root / "lua/rules/points.lua"
    path.write_text(path.read_text() + "\n-- by signal\n")
    running.process.send_signal(signal.SIGHUP)
    wait_for(lambda: live_version(running) != before, "the new version")


def test_a_saved_file_is_picked_up(database, tmp_path):
    server = Server(tmp_path / "root", database, env={"LEXICRAFT_RELOAD_WATCH": "true"}).start()
    try:
        before = live_version(server)
        path = server.root / "lua/rules/points.lua"
        # Editors replace the file: write beside it, then rename.
        beside = path.with_suffix(".tmp")
        beside.write_text(path.read_text() + "\n-- saved\n")
        os.replace(beside, path)
        wait_for(lambda: live_version(server) != before, "the saved file to go live")
        second = live_version(server)
        with open(path, "a") as file:
            file.write("-- and again\n")
        wait_for(lambda: live_version(server) != second, "the second save to go live")
    finally:
        server.stop()


def test_the_reload_command_tells_the_truth(running):
    same = running.command("reload")
    assert "unchanged" in same.stdout.lower() or "no change" in same.stdout.lower()
    path = running.root / "lua/rules/points.lua"
    good = path.read_text()
    path.write_text(good + "\n-- changed\n")
    changed = running.command("reload")
    assert live_version(running)[:12] in changed.stdout
    path.write_text(good.replace("return points", "retrun points"))
    broken = running.command("reload", check=False)
    assert broken.returncode == 1
    assert "lua/rules/points.lua:" in broken.stdout + broken.stderr


def test_the_reload_command_without_a_server(own_server):
    done = own_server.command("reload", check=False)
    assert done.returncode == 69, done


@pytest.mark.parametrize("name, old, new", [
    ("api.workers", "workers = 0", "workers = 1"),
    # The threads that hash are made once: more hashes at once than threads would hold up name look-ups and cancels.
    ("auth.hash_threads", "hash_threads = 2", "hash_threads = 60"),
])
def test_a_restart_only_setting_is_named(running, name, old, new):
    running.extra_env["LEXICRAFT_API_LISTEN"] = None
    running.edit("config.lua", old, new)
    answer = running.reload()
    assert answer.status == 200
    assert any(name in setting for setting in answer.json["restart_only"]), answer.json


def test_a_point_under_way_keeps_what_was_fixed_and_new_ones_follow(running):
    family = Family(running)
    family.learn("t2_1")
    family.pass_next()
    running.edit("lua/rules/points.lua", AWARD, "[2] = 30,")
    answer = running.reload()
    assert answer.status == 200, answer
    family.learn("t2_2")
    earned = {}
    for test in family.due():
        done = family.report(test["id"])
        assert done.status == 200
    for row in family.transactions("?type=earned"):
        earned[row["points"]] = row["rule_version"]
    assert set(earned) == {25, 30}
    assert earned[25] != earned[30]


def test_two_hundred_reloads_under_load(database, tmp_path):
    """A third of them broken; not one failed request, and answers only ever of a version that went live."""
    server = Server(tmp_path / "root", database, env=PATIENT).start()
    try:
        rounds = int(os.environ.get("LEXICRAFT_TEST_RELOADS", "60"))
        path = server.root / "lua/rules/points.lua"
        good = path.read_text()
        live, seen, failures, stop = {live_version(server)}, set(), [], threading.Event()

        def load():
            client = Client(server.api)
            while not stop.is_set():
                try:
                    answer = client.get("/v1/health")
                    seen.add(answer.json["rule_version"]) if answer.status == 200 else failures.append(answer)
                except OSError as error:
                    failures.append(error)
            client.close()

        threads = [threading.Thread(target=load) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            for n in range(rounds):
                if n % 3 == 2:
                    path.write_text(good + f"\nthis is broken {n}\n")
                    assert server.reload().status == 422
                    continue
                path.write_text(good + f"\n-- round {n}\n")
                answer = server.reload()
                assert answer.status == 200, answer
                live.add(answer.json["rule_version"])
                assert live_version(server) == answer.json["rule_version"]
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert failures == []
        assert seen <= live and len(seen) > rounds / 10
    finally:
        server.stop()


def test_a_slow_body_holds_up_no_reload(own_server):
    """However long a client takes for its body: no reload waits for it, and it is answered in the end."""
    own_server.extra_env.update(LEXICRAFT_HTTP_DRAIN_MS="600000", LEXICRAFT_HTTP_BODY_MS="600000")
    running = own_server.start()
    host, port = running.api.split(":")
    path = running.root / "lua/rules/points.lua"
    good = path.read_text()
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as wire:
        wire.sendall(b"POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                     b"Connection: close\r\nContent-Length: 2\r\n\r\n{")
        for n in range(3):
            path.write_text(good + f"\n-- edit {n}\n")
            assert running.reload().status == 200  # a kept generation would hold up the next one for ten minutes
        wire.sendall(b"}")
        received = b""
        while chunk := wire.recv(4096):
            received += chunk
    assert received.startswith(b"HTTP/1.1 400 "), received


def test_a_request_ends_on_the_generation_it_began_with(running):
    """A slow request (its row is locked elsewhere) answers after a reload, and the old generation goes away then."""
    family = Family(running)
    verification = family.learn("t2_9")["next_verification"]["id"]
    before = live_version(running)
    with account_held(running, family.child["id"]):
        answers = []
        slow = threading.Thread(target=lambda: answers.append(family.report(verification)))
        slow.start()
        wait_for(lambda: waits_for_lock(running), "the report to wait for the lock")
        path = running.root / "lua/rules/points.lua"
        path.write_text(path.read_text() + "\n-- while one waits\n")
        assert running.reload().status == 200
        assert live_version(running) != before
    slow.join()
    assert answers[0].status == 200, answers
    assert {row["rule_version"] for row in family.transactions()} == {before}
