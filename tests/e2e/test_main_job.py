"""A child learns a word, is tested, earns points: every step over HTTP, against domain.md's numbers; and script/demo."""

import pathlib
import re
import shutil
import subprocess

import pytest

from support import BINARY, PATIENCE_S, PROJECT, Database, Family, Server, audit, together

TIERS = {
    1: (10, [3, 2, 5]),
    2: (25, [8, 5, 5, 7]),
    3: (50, [15, 10, 10, 0, 15]),
    4: (100, [30, 20, 20, 0, 0, 30]),
    5: (30, [9, 6, 6, 9]),
    6: (40, [12, 8, 8, 0, 12]),
    7: (75, [23, 15, 15, 0, 0, 22]),
}
TEST_DAYS = {3: [1, 3, 7], 4: [1, 3, 7, 14], 5: [1, 3, 7, 14, 21], 6: [1, 3, 7, 14, 21, 30]}


@pytest.mark.parametrize("tier", TIERS)
def test_all_days_passed_unlocks_the_whole_award(family, tier):
    points, shares = TIERS[tier]
    progress = family.learn(f"t{tier}_1")
    assert (progress["tier"], progress["status"], progress["attempt"]) == (tier, "learning", 1)
    unlocked = 0
    for step, (day, share) in enumerate(zip(TEST_DAYS[len(shares)], shares)):
        done = family.pass_next()
        unlocked += share
        assert done["verification"]["test_day"] == day
        assert family.balances() == (points, unlocked, points - unlocked, 0, 0)
        last = step == len(shares) - 1
        assert done["progress"]["status"] == ("verified" if last else "pending")
    # What is left to test is the retention check, which pays nothing.
    assert done["next_verification"] is not None
    done = family.pass_next()
    assert done["progress"]["status"] == "verified" and done["transactions"] == []
    assert family.balances() == (points, points, 0, 0, 0)
    kinds = [row["transaction_type"] for row in reversed(family.transactions())]
    assert kinds == ["earned"] + ["unlocked"] * len([share for share in shares if share])
    assert [row["sequence"] for row in reversed(family.transactions())] == list(range(1, len(kinds) + 1))


def test_failing_for_good_takes_back_what_was_not_withdrawn(family):
    family.learn("t4_2")
    family.pass_next()
    family.pass_next()
    assert family.balances() == (100, 50, 50, 0, 0)
    for _ in range(3):
        open_test = [v for v in family.client.get(f"{family.base}/verifications").json["items"] if not v["completed"]][0]
        done = family.complete_when_due(open_test["id"], False)
    assert done["progress"]["status"] == "failed"
    assert done["next_verification"] is None
    assert family.balances() == (0, 0, 0, 0, 0)
    assert family.transactions()[0]["transaction_type"] == "deficit"


def test_a_failure_before_anything_was_earned_writes_no_row(family):
    family.learn("t1_2")
    for _ in range(3):
        open_test = [v for v in family.client.get(f"{family.base}/verifications").json["items"] if not v["completed"]][0]
        done = family.complete_when_due(open_test["id"], False)
    assert done["progress"]["status"] == "failed"
    assert family.transactions() == []


def test_learning_twice_is_refused(family):
    family.learn("t1_3")
    again = family.client.post(f"{family.base}/progress", {"learning_point_id": "t1_3"})
    assert (again.status, again.json["code"]) == (409, "already_learning")


def test_an_unknown_learning_point_is_refused(family):
    answer = family.client.post(f"{family.base}/progress", {"learning_point_id": "no_such_point"})
    assert (answer.status, answer.json["code"]) == (422, "unknown_learning_point")


def test_the_first_test_is_due_at_once(family):
    progress = family.learn("t1_4")
    (due,) = family.due()
    assert due["id"] == progress["next_verification"]["id"]
    assert (due["test_day"], due["learning_point_id"], due["completed"]) == (1, "t1_4", False)


def test_too_early(family):
    family.learn("t1_5")
    done = family.pass_next()
    early = family.report(done["next_verification"]["id"])
    assert (early.status, early.json["code"]) == (409, "too_early")
    assert family.balances() == (10, 3, 7, 0, 0)


def test_the_same_result_again_gets_the_stored_answer_and_another_one_a_conflict(family):
    progress = family.learn("t1_6")
    verification = progress["next_verification"]["id"]
    first = family.report(verification)
    again = family.report(verification)
    assert first.status == again.status == 200
    assert first.json == again.json
    other = family.report(verification, passed=False)
    assert (other.status, other.json["code"]) == (409, "already_completed")
    assert family.balances() == (10, 3, 7, 0, 0)


def test_racing_reports_pay_once(family):
    progress = family.learn("t2_6")
    verification = progress["next_verification"]["id"]
    body = {"passed": True, "score": 100, "questions": [], "answers": []}
    path = f"{family.base}/verifications/{verification}/completion"
    token = family.server.service_token()
    answers = together(12, lambda _: family.server.client(token).post(path, body))
    assert {answer.status for answer in answers} == {200}, answers
    assert len({answer.body for answer in answers}) == 1
    assert family.balances() == (25, 8, 17, 0, 0)


def test_another_familys_child_is_the_same_as_none(server, family):
    other = Family(server)
    progress = other.learn("t1_7")
    nobody = "00000000-0000-4000-8000-000000000000"
    for path in ("", "/account", "/progress", "/verifications", "/transactions", f"/progress/{progress['id']}",
                 f"/verifications/{progress['next_verification']['id']}"):
        of_other = family.client.get(f"/v1/children/{other.child['id']}{path}", headers={"X-Request-Id": "same"})
        of_none = family.client.get(f"/v1/children/{nobody}{path}", headers={"X-Request-Id": "same"})
        assert of_other.status == of_none.status == 404, path
        assert of_other.body == of_none.body
    theft = family.client.post(f"/v1/children/{other.child['id']}/progress", {"learning_point_id": "t1_8"})
    assert theft.status == 404


def test_a_verification_of_another_child_cannot_be_reported_through_ones_own(server, family):
    other = Family(server)
    verification = other.learn("t1_9")["next_verification"]["id"]
    assert family.report(verification).status == 404
    assert other.balances() == (0, 0, 0, 0, 0)


def test_a_parent_may_not_report_results(family):
    verification = family.learn("t1_10")["next_verification"]["id"]
    body = {"passed": True, "score": 100, "questions": [], "answers": []}
    answer = family.client.post(f"{family.base}/verifications/{verification}/completion", body)
    assert (answer.status, answer.json["code"]) == (403, "forbidden")


def test_every_award_explains_itself(family):
    family.learn("t3_1")
    family.pass_next()
    rows = family.server.database.rows(
        f"select rule_version, rule_name, rule_input, rule_result from points_transactions where child_id = '{family.child['id']}'")
    live = family.client.get("/v1/health").json["rule_version"]
    assert len(rows) == 2
    for row in rows:
        assert row["rule_version"] == live and row["rule_name"].startswith("points.")
        assert row["rule_input"] and row["rule_result"]
    scheduled = family.server.database.rows(
        f"select rule_version, rule_name, rule_input from verification_schedule where child_id = '{family.child['id']}'")
    assert len(scheduled) == 2 and all(row["rule_version"] == live for row in scheduled)


def test_the_daily_limit_of_new_points(family):
    for n in range(1, 21):
        family.learn(f"t1_{n}" if n < 21 else f"t2_{n}")
    answer = family.client.post(f"{family.base}/progress", {"learning_point_id": "t2_30"})
    assert (answer.status, answer.json["code"]) == (409, "daily_limit")


def test_a_parent_has_at_most_six_children(family):
    for n in range(5):
        family.add_child(f"child {n}")
    answer = family.client.post("/v1/children", {"name": "the seventh"})
    assert (answer.status, answer.json["code"]) == (409, "too_many_children")
    assert len(family.client.get("/v1/children").json["items"]) == 6


def test_many_families_at_once_leave_a_clean_ledger(server):
    def story(n):
        family = Family(server)
        progress = family.learn(f"t{n % 7 + 1}_11")
        family.report(progress["next_verification"]["id"], passed=n % 3 != 0)
        return family.balances()

    results = together(12, story)
    assert all(total == available + locked for total, available, locked, _, _ in results)
    assert audit(server.database) == []


def play_demo(cloud_template, folder, clock):
    """What script/demo prints, in a clone's shape of its own: it changes a rule file."""
    database = Database(cloud_template)
    server = Server(folder, database, env={"LEXICRAFT_TEST_CLOCK": clock})
    shutil.copytree(PROJECT / "script", server.root / "script")
    (server.root / "build").mkdir()
    (server.root / "build" / "lexicraft").symlink_to(pathlib.Path(BINARY).resolve())
    server.start()
    try:
        played = subprocess.run([server.root / "script" / "demo"], env=server.env(), text=True, capture_output=True,
                                timeout=PATIENCE_S * 10)
        assert played.returncode == 0, played.stdout + played.stderr
        assert audit(database) == []
        assert (server.root / "lua/rules/points.lua").read_text() == (PROJECT / "lua/rules/points.lua").read_text()
    finally:
        server.stop()
        database.drop()
    return played.stdout


def test_the_demo_plays_a_month(cloud_template, tmp_path):
    shown = play_demo(cloud_template, tmp_path / "root", "1")
    assert int(re.findall(r"^  day (\d+)$", shown, re.M)[-1]) >= 20
    for expected in ("passed  day 7 of", "failed  day 3 of", "the point is lost", "now it is known", "discovered: ",
                     "bonus: relationship_discovery, 15 points", '"decision":"accept"', '"decision":"reject"',
                     "not reloaded", "reloaded: generation 2", "earned 12, unlocked 4",
                     '"status":"completed","transaction_id"', '"status":"cancelled"', "everything adds up"):
        assert expected in shown, shown
    assert re.search(r"^      right   ", shown, re.M) and not re.search(r"^      wrong   ", shown, re.M), shown


def test_without_a_test_clock_the_demo_plays_one_day_and_says_so(cloud_template, tmp_path):
    shown = play_demo(cloud_template, tmp_path / "root", None)
    assert "LEXICRAFT_TEST_CLOCK=1 script/server" in shown and "  day 2" not in shown
    assert "earned 12, unlocked 4" in shown and "everything adds up" in shown
