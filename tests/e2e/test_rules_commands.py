"""lexicraft rules: what staff see before they change a number, what happens when they do, and the way back."""

import json
import os
import shutil
import threading
import time

import pytest

import money
from support import PATIENCE_S, Family, Server, wait_for

TIER_2 = "[2] = 25,"


@pytest.fixture
def running(own_server):
    return own_server.start()


def live_version(server):
    return server.client().get("/v1/health").json["rule_version"]


def run(server, *arguments, code=0):
    """Run `lexicraft rules …`; what it printed."""
    done = server.command("rules", *arguments, check=False)
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout if code == 0 or done.stdout else done.stderr


def run_json(server, *arguments, code=0):
    return json.loads(run(server, *arguments, "--json", code=code))


def draft_of(server, name="draft", old=TIER_2, new="[2] = 30,", file="points.lua"):
    """A folder beside lua/ with the rule files, one of them changed."""
    folder = server.root / name
    shutil.copytree(server.root / "lua/rules", folder)
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return folder


def beginners(server, count, point="t2_1"):
    """Families whose child has passed day 1 of a learning point."""
    families = [Family(server) for _ in range(count)]
    for family in families:
        progress = family.learn(point)
        assert family.report(progress["next_verification"]["id"]).status == 200
    return families


def transaction(family, kind):
    return [row for row in family.transactions() if row["transaction_type"] == kind][0]


# ---- check and try ----


def test_check_counts_what_holds(running):
    report = run_json(running, "check")
    assert report["faults"] == [] and report["examples"] > 20 and report["properties"] > 0
    assert report["version"] == live_version(running)
    assert "all is well" in run(running, "check")


def test_check_shows_expected_and_got_with_the_line(running):
    folder = draft_of(running, old="return points\n", new="""
local written = points.examples
function points.examples()
  local list = written()
  list[#list + 1] = { call = "award", input = { tier = 2, earned_before = 0 }, expect = { points = 31 } }
  return list
end
return points
""")
    shown = run(running, "check", "draft", code=1)
    assert "draft/points.lua:" in shown and "award" in shown
    expected = [line for line in shown.splitlines() if line.startswith("  expected")]
    got = [line for line in shown.splitlines() if line.startswith("  got")]
    assert len(expected) == len(got) == 1 and "31" in expected[0] and "25" in got[0]
    assert run_json(running, "check", str(folder), code=1)["faults"][0]["got"] == got[0].split(None, 1)[1]


def test_check_of_a_file_that_is_no_lua(running):
    draft_of(running, old="return points\n", new="retrun points\n")
    assert "draft/points.lua:" in run(running, "check", "draft", code=1)
    # The project's own files may be broken as well: then, too, it says where.
    running.edit("lua/rules/points.lua", "return points\n", "retrun points\n")
    assert "lua/rules/points.lua:" in run(running, "check", code=1)


def test_try(running):
    given = '{"tier": 2, "earned_before": 0}'
    assert run_json(running, "try", "points", "award", "--input", given)["result"] == {"points": 25}
    draft_of(running)
    assert run_json(running, "try", "draft/points.lua", "award", "--input", given)["result"] == {"points": 30}
    shown = run(running, "try", "points", "award", f"--input={given}")
    assert "points  25" in shown


@pytest.mark.parametrize("arguments, named", [
    (["points", "award"], "tier: integer"),
    (["points", "award", "--input", "tier=2"], "JSON"),
    (["points", "award", "--input", '{"tier": 8, "earned_before": 0}'], "tier"),
    (["points", "awards", "--input", "{}"], "award"),
    (["pints", "award", "--input", "{}"], "points"),
])
def test_try_says_what_is_wanted(running, arguments, named):
    assert named in run(running, "try", *arguments, code=1)


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["diff", "."], ["check", "a", "b"], ["show", "--colour"],
                                       ["replay", ".", "--since"], ["rollback", "--force=yes", "abcd"]])
def test_wrong_usage(running, arguments):
    assert "usage: lexicraft rules" in run(running, *arguments, code=2)


def test_help(running):
    overview = run(running, "--help")
    for name in ("check", "try", "show", "diff", "explain", "replay", "rollback"):
        assert name in overview
        assert "usage: lexicraft rules " + name in run(running, name, "--help")


# ---- show and diff ----


def test_show_says_how_it_knows(running):
    version = live_version(running)
    shown = run(running, "show")
    assert version in shown and running.admin in shown and "25,  -- multiple meanings" in shown
    report = run_json(running, "show")
    assert report["version"] == version and report["is_working"] is True
    assert report["parameters"]["points"]["tier_points"][1] == 25
    running.stop()
    assert "no server answers" in run(running, "show")
    assert run_json(running, "show")["version"] == version


def test_show_tells_unsaved_from_live(running):
    running.edit("lua/rules/points.lua", TIER_2, "[2] = 30,")
    report = run_json(running, "show")
    assert report["is_working"] is False and report["parameters"]["points"]["tier_points"][1] == 25


def test_diff_in_plain_words_and_in_lines(running):
    before = live_version(running)
    draft_of(running)
    for a, b in (("live", "draft"), (before[:8], "./draft"), (".", "draft")):
        shown = run(running, "diff", a, b)
        assert "points.tier_points[2]: 25 → 30" in shown
        assert "-    [2] = 25," in shown and "+    [2] = 30," in shown
    report = run_json(running, "diff", "live", "draft")
    assert [change["path"] for change in report["parameters"]] == ["points.tier_points[2]"]
    assert [file["path"] for file in report["files"]] == ["lua/rules/points.lua"]
    assert "the same" in run(running, "diff", "live", ".")
    assert "no version that begins with" in run(running, "diff", "live", "0123456789abcdef", code=1)


# ---- explain ----


def test_explain_an_award_under_its_own_version_and_the_live_one(running):
    (family,) = beginners(running, 1)
    row = transaction(family, "earned")
    child = family.child["id"]
    shown = run(running, "explain", child, str(row["id"]))
    assert "25 points earned" in shown and "points.award" in shown and "the same" in shown
    running.edit("lua/rules/points.lua", TIER_2, "[2] = 30,")
    assert running.reload().status == 200
    report = run_json(running, "explain", child, str(row["id"]))
    assert report["version"] == row["rule_version"]
    assert report["stored"]["is_equal"] is True and report["stored"]["result"] == {"points": 25}
    assert report["live"]["changes"] == ["points: 25 → 30"] and report["live"]["version"] == live_version(running)
    assert "different, points: 25 → 30" in run(running, "explain", child, str(row["id"]))


def test_explain_why_a_test_is_on_its_day(running):
    (family,) = beginners(running, 1)
    planned = family.client.get(f"{family.base}/verifications").json["items"][-1]
    report = run_json(running, "explain", family.child["id"], "--verification", str(planned["id"]))
    assert report["rule"] == "schedule.pass" and report["stored"]["is_equal"] is True
    assert report["result"]["next"]["test_day"] == 3


def test_explain_notices_a_record_that_its_version_would_not_give(running):
    (family,) = beginners(running, 1)
    row = transaction(family, "earned")
    running.database.sql(f"""
        alter table points_transactions disable trigger all;
        update points_transactions set rule_result = '{{"points": 26}}' where id = {row['id']}""")
    report = run_json(running, "explain", family.child["id"], str(row["id"]), code=1)
    assert report["stored"]["is_equal"] is False and report["stored"]["changes"] == ["points: 26 → 25"]


def test_explain_what_a_person_decided(running):
    family = Family(running)
    assert money.give(family, 40, "a prize").status == 201
    shown = run(running, "explain", family.child["id"], str(transaction(family, "adjusted")["id"]))
    assert "40 points adjusted by staff" in shown and "the staff" in shown and "a prize" in shown
    assert "not by a rule" in shown


def test_explain_what_is_not_there(running):
    (family,) = beginners(running, 1)
    child = family.child["id"]
    assert "has no transaction" in run(running, "explain", child, "999999999", code=1)
    assert "no child's id" in run(running, "explain", "Mei", "1", code=1)
    assert "either" in run(running, "explain", child, code=1)


# ---- replay ----


def test_replay_of_the_same_rules_changes_nothing(running):
    family = beginners(running, 1)[0]
    family.pass_next()
    report = run_json(running, "replay", ".")
    assert report["calls"]["total"] > 3 and report["calls"]["changed"] == report["calls"]["refused"] == 0
    assert report["cost"]["points"] == 0 and report["cost"]["ntd"] == 0
    assert "Nothing would have been different" in run(running, "replay", "live")


def test_replay_shows_the_cost_and_who_would_have_lost(running):
    gaining = beginners(running, 3)
    losing = beginners(running, 2, "t1_1")
    gaining[0].learn("t2_2")
    gaining[0].report(gaining[0].due()[0]["id"])
    folder = draft_of(running)
    path = folder / "points.lua"
    path.write_text(path.read_text().replace("[1] = 10,", "[1] = 8,"))
    report = run_json(running, "replay", "draft", "--losing", "losing.csv")
    awards = report["awards"]
    assert (awards["total"], awards["changed"], awards["more"], awards["less"]) == (6, 6, 4, 2)
    assert report["cost"]["points"] == report["cost"]["ntd"] == 4 * 5 - 2 * 2
    changed = report["children"]["changed"]
    assert (changed["children"], changed["least"], changed["median"], changed["most"]) == (5, -2, 5, 10)
    losers = {family.child["id"] for family in losing}
    assert {row["child"] for row in report["children"]["losing"]["most"]} == losers
    assert (running.root / "losing.csv").read_text().split() == sorted(f"{child},-2" for child in losers)
    shown = run(running, "replay", "draft")
    assert "points: 25 → 30" in shown and "points: 10 → 8" in shown and all(child in shown for child in losers)


def fail_open_test(family, times):
    for _ in range(times):
        items = family.client.get(f"{family.base}/verifications").json["items"]
        done = family.complete_when_due([item for item in items if not item["completed"]][0]["id"], False)
    return done


def test_replay_of_failures(running):
    """More patience saves the points of one child; less would have lost those of another."""
    (lost, kept) = beginners(running, 2, "t4_1")
    assert fail_open_test(lost, 3)["progress"]["status"] == "failed"
    assert fail_open_test(kept, 2)["progress"]["status"] == "pending"
    draft_of(running, "patient", "failures_allowed = 2,", "failures_allowed = 3,", "schedule.lua")
    draft_of(running, "strict", "failures_allowed = 2,", "failures_allowed = 0,", "schedule.lua")
    patient = run_json(running, "replay", "patient")
    assert (patient["failures"]["spared"], patient["cost"]["points"]) == (1, 100)
    assert patient["children"]["losing"]["count"] == 0
    strict = run_json(running, "replay", "strict")
    # Of the child that lost the point anyway nothing more is lost, and no attempt is lost twice.
    assert strict["failures"]["lost_points"] == 100
    assert [row["child"] for row in strict["children"]["losing"]["most"]] == [kept.child["id"]]


def test_replay_of_withdrawals(running):
    family = Family(running)
    money.give(family, 55)
    money.withdraw(family, 15)
    money.withdraw(family, 40)
    folder = draft_of(running, old="ntd_cents_per_point = 100,", new="ntd_cents_per_point = 150,", file="withdrawal.lua")
    report = run_json(running, "replay", "draft")
    assert (report["withdrawals"]["worth_more"], report["cost"]["points"], report["cost"]["ntd"]) == (2, 0, 27.5)
    path = folder / "withdrawal.lua"
    path.write_text(path.read_text().replace("least_points = 10,", "least_points = 20,"))
    report = run_json(running, "replay", "draft")
    assert (report["withdrawals"]["refused"], report["cost"]["ntd"]) == (1, 20)
    # They keep their points, and what staff gave no rule decides.
    assert report["children"]["losing"]["count"] == 0 and report["calls"]["total"] == 2


def test_replay_looks_only_as_far_back_as_asked(running):
    beginners(running, 1)
    running.database.sql("""
        set session_replication_role = replica;
        update points_transactions set created_at = now() - interval '40 days';
        update verification_schedule set created_at = now() - interval '40 days'""")
    assert run_json(running, "replay", ".")["calls"]["total"] == 0
    assert run_json(running, "replay", ".", "--since", "41d")["calls"]["total"] > 0
    assert run_json(running, "replay", ".", "--since", "2020-01-01")["calls"]["total"] > 0
    assert "--since" in run(running, "replay", ".", "--since", "yesterday", code=1)


def test_replay_sets_apart_what_the_candidate_cannot_be_asked(running):
    beginners(running, 2)
    folder = draft_of(running, old='earned_before = "integer', new='earned_so_far = "integer')
    report = run_json(running, "replay", str(folder))
    refused = {each["rule"]: each for each in report["functions"] if each["refused"]}
    assert set(refused) == {"points.award"} and refused["points.award"]["refused"] == 2
    assert "earned_before" in refused["points.award"]["refusals"][0]["text"]
    assert report["awards"]["total"] == 0 and report["calls"]["refused"] == 2
    assert "NOT COMPARED" in run(running, "replay", str(folder))


def test_without_a_database(running):
    done = running.command("rules", "replay", ".", check=False,
                           env={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})
    assert done.returncode == 69, done


# ---- rollback ----


def edit_live(server, old, new):
    server.edit("lua/rules/points.lua", old, new)
    answer = server.reload()
    assert answer.status == 200, answer
    return answer.json["rule_version"]


def rule_files(server):
    return {path.name: path.read_text() for path in (server.root / "lua/rules").iterdir()}


def test_rollback_restores_every_file_and_reloads(running):
    first, files = live_version(running), rule_files(running)
    (running.root / "lua/rules/extra.lua").write_text("""
local extra = { parameters = {}, shapes = { f = { input = {}, result = {} } } }
function extra.f() return {} end
function extra.examples() return { { call = "f", input = {}, expect = {} } } end
return extra
""")
    second = edit_live(running, TIER_2, "[2] = 30,")
    assert second != first
    report = run_json(running, "rollback", first[:10])
    assert report["reload"]["is_live"] is True and live_version(running) == first
    assert report["written"] == ["lua/rules/points.lua"] and report["removed"] == ["lua/rules/extra.lua"]
    assert rule_files(running) == files
    # And forward again.
    assert "The server uses it now" in run(running, "rollback", second)
    assert live_version(running) == second and "extra.lua" in rule_files(running)


def test_rollback_keeps_edits_that_are_kept_nowhere_else(running):
    first = live_version(running)
    edit_live(running, TIER_2, "[2] = 30,")
    running.edit("lua/rules/points.lua", "[2] = 30,", "[2] = 35,")
    before = rule_files(running)
    assert "--force" in run(running, "rollback", first, code=1)
    assert rule_files(running) == before
    run(running, "rollback", first, "--force")
    assert live_version(running) == first


def test_rollback_from_broken_files_and_without_a_server(running):
    first, files = live_version(running), rule_files(running)
    running.stop()
    running.edit("lua/rules/points.lua", "return points\n", "retrun points\n")
    report = run_json(running, "rollback", first, "--force")
    assert report["reload"]["answered"] is False and rule_files(running) == files
    running.start()
    assert live_version(running) == first


def test_rollback_elsewhere_or_to_nothing_is_refused(running, tmp_path):
    assert "no version that begins with" in run(running, "rollback", "ffff00", code=1)
    assert "digits" in run(running, "rollback", "latest", code=1)
    done = running.command("--root", str(running.root), "rules", "rollback", live_version(running), check=False)
    assert done.returncode == 0, done
    empty = tmp_path / "elsewhere"
    empty.mkdir()
    running.root, root = empty, running.root
    try:
        done = running.command("--root", str(root), "rules", "rollback", live_version(running), check=False)
    finally:
        running.root = root
    assert done.returncode == 1 and "folder that holds" in done.stderr


# ---- the whole story ----


class Load:
    """Children who pass their first test, one after the other, until stopped."""

    def __init__(self, server, workers=3):
        self.server, self.awards, self.failures, self.stop = server, [], [], threading.Event()
        server.service_token()
        self.threads = [threading.Thread(target=self.run) for _ in range(workers)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def run(self):
        try:
            while not self.stop.is_set():
                (family,) = beginners(self.server, 1, "t2_3")
                self.awards.append((time.time(), transaction(family, "earned")))
        except BaseException as failure:
            self.failures.append(failure)

    def wait_for_award(self, points):
        return wait_for(lambda: self.failures or [row for _, row in self.awards if row["points"] == points],
                        f"an award of {points} points")


def save_as_editors_do(path, old, new):
    beside = path.with_suffix(".lua~")
    beside.write_text(path.read_text().replace(old, new))
    os.replace(beside, path)


def test_staff_change_a_number_under_load(database, tmp_path):
    server = Server(tmp_path / "root", database, env={"LEXICRAFT_RELOAD_WATCH": "true"}).start()
    try:
        first = live_version(server)
        under_way = beginners(server, 3)
        draft_of(server)
        before = run_json(server, "replay", "draft")
        assert (before["awards"]["changed"], before["cost"]["points"]) == (3, 15)
        with Load(server) as load:
            load.wait_for_award(25)
            save_as_editors_do(server.root / "lua/rules/points.lua", TIER_2, "[2] = 30,")
            saved = time.time()
            # Once the first new award is there, none of the old kind follows.
            load.wait_for_award(30)
            followed = min(at for at, row in load.awards if row["points"] == 30) - saved
            count = len(load.awards)
            wait_for(lambda: load.failures or len(load.awards) > count + 6, "more awards")
        assert load.failures == [] and followed < PATIENCE_S / 6  # a second where little else runs
        kinds = {row["points"]: row["rule_version"] for _, row in load.awards}
        assert set(kinds) == {25, 30} and kinds[25] == first and kinds[30] == live_version(server)
        # Points under way keep theirs: 25 in all, in shares of 25.
        for _ in range(3):
            under_way[0].pass_next()
        assert under_way[0].balances()[:3] == (25, 25, 0)
        old = transaction(under_way[1], "earned")
        report = run_json(server, "explain", under_way[1].child["id"], str(old["id"]))
        assert report["version"] == first and report["stored"]["is_equal"] is True
        assert report["live"]["changes"] == ["points: 25 → 30"]
        assert "The server uses it now" in run(server, "rollback", first[:12])
        (family,) = beginners(server, 1, "t2_4")
        assert transaction(family, "earned")["points"] == 25 and live_version(server) == first
    finally:
        server.stop()
