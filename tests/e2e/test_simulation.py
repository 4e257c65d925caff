"""A few children for some weeks, as script/simulate lets many live for months."""

import sys

import pytest

from support import PROJECT, Database, Server

sys.path.insert(0, str(PROJECT / "tests" / "simulation"))

import checks  # noqa: E402
from world import ENVIRONMENT, World  # noqa: E402

CHILDREN, DAYS, GREEDY_DAYS = 12, 40, 4


@pytest.fixture
def world(cloud_template, tmp_path):
    database = Database(cloud_template)
    server = Server(tmp_path, database, env=ENVIRONMENT).start()
    try:
        living = World(server, CHILDREN, GREEDY_DAYS)
        yield living
        living.close()
    finally:
        server.stop()
        database.drop()


def test_weeks_of_learning_break_no_rule(world):
    for day in range(DAYS):
        world.live(day)
    found = checks.check(world)
    assert {name: faults for name, faults in found.items() if faults} == {}
    happened, refused = world.tally.counts, world.line.refusals
    for name in ("tests passed", "tests failed", "tests under_review", "tests answered twice at once", "discoveries",
                 "bonuses paid at once", "withdrawals requested"):
        assert happened[name] > 0, (name, happened)
    assert refused["daily_limit"] > 0 and refused["too_early"] > 0
    children = world.children.values()
    assert checks.most_by_day(children, "begun") == checks.NEW_POINTS_MOST
    assert checks.most_by_day(children, "tested") == checks.TESTS_MOST


SPOILED = """
    set session_replication_role = replica;
    update points_accounts set total_earned = total_earned + 1, available_points = available_points + 1
    where (child_id, deficit_points) = (select child_id, 0 from points_accounts where deficit_points = 0 limit 1);
    update verification_schedule v
    set started_at = b.answered_at + interval '22 hours', answered_at = b.answered_at + interval '23 hours',
        completed_at = b.answered_at + interval '23 hours', expires_at = b.answered_at + interval '24 hours'
    from verification_schedule b
    where b.child_id = v.child_id and b.learning_progress_id = v.learning_progress_id and b.id < v.id
      and b.completed_at is not null and v.completed_at is not null"""


def test_what_is_wrong_is_seen(world):
    world.live(0)
    world.live(2)
    world.live(4)
    world.server.database.sql(SPOILED)
    found = checks.check(world)
    for name in ("accounts that are not the fold of their ledger", "tests of one point within 24 hours",
                 "complaints of lexicraft audit"):
        assert found[name], name
