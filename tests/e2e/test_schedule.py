"""Who plans the dates of the tests: the ladder or FSRS, chosen in a rule file, and nothing under way is moved."""

import datetime
import json

import pytest

from support import Family

SCHEDULE, FSRS, LADDER = "lua/rules/schedule.lua", "lua/rules/fsrs.lua", "lua/rules/ladder.lua"
# What ts-fsrs 5.4.2 plans after passes on the days it planned, with default weights, without fuzz.
DAYS_PASSED = [2, 11, 46, 163]


@pytest.fixture
def running(own_server):
    own_server.edit(FSRS, "fuzz = true,", "fuzz = false,")
    return own_server.start()


def choose(server, algorithm, instead_of='"ladder"'):
    server.edit(SCHEDULE, f"\n  algorithm = {instead_of},", f"\n  algorithm = {algorithm},")
    answer = server.reload()
    assert answer.status == 200 and answer.json["changed"], answer


def today(server):
    """Where the parents of these tests live, Taipei."""
    now = datetime.datetime.fromisoformat(server.advance(seconds=0)["now"].replace("Z", "+00:00"))
    return (now + datetime.timedelta(hours=8)).date()


def days_until(server, verification):
    return (datetime.date.fromisoformat(verification["scheduled_date"]) - today(server)).days


def kept(server, progress):
    """What the database keeps of an attempt's algorithm."""
    return server.database.rows(f"""select algorithm, algorithm_state as state, attempt from learning_progress
                                    where id = {progress['id']}""")[0]


def take(family, verification, passed=True):
    """Report a result that must be accepted at once."""
    answer = family.report(verification["id"], passed)
    assert answer.status == 200, answer
    return answer.json


def climb(family, verification, steps):
    """Pass so many tests, each on its day; the days planned between them."""
    days = []
    for _ in range(steps):
        verification = take(family, verification)["next_verification"]
        days.append(days_until(family.server, verification))
        family.server.advance(days=days[-1])
    return days, verification


def test_fsrs_plans_the_days_that_its_reference_plans(running):
    choose(running, '"fsrs"')
    family = Family(running)
    progress = family.learn("t4_1")
    assert kept(running, progress) == {"algorithm": "fsrs", "state": {}, "attempt": 1}
    days, verification = climb(family, progress["next_verification"], 4)
    assert days == DAYS_PASSED
    assert verification["test_day"] == 21
    state = kept(running, progress)["state"]
    assert set(state) == {"stability", "difficulty"} and round(state["stability"]) == DAYS_PASSED[-1]
    # The steps and their shares are those of the tier.
    assert family.balances() == (100, 70, 30, 0, 0)
    calls = running.database.rows("""select rule_input -> 'algorithm' as algorithm, rule_input -> 'state' as before,
                                            rule_result -> 'state' as after, rule_input -> 'days_since_test' as days
                                     from verification_schedule where rule_name = 'schedule.pass' order by id""")
    assert [call["days"] for call in calls] == [0, *DAYS_PASSED[:-1]]
    assert {call["algorithm"] for call in calls} == {"fsrs"} and calls[0]["before"] is None
    assert [call["before"] for call in calls[1:]] == [call["after"] for call in calls[:-1]]
    assert calls[-1]["after"] == state


def test_what_is_under_way_keeps_its_algorithm(running):
    family = Family(running)
    by_ladder = family.learn("t1_1")
    choose(running, '"fsrs"')
    by_model = family.learn("t1_2")
    assert [kept(running, it)["algorithm"] for it in (by_ladder, by_model)] == ["ladder", "fsrs"]
    ladder_next = take(family, by_ladder["next_verification"])["next_verification"]
    model_next = take(family, by_model["next_verification"])["next_verification"]
    assert days_until(running, ladder_next) == days_until(running, model_next) == 2
    choose(running, '"ladder"', instead_of='"fsrs"')
    running.advance(days=2)
    ladder_next = take(family, ladder_next)["next_verification"]
    model_next = take(family, model_next)["next_verification"]
    assert (days_until(running, ladder_next), days_until(running, model_next)) == (4, 11)
    assert (ladder_next["test_day"], model_next["test_day"]) == (7, 7)
    assert kept(running, by_ladder) == {"algorithm": "ladder", "state": {}, "attempt": 1}
    assert kept(running, by_model)["algorithm"] == "fsrs" and kept(running, by_model)["state"]
    assert kept(running, family.learn("t1_3"))["algorithm"] == "ladder"


def test_a_tier_may_have_an_algorithm_of_its_own(running):
    names = ", ".join('"fsrs"' if tier == 4 else '"ladder"' for tier in range(1, 8))
    choose(running, "{ " + names + " }")
    family = Family(running)
    assert kept(running, family.learn("t4_1"))["algorithm"] == "fsrs"
    assert kept(running, family.learn("t7_1"))["algorithm"] == "ladder"


def test_a_failed_point_is_learned_again_with_the_algorithm_of_then(running):
    choose(running, '"fsrs"')
    family = Family(running)
    progress = family.learn("t2_1")
    verification = take(family, progress["next_verification"])["next_verification"]
    running.advance(days=2)
    for failure in range(3):
        done = take(family, verification, passed=False)
        verification = done["next_verification"]
        if failure < 2:
            assert verification["test_day"] == 3
            running.advance(days=days_until(running, verification))
    assert done["progress"]["status"] == "failed" and verification is None
    assert family.balances() == (0, 0, 0, 0, 0)
    forgotten = kept(running, progress)["state"]
    assert forgotten["stability"] < 1 and forgotten["difficulty"] > 9

    choose(running, '"ladder"', instead_of='"fsrs"')
    again = family.learn("t2_1")
    assert again["id"] == progress["id"]
    assert kept(running, progress) == {"algorithm": "ladder", "state": {}, "attempt": 2}
    assert family.report(again["next_verification"]["id"]).json["code"] == "too_early"
    running.advance(days=1)
    assert take(family, again["next_verification"])["next_verification"]["test_day"] == 3

    # And the other way round: a new attempt remembers nothing of the one before.
    choose(running, '"fsrs"')
    other = family.learn("t2_2")
    for _ in range(3):
        failed = family.complete_when_due(other["next_verification"]["id"], False)
        other = {"id": other["id"], "next_verification": failed["next_verification"]}
    assert kept(running, other)["state"]
    again = family.learn("t2_2")
    assert kept(running, other) == {"algorithm": "fsrs", "state": {}, "attempt": 2}
    running.advance(days=1)
    assert days_until(running, take(family, again["next_verification"])["next_verification"]) == DAYS_PASSED[0]


def test_nothing_is_tested_or_verified_before_its_day(running):
    """A model that would ask every day still waits for the steps' own days."""
    running.edit(FSRS, "desired_retention = 0.9,", "desired_retention = 0.99,")
    choose(running, '"fsrs"')
    family = Family(running)
    progress = family.learn("t1_1")
    days, check = climb(family, progress["next_verification"], 3)
    assert days[:2] == [2, 4]
    assert check["test_day"] == 60 and days[2] == 53  # 59 days after learning began
    done = take(family, check)
    assert done["progress"]["status"] == "verified" and done["next_verification"] is None


def test_a_forgotten_point_is_asked_sooner_than_a_known_one(running):
    choose(running, '"fsrs"')
    family = Family(running)
    verifications = [family.learn(f"t3_{n}")["next_verification"] for n in (1, 2)]
    for _ in range(2):
        verifications = [take(family, verification)["next_verification"] for verification in verifications]
        running.advance(days=days_until(running, verifications[0]))
    passed = take(family, verifications[0])["next_verification"]
    failed = take(family, verifications[1], passed=False)["next_verification"]
    assert (passed["test_day"], failed["test_day"]) == (14, 7)
    assert days_until(running, passed) == DAYS_PASSED[2] > days_until(running, failed) >= 1


def test_fuzz_spreads_what_was_begun_together(own_server):
    server = own_server.start()
    choose(server, '"fsrs"')
    family = Family(server)
    verifications = [family.learn(f"t3_{n}")["next_verification"] for n in range(1, 13)]
    for days in (2, None):
        verifications = [take(family, verification)["next_verification"] for verification in verifications]
        if days:
            server.advance(days=days)
    waits = {days_until(server, verification) for verification in verifications}
    assert len(waits) > 1 and waits <= {9, 10, 11, 12, 13}


BAD = {
    "a fail before a pass": (LADDER, "{ from_day = 7, days = 3 }", "{ from_day = 7, days = 20 }", "a fail for day"),
    "a list without day 1": (SCHEDULE, "[3] = { 1, 3,", "[3] = { 2, 3,", "test_days[3][1] is 2, the first has to be 1"),
    "an unknown algorithm": (SCHEDULE, '\n  algorithm = "ladder"', '\n  algorithm = "leitner"', "leitner"),
    "a weight too few": (FSRS, "0.1542, ", "", ""),
    "a chance that is none": (FSRS, "desired_retention = 0.9,", "desired_retention = 90,", "desired_retention is 90"),
}


@pytest.mark.parametrize("kind", BAD)
def test_numbers_that_would_hurt_are_refused(running, kind):
    path, old, new, text = BAD[kind]
    before = running.client().get("/v1/health").json["rule_version"]
    running.edit(path, old, new)
    answer = running.reload()
    assert answer.status == 422, answer
    assert any("lua/rules/" in fault and text in fault for fault in answer.json["faults"]), json.dumps(answer.json, indent=1)
    assert running.client().get("/v1/health").json["rule_version"] == before
