"""Results of many children that arrive together share transactions of PostgreSQL: nobody is to notice but by the speed."""

import concurrent.futures
import http.client
import json

import pytest

from support import Client, Family, account_held, audit, together, wait_for, waits_for_lock

RESULT = {"passed": True, "score": 100, "questions": [], "answers": []}
EARNED = (10, 3, 7, 0, 0)  # by the first test of a word of tier 1
NOTHING = (0, 0, 0, 0, 0)


@pytest.fixture
def server(own_server):
    """One worker with one connection for what shares, so that who comes while it is busy waits for the same one."""
    for old, new in (("workers = 0,", "workers = 1,"), ("sharing_connections = 2,", "sharing_connections = 1,"),
                     ("wait_ms = 2000,", "wait_ms = 60000,"), ("statement_ms = 5000,", "statement_ms = 60000,"),
                     ("lock_ms = 2000,", "lock_ms = 30000,")):
        own_server.edit("config.lua", old, new)
    return own_server.start()


class Child:
    """With a test that is due."""

    def __init__(self, server, number):
        self.family = Family(server)
        self.id = self.family.child["id"]
        self.progress = self.family.learn(f"t1_{number % 20 + 1}")
        self.test = f"{self.family.base}/verifications/{self.progress['next_verification']['id']}/completion"

    def report(self, body=RESULT, path=None):
        return Client(self.family.server.api, self.family.server.service_token()).post(path or self.test, body)


def children(server, count):
    return [Child(server, number) for number in range(count)]


def shared(server):
    return server.metric("lexicraft_db_shared_total")


def failures(server):
    return server.metric("lexicraft_db_share_failures_total")


def waiting(server):
    return server.metric("lexicraft_db_waiting", lane="exclusive")


def report_behind(first, reports, then=None):
    """The answers to the first child, whose account is held until these reports wait, and to these."""
    server = first.family.server
    with concurrent.futures.ThreadPoolExecutor(len(reports) + 1) as pool:
        with account_held(server, first.id):
            answers = [pool.submit(first.report)]
            wait_for(lambda: waits_for_lock(server), "the first one to wait")
            answers += [pool.submit(report) for report in reports]
            wait_for(lambda: waiting(server) == len(reports), "the others to wait")
            if then:
                then()
        return [answer.result() for answer in answers]


def test_results_that_wait_together_are_committed_together(server):
    first, *others = children(server, 7)
    before = shared(server)
    answers = report_behind(first, [child.report for child in others])
    assert [answer.status for answer in answers] == [200] * 7, answers
    assert [child.family.balances() for child in (first, *others)] == [EARNED] * 7
    assert shared(server) - before == 6 and failures(server) == 0
    xids = server.database.rows("select distinct xmin::text from points_transactions where child_id <> "
                                f"'{first.id}' and transaction_type = 'earned'")
    assert len(xids) == 1
    # Each is answered with what is its own.
    for child, answer in zip((first, *others), answers):
        assert answer.json["account"]["child_id"] == child.id
        assert answer.json["verification"]["learning_progress_id"] == child.progress["id"]
        assert len(child.family.transactions()) == 2
    assert audit(server.database) == []


def test_points_that_are_begun_together(server):
    """Beside a result: what both do first is one statement, the rest is each one's."""
    first, done, *others = children(server, 6)
    before = shared(server)

    def begin(child):
        client = Client(server.api, server.service_token())
        path = f"/v1/children/{child.id.upper()}/progress"
        return lambda: client.post(path, {"learning_point_id": "t2_1"})

    answers = report_behind(first, [done.report, *[begin(child) for child in others]])
    assert [answer.status for answer in answers] == [200] * 2 + [201] * 4, answers
    assert shared(server) - before == 5 and failures(server) == 0
    for child, answer in zip(others, answers[2:]):
        assert answer.json["child_id"] == child.id and answer.json["tier"] == 2
        assert answer.json["next_verification"]["learning_progress_id"] == answer.json["id"]
    assert done.family.balances() == EARNED
    again = together(4, lambda index: begin(others[index])())
    assert [answer.status for answer in again] == [409] * 4
    assert audit(server.database) == []


def test_refusals_do_not_touch_the_others(server):
    first, *others = children(server, 4)
    done, unknown, fine = others
    assert done.report().status == 200
    answers = report_behind(first, [
        lambda: done.report({**RESULT, "passed": False, "score": 0}),  # it has another result already
        lambda: unknown.report(path=f"{unknown.family.base}/verifications/999999999/completion"),
        fine.report])
    assert [answer.status for answer in answers] == [200, 409, 404, 200], answers
    assert failures(server) == 0 and shared(server) >= 3
    assert [child.family.balances() for child in (first, done, fine)] == [EARNED] * 3
    assert unknown.family.balances() == NOTHING


def test_who_cannot_be_served_does_not_keep_the_others_from_it(server):
    """One of those that share waits for a lock: the others are served by themselves meanwhile, and it is when it has it."""
    first, *others = children(server, 5)
    stuck = others[1]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        with account_held(server, stuck.id):
            reports = [lambda child=child: answered.append(child.report()) for child in others]
            answered = []
            behind = pool.submit(report_behind, first, reports)
            wait_for(lambda: len(answered) == 3, "the others to be served while one is held")
            assert stuck.family.balances() == NOTHING
        behind.result()
    assert [answer.status for answer in answered] == [200] * 4, answered
    assert failures(server) == 1
    for child in (first, *others):
        assert child.family.balances() == EARNED and len(child.family.transactions()) == 2


def test_a_client_that_leaves_takes_nobody_along(server):
    first, leaving, *others = children(server, 4)
    connection = http.client.HTTPConnection(server.api)

    def come_and_go():
        connection.request("POST", leaving.test, json.dumps(RESULT),
                           {"Content-Type": "application/json", "Authorization": f"Bearer {server.service_token()}"})
        wait_for(lambda: waiting(server) == len(others) + 1, "it to wait too")
        connection.close()
        wait_for(lambda: waiting(server) == len(others), "it to be forgotten")

    answers = report_behind(first, [child.report for child in others], come_and_go)
    assert [answer.status for answer in answers] == [200] * 3, answers
    assert leaving.family.balances() == NOTHING


def test_one_child_at_a_time(server):
    """Two tests of one child never share, however its id is written."""
    family = Family(server)
    tests = [family.learn(f"t1_{n}")["next_verification"]["id"] for n in range(1, 7)]
    own = family.child["id"]
    answers = together(6, lambda n: Client(server.api, server.service_token()).post(
        f"/v1/children/{own.upper() if n % 2 else own}/verifications/{tests[n]}/completion", RESULT))
    assert [answer.status for answer in answers] == [200] * 6, answers
    assert shared(server) == 0
    assert family.balances() == (60, 18, 42, 0, 0)
