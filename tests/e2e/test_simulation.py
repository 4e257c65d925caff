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
    living = World(server, CHILDREN, GREEDY_DAYS)
    yield living
    living.close()
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


def test_the_fold_of_a_ledger_sees_what_is_wrong(world):
    """A point too many in an account, and in a row whose deltas the database has let through."""
    world.live(0)
    assert checks.accounts_that_differ(world.server.database) == []
    row = {"transaction_type": "unlocked", "points": 5, "learning_progress_id": 1, "attempt": 1}
    account = dict.fromkeys(checks.BALANCES, 0) | {"deficit": 3}
    attempts = checks.collections.defaultdict(checks.collections.Counter)
    assert checks.effect(row, account, attempts) == {"locked": -5, "available": 2, "deficit": -3}
    lost = {**row, "transaction_type": "deficit", "points": -5}
    assert checks.effect(lost, account | {"available": 2}, attempts)["deficit"] == 3
