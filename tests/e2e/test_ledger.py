"""Every move of the ledger over HTTP: domain.md's worked examples, points failed and begun again, adjustments, bonuses."""

import pytest

from money import EMPTY, ask, client_of, fail_for_good, give, open_tests, process, reverse, set_progress, withdraw
from support import SERVING, Family, pg_url, psql, together

NOBODY = "00000000-0000-4000-8000-000000000000"


def code(answer):
    return answer.status, answer.json["code"]


@pytest.fixture
def staff(server):
    return client_of(server, "staff")


# ---- the worked examples ----


def test_example_1_all_days_passed(family):
    family.learn("t4_1")
    shares = []
    for _ in range(6):
        done = family.pass_next()
        shares.append(sum(row["points"] for row in done["transactions"] if row["transaction_type"] == "unlocked"))
    assert shares == [30, 20, 20, 0, 0, 30]
    assert family.balances() == (100, 100, 0, 0, 0)


def test_example_2_what_was_withdrawn_becomes_a_debt(family):
    family.learn("t4_2")
    family.pass_next()
    withdraw(family, 30)
    fail_for_good(family)
    assert family.balances() == (0, 0, 0, 30, 30)


def test_example_3_what_was_not_withdrawn_is_taken_back(family):
    family.learn("t4_3")
    family.pass_next()
    family.pass_next()
    fail_for_good(family)
    assert family.balances() == EMPTY


@pytest.mark.parametrize("by_staff", [False, True])
def test_examples_4_and_5(family, staff, by_staff):
    progress = family.learn("t4_4")
    family.pass_next()
    family.pass_next()
    assert family.balances() == (100, 50, 50, 0, 0)
    withdraw(family, 10)
    second = withdraw(family, 30)
    if by_staff:
        assert set_progress(family, progress["id"], "failed", staff).status == 200
    else:
        fail_for_good(family)
    assert family.balances() == (0, 0, 0, 40, 40)

    family.learn("t2_4")
    family.pass_next()
    assert family.balances() == (25, 0, 17, 40, 32)
    assert code(ask(family, 10)) == (409, "in_deficit")
    process(family, second, "processing", "failed")
    assert family.balances() == (25, 0, 17, 10, 2)


# ---- a point fails, and begins again ----


def test_staff_fail_a_point_in_every_state(family, staff):
    def fail(progress):
        answer = set_progress(family, progress["id"], "failed", staff, reason="cheated")
        assert answer.status == 200, answer
        assert (answer.json["status"], answer.json["points"], answer.json["unlocked_points"]) == ("failed", 0, 0)
        assert answer.json["next_verification"] is None and answer.json["verified_at"] is None
        assert open_tests(family) == []
        assert code(set_progress(family, progress["id"], "failed", staff)) == (409, "wrong_status")

    learning = family.learn("t1_1")
    fail(learning)
    assert family.transactions() == []

    pending = family.learn("t1_2")
    family.pass_next()
    fail(pending)
    assert family.balances() == EMPTY
    newest = family.transactions()[0]
    assert (newest["transaction_type"], newest["points"], newest["description"]) == ("deficit", 10, "cheated")

    verified = family.learn("t1_3")
    for _ in range(3):
        done = family.pass_next()
    assert done["progress"]["status"] == "verified" and family.balances() == (10, 10, 0, 0, 0)
    fail(verified)
    assert family.balances() == EMPTY
    kept = family.server.database.rows(
        "select actor, rule_name from points_transactions "
        f"where child_id = '{family.child['id']}' and transaction_type = 'deficit'")
    assert kept == [{"actor": "the staff", "rule_name": None}] * 2


def test_a_test_that_ended_without_a_result_takes_none(family, staff):
    progress = family.learn("t1_4")
    (test,) = open_tests(family)
    assert set_progress(family, progress["id"], "failed", staff).status == 200
    for passed in (True, False):
        assert code(family.report(test["id"], passed)) == (409, "already_completed")
    ended = family.client.get(f"{family.base}/verifications/{test['id']}").json
    assert ended["completed"] and ended["cancelled_at"] and ended["completed_at"] is ended["passed"] is None
    assert ended.pop("questions") is None
    assert family.client.get(f"{family.base}/verifications").json["items"] == [ended]
    assert family.balances() == EMPTY


def test_a_failed_point_begins_again_as_a_new_attempt(family, staff):
    progress = family.learn("t2_1")
    early = set_progress(family, progress["id"], "learning", family.client)
    assert code(early) == (409, "already_learning")
    family.pass_next()
    assert set_progress(family, progress["id"], "failed", staff).status == 200
    again = set_progress(family, progress["id"], "learning", family.client)
    assert again.status == 200, again
    assert (again.json["id"], again.json["attempt"], again.json["status"]) == (progress["id"], 2, "learning")
    assert (again.json["highest_day"], again.json["tier"]) == (0, 2)
    assert (again.json["next_verification"]["test_day"], again.json["next_verification"]["attempt"]) == (1, 2)
    family.pass_next()
    assert family.balances() == (25, 8, 17, 0, 0)
    assert [row["transaction_type"] for row in reversed(family.transactions())] == [
        "earned", "unlocked", "deficit", "earned", "unlocked"]


def test_a_failed_point_keeps_its_tier_when_it_begins_again(server, family, staff):
    progress = family.learn("t1_5")
    assert set_progress(family, progress["id"], "failed", staff).status == 200
    server.database.sql("update learning_points set tier = 2 where id = 't1_5'")
    again = set_progress(family, progress["id"], "learning", family.client)
    assert (again.status, again.json["id"], again.json["tier"]) == (200, progress["id"], 1)


def test_a_repeated_change_is_answered_alike_with_its_tag(family, staff):
    progress, key = family.learn("t2_2"), {"Idempotency-Key": "once"}
    path = f"{family.base}/progress/{progress['id']}"
    first, again = (staff.request("PATCH", path, {"status": "failed"}, headers=key) for _ in range(2))
    assert (first.status, first.body) == (200, again.body)
    assert again.headers["ETag"] == first.headers["ETag"] == family.client.get(path).headers["ETag"]


def test_who_may_set_which_status(server, family, staff):
    progress = family.learn("t1_6")
    service, operator = client_of(server, "service"), client_of(server, "operator")
    for client in (family.client, service, operator):
        assert code(set_progress(family, progress["id"], "failed", client)) == (403, "forbidden")
    assert set_progress(family, progress["id"], "failed", staff).status == 200
    for client in (staff, operator):
        assert code(set_progress(family, progress["id"], "learning", client)) == (403, "forbidden")
    for status in ("pending", "verified", "", 1, None):
        for client in (family.client, staff):
            assert code(set_progress(family, progress["id"], status, client)) == (400, "invalid_body")
    for more in ({"points": 100}, {"tier": 4}, {"attempt": 9}, {"unlocked_points": 10}):
        assert code(set_progress(family, progress["id"], "learning", family.client, **more)) == (400, "invalid_body")
    assert set_progress(family, progress["id"], "learning", service).status == 200


def test_another_familys_progress_is_the_same_as_none(server, family, staff):
    other = Family(server)
    progress = other.learn("t1_7")
    assert set_progress(other, progress["id"], "failed", staff).status == 200
    same = {"X-Request-Id": "same"}
    answers = [family.client.request("PATCH", f"/v1/children/{child}/progress/{progress['id']}", {"status": "learning"},
                                     headers=same) for child in (other.child["id"], NOBODY, family.child["id"])]
    assert {answer.status for answer in answers} == {404} and len({answer.body for answer in answers}) == 1
    assert code(set_progress(family, progress["id"], "failed", staff)) == (404, "not_found")


def test_a_failure_and_a_pass_race(server, family):
    progress = family.learn("t4_5")
    (test,) = open_tests(family)
    staff_token, service_token = client_of(server, "staff").token, server.service_token()
    body = {"passed": True, "score": 100, "questions": [], "answers": []}

    def act(n):
        if n % 2:
            return set_progress(family, progress["id"], "failed", server.client(staff_token))
        return server.client(service_token).post(f"{family.base}/verifications/{test['id']}/completion", body)

    answers = together(8, act)
    assert {answer.status for answer in answers} <= {200, 409}, answers
    assert family.client.get(f"{family.base}/progress/{progress['id']}").json["status"] == "failed"
    assert family.balances() == EMPTY and open_tests(family) == []


# ---- adjustments and reversals ----


def test_staff_give_points_and_take_them_back(family, staff):
    answer = give(family, 20, "sorry for the outage")
    assert answer.status == 201
    row = answer.json["transaction"]
    assert (row["transaction_type"], row["points"], row["description"]) == ("adjusted", 20, "sorry for the outage")
    assert answer.json["account"] == family.account()
    assert family.balances() == (20, 20, 0, 0, 0)
    back = reverse(family, row["id"], "wrong child")
    assert back.status == 201
    assert (back.json["transaction"]["points"], back.json["transaction"]["reverses_id"]) == (-20, row["id"])
    assert back.json["account"] == family.account() and family.balances() == EMPTY
    assert code(reverse(family, row["id"])) == (409, "already_reversed")
    assert code(reverse(family, back.json["transaction"]["id"])) == (409, "not_reversible")
    kept = family.server.database.rows(
        f"select distinct actor from points_transactions where child_id = '{family.child['id']}'")
    assert kept == [{"actor": "the staff"}]


def test_a_gift_repays_a_debt_first(family):
    first = give(family, 30).json["transaction"]
    withdraw(family, 30)
    assert reverse(family, first["id"]).status == 201
    assert family.balances() == (0, 0, 0, 30, 30)
    give(family, 10)
    assert family.balances() == (10, 0, 0, 30, 20)
    give(family, 25)
    assert family.balances() == (35, 5, 0, 30, 0)


def test_only_bonuses_and_gifts_can_be_taken_back(family):
    family.learn("t1_8")
    family.pass_next()
    give(family, 50)
    withdrawn = withdraw(family, 10)
    process(family, withdrawn, "processing", "failed")
    for row in family.transactions():
        if row["transaction_type"] != "adjusted":
            assert code(reverse(family, row["id"])) == (409, "not_reversible")
    assert code(reverse(family, 10**15)) == (404, "not_found")


def test_racing_reversals_take_back_once(server, family):
    row = give(family, 20).json["transaction"]
    token = client_of(server, "staff").token
    answers = together(10, lambda n: reverse(family, row["id"], client=server.client(token)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 9
    assert family.balances() == EMPTY


@pytest.mark.parametrize("body", [
    {}, {"points": 10}, {"reason": "x"}, {"points": 0, "reason": "x"}, {"points": -5, "reason": "x"},
    {"points": 1.5, "reason": "x"}, {"points": 5, "reason": ""}, {"points": 5, "reason": "x", "actor": "somebody"},
    {"points": 10**9, "reason": "x"},
])
def test_a_malformed_adjustment_is_refused(family, staff, body):
    assert code(staff.post(f"{family.base}/adjustments", body)) == (400, "invalid_body")
    assert family.balances() == EMPTY


def test_only_staff_adjust(server, family):
    row = give(family, 20).json["transaction"]
    for client in (family.client, client_of(server, "service"), client_of(server, "operator")):
        assert code(give(family, 10, client=client)) == (403, "forbidden")
        assert code(reverse(family, row["id"], client=client)) == (403, "forbidden")
    assert code(client_of(server, "staff").post(f"/v1/children/{NOBODY}/adjustments",
                                                {"points": 1, "reason": "x"})) == (404, "not_found")
    other = Family(server)
    assert code(reverse(other, row["id"])) == (404, "not_found")
    assert family.balances() == (20, 20, 0, 0, 0)


# ---- discoveries ----


def verify(family, point):
    family.learn(point)
    while True:
        (test,) = [item for item in open_tests(family) if item["learning_point_id"] == point]
        if family.complete_when_due(test["id"], True)["progress"]["status"] == "verified":
            return


def discover(family, source, target, kind="RELATED_TO", client=None):
    return (client or family.service).post(f"{family.base}/discoveries", {
        "source_learning_point_id": source, "target_learning_point_id": target, "relationship_type": kind})


def pay(family, discovery, client=None):
    return (client or family.service).post(f"{family.base}/discoveries/{discovery}/bonus")


def test_a_discovery_is_recorded_once_and_paid_once(family):
    verify(family, "t1_9")
    verify(family, "t1_10")
    before = family.balances()
    answer = discover(family, "t1_9", "t1_10")
    assert answer.status == 201, answer
    found = answer.json
    assert (found["bonus_awarded"], found["relationship_type"]) == (False, "RELATED_TO")
    assert code(discover(family, "t1_9", "t1_10")) == (409, "already_discovered")
    assert code(discover(family, "t1_10", "t1_9")) == (409, "already_discovered")
    paid = pay(family, found["id"])
    assert paid.status == 200 and paid.json["discovery"]["bonus_awarded"] is True
    row = paid.json["transaction"]
    assert (row["transaction_type"], row["bonus_type"], row["points"]) == ("bonus", "relationship_discovery", 15)
    assert family.balances() == (before[0] + 15, before[1] + 15, 0, 0, 0)
    assert paid.json["account"] == family.account()
    assert code(pay(family, found["id"])) == (409, "already_awarded")
    # The other direction of a directed relationship is another discovery.
    assert discover(family, "t1_9", "t1_10", "PART_OF").status == 201
    assert discover(family, "t1_10", "t1_9", "PART_OF").status == 201
    # A bonus taken back is not paid again.
    assert reverse(family, row["id"]).status == 201
    assert family.balances() == before
    assert code(pay(family, found["id"])) == (409, "already_awarded")


def test_the_bonus_waits_until_both_are_known(family):
    verify(family, "t1_11")
    family.learn("t1_12")
    found = discover(family, "t1_11", "t1_12", "PART_OF").json
    assert code(pay(family, found["id"])) == (409, "not_known")
    assert code(pay(family, found["id"], client=client_of(family.server, "staff"))) == (409, "not_known")


def test_beyond_the_daily_limit_only_staff_pay(own_server):
    own_server.edit("lua/rules/discovery.lua", "bonuses_per_day = 20", "bonuses_per_day = 1")
    own_server.start()
    family = Family(own_server)
    verify(family, "t1_1")
    verify(family, "t1_2")
    first, second = (discover(family, "t1_1", "t1_2", kind).json["id"] for kind in ("RELATED_TO", "PART_OF"))
    assert pay(family, first).status == 200
    assert code(pay(family, second)) == (409, "daily_limit")
    assert pay(family, second, client=client_of(own_server, "staff")).status == 200
    assert family.balances() == (50, 50, 0, 0, 0)


def test_racing_payments_of_one_discovery_pay_once(server, family):
    verify(family, "t1_13")
    verify(family, "t1_14")
    found = discover(family, "t1_13", "t1_14").json
    token = server.service_token()
    answers = together(10, lambda n: pay(family, found["id"], client=server.client(token)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 9
    assert family.balances() == (35, 35, 0, 0, 0)


def test_what_is_no_discovery(server, family):
    assert code(discover(family, "t1_1", "t1_1")) == (422, "same_learning_point")
    assert code(discover(family, "t1_1", "no_such_point")) == (422, "unknown_learning_point")
    assert code(discover(family, "t1_1", "t1_2", "FRIEND_OF")) == (400, "invalid_body")
    assert code(discover(family, "t1_1", "t1_2", client=family.client)) == (403, "forbidden")
    assert code(pay(family, 10**12)) == (404, "not_found")
    other = Family(server)
    found = discover(other, "t1_1", "t1_2").json
    assert code(pay(family, found["id"])) == (404, "not_found")


# ---- past the program, straight into the database ----

MOVES = """insert into points_transactions
  (child_id, sequence, transaction_type, points, total_earned_delta, available_delta, locked_delta, withdrawn_delta,
   deficit_delta, tier, learning_progress_id, attempt, test_day, rule_version, rule_name, rule_input, rule_result, created_at)
select child_id, last_sequence + row_number() over (), kind, points, total, available, locked, 0, 0,
       2, {progress}, 1, 2, (select max(version) from rule_versions), 'r', '{{}}', '{{}}', now()
from points_accounts, (values {rows}) as v (kind, points, total, available, locked)
where child_id = '{child}'"""


def write_moves(server, family, progress, rows):
    url = pg_url(server.database.name, SERVING)
    return psql(url, MOVES.format(child=family.child["id"], progress=progress["id"], rows=rows), check=False).stderr


def test_a_failure_takes_back_only_what_came_before_it(server, family):
    family.learn("t4_5")
    family.pass_next()
    progress = family.learn("t2_5")
    before = family.balances()
    said = write_moves(server, family, progress, "('deficit', 10, -10, 0, -10), ('earned', 10, 10, 0, 10)")
    assert "does not fit attempt 1" in said, said
    assert family.balances() == before


def test_functions_that_others_make_set_no_law_aside(server, family):
    progress = family.learn("t2_6")
    before = family.balances()
    database = server.database
    made = [f"public.{name}(name, text)" for name in ("refuse_row", "refuse_change_of_row", "refuse_unknown_version")]
    made += [f"public.{name}(anyelement)" for name in ("broken_law", "broken_law_of_award", "broken_law_of_other")]
    database.sql(f"grant create on schema public to {SERVING}")
    try:
        for function in made:
            psql(pg_url(database.name, SERVING), f"create function {function} returns text language sql as 'select null::text'")
        said = write_moves(server, family, progress, "('bonus', 1, 1000, 1000, 0)")
        assert "points_transactions_bonus_cause" in said, said
        said = write_moves(server, family, progress, "('earned', 10, 1000, 990, 10)")
        assert "points_transactions_earned_deltas" in said, said
        assert family.balances() == before
    finally:
        database.sql(f"revoke create on schema public from {SERVING}; drop function if exists {', '.join(made)}")
