"""Rules that mean harm, in a live server: each costs its own request, nothing else, and never holds a worker up."""

import pathlib
import re

import pytest

from support import PROJECT, Database, Family, Server, audit

RULE = "lua/rules/limits.lua"
OPENING = "function limits.begin_point(input)\n"
# What no example and no property tries, so that the rule goes live.
TRIGGER = 3
# The budget of 50 ms, throwing the state away, and the rest of the request; instrumented builds need more for that.
HELD_MS_MAX = 90


def hostile_bodies():
    text = (pathlib.Path(__file__).parent / "hostile.lua").read_text()
    parts = re.split(r"^--- (.+)\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


BODIES = hostile_bodies()


@pytest.fixture(scope="module")
def live(template, tmp_path_factory):
    """A server with one worker, a family at the trigger, and one that may have no more children."""
    database = Database(template)
    server = Server(tmp_path_factory.mktemp("hostile"), database, env={"LEXICRAFT_API_WORKERS": "1"}).start()
    server.victim, server.full = Family(server), Family(server)
    for n in range(TRIGGER):
        server.victim.learn(f"t1_{n + 1}")
    for n in range(5):
        server.full.add_child(f"child {n}")
    server.good = (server.root / RULE).read_text()
    yield server
    server.stop()
    assert audit(database) == []
    database.drop()


def worker_ms(server):
    """CPU time of the only worker so far."""
    for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir():
        if (task / "comm").read_text().startswith("worker"):
            return int((task / "schedstat").read_text().split()[0]) / 1e6
    raise AssertionError("there is no worker")


def go_live(server, text):
    (server.root / RULE).write_text(text)
    answer = server.reload()
    assert answer.status == 200, answer


def with_body(good, body):
    assert OPENING in good
    return good.replace(OPENING, f"{OPENING}  if input.begun_today == {TRIGGER} then\n    local function hostile()\n{body}"
                                 "    end\n    return hostile()\n  end\n")


def failures(server):
    return [line for line in server.log_lines() if line.get("msg") == "rule call failed"]


def begun(server):
    return int(server.database.sql(f"select count(*) from learning_progress where child_id = '{server.victim.child['id']}'"))


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_rule_costs_its_own_request_only(live, name):
    go_live(live, with_body(live.good, BODIES[name]))
    logged, before = len(failures(live)), worker_ms(live)
    answer = live.victim.client.post(f"{live.victim.base}/progress", {"learning_point_id": "t1_9"})
    held = worker_ms(live) - before
    assert answer.status == 500 and answer.json["code"] == "internal", answer
    assert "lua/" not in answer.body.decode(), "the client sees no more than that"
    assert held <= HELD_MS_MAX, f"{held:.0f} ms"
    # The very next call of a rule on this worker, of the same file.
    refused = live.full.client.post("/v1/children", {"name": "one too many", "age": 9})
    assert refused.status == 409 and refused.json["code"] == "too_many_children", refused
    new = failures(live)[logged:]
    assert len(new) == 1 and new[0]["rule"] == "limits.begin_point", new
    assert re.match(r"lua/rules/(limits|points)\.lua:\d+: ", new[0]["reason"]), new
    assert begun(live) == TRIGGER


def test_afterwards_the_worker_is_as_good_as_new(live):
    """After every kind of kill, in whatever order the tests ran: the same child goes on, and memory has not grown."""
    go_live(live, with_body(live.good, BODIES["linked list"]))
    answers = [live.victim.client.post(f"{live.victim.base}/progress", {"learning_point_id": "t1_9"}).status
               for _ in range(50)]
    assert answers == [500] * 50
    assert live.metric("lexicraft_lua_memory_bytes", vm="rules") < 2 << 20
    go_live(live, live.good)
    answer = live.victim.client.post(f"{live.victim.base}/progress", {"learning_point_id": "t1_9"})
    assert answer.status == 201, answer
    live.database.sql("begin; set local session_replication_role = replica;"
                      f" delete from verification_schedule where learning_progress_id = {answer.json['id']};"
                      f" delete from learning_progress where id = {answer.json['id']}; commit")


HOSTILE_FILES = {
    "a loop at the top": "while true do end\n",
    "memory at the top": "local l while true do l = { l } end\n",
    "a loop in examples": "function limits.examples() while true do end end\n",
    "a thousand looping examples": "function limits.begin_point() while true do end end\n"
                                   "function limits.examples() local t = {} for i = 1, 1000 do t[i] = { call = 'begin_point',"
                                   " input = { begun_today = 1 }, expect = { allowed = true } } end return t end\n",
    "a loop in every call": "function limits.add_child() while true do end end\n",
    "bitwise operators": "local x = 1 ~ (2 or 3)\n",
    "binary": "\x1bLuaT",
}


@pytest.mark.parametrize("name", HOSTILE_FILES)
def test_a_hostile_file_never_goes_live(live, name):
    go_live(live, live.good)
    before = live.client().get("/v1/health").json["rule_version"]
    text = live.good.replace("\nreturn limits", "\n" + HOSTILE_FILES[name] + "return limits")
    (live.root / RULE).write_text(HOSTILE_FILES[name] if name == "binary" else text)
    answer = live.reload()
    assert answer.status == 422 and all(f.startswith(RULE + ":") for f in answer.json["faults"]), answer
    assert answer.json.get("seconds", 0) < 30
    assert live.client().get("/v1/health").json["rule_version"] == before


RESULTS = {
    "a fraction of a point": ("{ points = 7.5 }", "result.points is 7.5, a float"),
    "a whole float": ("{ points = 8.0 }", "result.points is 8, a float"),
    "NaN": ("{ points = 0 / 0 }", "a float where an integer is declared"),
    "too many": ("{ points = 501 }", "result.points is 501, allowed are 0..500"),
    "less than nothing": ("{ points = -1 }", "result.points is -1"),
    "a text": ("{ points = '8' }", "result.points is a string"),
    "nothing": ("nil", "result is missing"),
    "something unknown": ("{ points = 8, bonus = 1 }", 'unknown field "bonus"'),
}


@pytest.fixture(scope="module")
def unguarded(template, tmp_path_factory):
    """A server without the properties, so that only the declared shapes stand between a rule and the ledger."""
    database = Database(template)
    server = Server(tmp_path_factory.mktemp("unguarded"), database)
    (server.root / "lua/checks/points.lua").unlink()
    server.start()
    server.good = (server.root / "lua/rules/points.lua").read_text()
    yield server
    server.stop()
    assert audit(database) == []
    database.drop()


@pytest.mark.parametrize("name", RESULTS)
def test_a_wrong_result_leaves_nothing_half_done(unguarded, name):
    result, reason = RESULTS[name]
    rule = unguarded.root / "lua/rules/points.lua"
    family = Family(unguarded)
    test = family.learn("t2_1")["next_verification"]["id"]
    opening = "function points.unlock(input)\n"
    rule.write_text(unguarded.good.replace(opening, f"{opening}  if input.points == 25 and input.unlocked == 0 then"
                                                    f" return {result} end\n"))
    assert unguarded.reload().status == 200
    answer = family.report(test)
    assert answer.status == 500, answer
    assert family.balances() == (0, 0, 0, 0, 0) and family.transactions() == []
    assert [item["id"] for item in family.due()] == [test]
    new = failures(unguarded)[-1]
    assert new["rule"] == "points.unlock" and reason in new["reason"], new
    assert re.match(r"lua/rules/points\.lua:\d+: ", new["reason"])
    rule.write_text(unguarded.good)
    assert unguarded.reload().status == 200
    assert family.report(test).status == 200
    assert family.balances() == (25, 8, 17, 0, 0)


def test_the_project_has_at_least_seventy_hostile_rules():
    assert len(BODIES) >= 70
    assert (PROJECT / RULE).exists()
