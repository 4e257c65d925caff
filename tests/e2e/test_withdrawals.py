"""Points turned into money: what a parent may ask for, what an operator does, who sees what, and races."""

import pytest

from money import ACCOUNT, ask, cancel, client_of, give, move, open_tests, process, withdraw
from support import Family, together

NOBODY = "00000000-0000-4000-8000-000000000000"


def code(answer):
    return answer.status, answer.json["code"]


@pytest.fixture
def rich(family):
    """A family with 100 points to spend."""
    assert give(family, 100).status == 201
    return family


def test_a_request_takes_the_points_and_fixes_the_amount(rich):
    answer = ask(rich, 30)
    assert answer.status == 201
    row = answer.json
    assert answer.headers["Location"] == f"{rich.base}/withdrawals/{row['id']}"
    assert (row["points_amount"], row["amount_ntd"], row["status"]) == (30, 30, "pending")
    assert (row["child_id"], row["parent_id"]) == (rich.child["id"], rich.user["id"])
    assert row["transaction_id"] is row["processing_at"] is row["completed_at"] is None
    assert rich.balances() == (100, 70, 0, 30, 0)
    newest = rich.transactions()[0]
    assert (newest["transaction_type"], newest["points"], newest["withdrawal_request_id"]) == ("withdrawn", 30, row["id"])
    assert rich.client.get(answer.headers["Location"]).json == row


def test_the_whole_life_of_a_withdrawal(rich):
    row = withdraw(rich, 40)
    assert process(rich, row, "processing")["status"] == "processing"
    done = process(rich, row, "completed", transaction_id="bank-1")
    assert (done["status"], done["transaction_id"]) == ("completed", "bank-1")
    assert done["processing_by"] == done["completed_by"] == "the operator"
    assert done["completed_at"] and done["processing_at"]
    assert rich.balances() == (100, 60, 0, 40, 0)
    again = withdraw(rich, 60)
    process(rich, again, "processing", "failed")
    assert rich.balances() == (100, 60, 0, 40, 0)
    assert [row["points"] for row in rich.transactions("?type=withdrawn")] == [-60, 60, 40]


def test_a_parent_cancels_what_is_pending(rich):
    row = withdraw(rich, 40)
    answer = cancel(rich, row)
    assert answer.status == 200 and answer.json["status"] == "cancelled"
    assert rich.balances() == (100, 100, 0, 0, 0)
    assert code(cancel(rich, row)) == (409, "wrong_status")
    other = withdraw(rich, 40)
    process(rich, other, "processing")
    late = cancel(rich, other)
    assert code(late) == (409, "wrong_status") and late.json["current_status"] == "processing"
    assert rich.balances() == (100, 60, 0, 40, 0)


MOVES = {
    "pending": ("processing",),
    "processing": ("completed", "failed"),
    "completed": (),
    "failed": (),
    "cancelled": (),
}


@pytest.mark.parametrize("path", [[], ["processing"], ["processing", "completed"], ["processing", "failed"], "cancelled"])
def test_a_withdrawal_moves_one_way_only(rich, path):
    row = withdraw(rich, 20)
    if path == "cancelled":
        assert cancel(rich, row).status == 200
        status = "cancelled"
    else:
        status = process(rich, row, *path)["status"] if path else "pending"
    before = rich.balances()
    for wanted in ("processing", "completed", "failed"):
        if wanted not in MOVES[status]:
            answer = move(rich, row, wanted)
            assert code(answer) == (409, "wrong_status") and answer.json["current_status"] == status
    for wanted in ("pending", "cancelled", "paid", None):
        assert code(move(rich, row, wanted)) == (400, "invalid_body")
    assert rich.balances() == before


@pytest.mark.parametrize("points, refusal, fact", [(9, (422, "below_minimum"), ("least_points", 10)),
                                                   (101, (409, "insufficient_points"), ("available_points", 100))])
def test_too_little_and_too_much(rich, points, refusal, fact):
    refused = ask(rich, points)
    assert code(refused) == refusal and fact in refused.json.items()
    assert rich.balances() == (100, 100, 0, 0, 0)
    assert withdraw(rich, 10) and withdraw(rich, 90)


@pytest.mark.parametrize("body, pointers", [
    ({}, {"/points_amount", "/bank_account"}),
    ({"points_amount": -10, "bank_account": ACCOUNT}, {"/points_amount"}),
    ({"points_amount": 0, "bank_account": ACCOUNT}, {"/points_amount"}),
    ({"points_amount": 10.5, "bank_account": ACCOUNT}, {"/points_amount"}),
    ({"points_amount": 10.0, "bank_account": ACCOUNT}, {"/points_amount"}),
    ({"points_amount": "10", "bank_account": ACCOUNT}, {"/points_amount"}),
    ({"points_amount": True, "bank_account": ACCOUNT}, {"/points_amount"}),
    ({"points_amount": 10**15, "bank_account": ACCOUNT}, {"/points_amount"}),
    ({"points_amount": 10, "bank_account": ""}, {"/bank_account"}),
    ({"points_amount": 10, "bank_account": "1\n2"}, {"/bank_account"}),
    ({"points_amount": 10, "bank_account": "1" * 101}, {"/bank_account"}),
    ({"points_amount": 10, "bank_account": ACCOUNT, "amount_ntd": 1000}, {"/amount_ntd"}),
    ({"points_amount": 10, "bank_account": ACCOUNT, "status": "completed"}, {"/status"}),
])
def test_a_malformed_request_is_refused(rich, body, pointers):
    answer = rich.client.post(f"{rich.base}/withdrawals", body, headers={"Idempotency-Key": "malformed"})
    assert code(answer) == (400, "invalid_body")
    assert {fault["pointer"] for fault in answer.json["errors"]} == pointers
    assert rich.balances() == (100, 100, 0, 0, 0)


def test_a_debt_must_be_earned_back_first(family):
    given = give(family, 20).json["transaction"]
    withdraw(family, 20)
    reversal = client_of(family.server, "staff").post(
        f"{family.base}/transactions/{given['id']}/reversal", {"reason": "a mistake"})
    assert reversal.status == 201
    assert family.balances() == (0, 0, 0, 20, 20)
    assert code(ask(family, 10)) == (409, "in_deficit")


def test_a_test_overdue_for_too_long_blocks(family):
    family.learn("t4_1")
    family.pass_next()
    assert family.balances() == (100, 30, 70, 0, 0)
    (test,) = open_tests(family)
    # Due at the second midnight from now: it is overdue for fourteen days at some moment of the sixteenth.
    family.server.advance(days=15)
    withdraw(family, 10)
    family.server.advance(days=2)
    assert code(ask(family, 10)) == (409, "tests_overdue")
    assert family.report(test["id"]).status == 200
    withdraw(family, 10)


def test_an_overdue_first_test_of_a_point_without_unlocked_points_does_not_block(rich):
    rich.learn("t4_2")
    rich.server.advance(days=40)
    withdraw(rich, 10)


def test_a_key_is_required_and_holds_for_ever(rich):
    body = {"points_amount": 10, "bank_account": ACCOUNT}
    assert code(rich.client.post(f"{rich.base}/withdrawals", body)) == (400, "idempotency_key_required")
    assert rich.balances() == (100, 100, 0, 0, 0)
    first, again = ask(rich, 10, key="once"), ask(rich, 10, key="once")
    assert first.status == again.status == 201 and first.body == again.body
    assert code(ask(rich, 20, key="once")) == (422, "idempotency_key_reused")
    kept = rich.server.database.rows(
        f"select expires_at from idempotency_keys where key = 'once' and caller = 'parent:{rich.user['id']}'")
    assert kept == [{"expires_at": None}]
    assert rich.balances() == (100, 90, 0, 10, 0)


def test_bank_accounts_are_masked_for_everyone_but_operators(rich):
    row = withdraw(rich, 10)
    path = f"{rich.base}/withdrawals/{row['id']}"
    assert row["bank_account"] == "****9012"
    for client in (rich.client, client_of(rich.server, "service"), client_of(rich.server, "staff")):
        answer = client.get(path)
        assert answer.status == 200 and answer.json["bank_account"] == "****9012"
        assert ACCOUNT not in client.get(f"{rich.base}/withdrawals").body.decode()
        assert "processing_by" not in answer.json
    operator = client_of(rich.server, "operator")
    assert operator.get(path).json["bank_account"] == ACCOUNT
    assert operator.get(f"{rich.base}/withdrawals").json["items"][0]["bank_account"] == ACCOUNT
    assert ask(rich, 10, account="1234567").json["bank_account"] == "****"
    assert ACCOUNT not in rich.server.stderr()


def test_lists_by_child_parent_and_status(server, rich):
    first, second, third = (withdraw(rich, 10) for _ in range(3))
    sister = rich.add_child("Lan")
    process(rich, second, "processing")
    cancel(rich, third)

    def ids(client, path):
        answer = client.get(path)
        assert answer.status == 200, answer
        return [item["id"] for item in answer.json["items"]]

    listed = f"{rich.base}/withdrawals"
    assert ids(rich.client, listed) == [first["id"], second["id"], third["id"]]
    assert ids(rich.client, f"{listed}?status=pending") == [first["id"]]
    assert ids(rich.client, f"{listed}?status=completed") == []
    assert ids(rich.client, f"/v1/children/{sister['id']}/withdrawals") == []
    assert rich.client.get(f"{listed}?status=paid").status == 400

    stranger = Family(server)
    assert ids(stranger.client, "/v1/withdrawals") == []
    assert ids(rich.client, "/v1/withdrawals") == [first["id"], second["id"], third["id"]]
    assert ids(rich.client, "/v1/withdrawals?status=processing") == [second["id"]]
    operator = client_of(server, "operator")
    seen, path = [], "/v1/withdrawals?status=pending&limit=1"
    while path:
        answer = operator.get(path)
        seen += answer.json["items"]
        cursor = answer.json["next_cursor"]
        path = cursor and f"/v1/withdrawals?status=pending&limit=1&cursor={cursor}"
    assert first["id"] in [item["id"] for item in seen]
    assert {item["status"] for item in seen} == {"pending"}
    assert [item["id"] for item in seen] == sorted({item["id"] for item in seen})
    assert second["id"] in ids(operator, "/v1/withdrawals?limit=200")


def test_roles(rich):
    row = withdraw(rich, 10)
    body = {"points_amount": 10, "bank_account": ACCOUNT}
    for role in ("service", "staff", "operator"):
        client = client_of(rich.server, role)
        assert code(client.post(f"{rich.base}/withdrawals", body, headers={"Idempotency-Key": role})) == (403, "forbidden")
        assert code(cancel(rich, row, client=client)) == (403, "forbidden")
        if role != "operator":
            assert code(move(rich, row, "processing", client=client)) == (403, "forbidden")
            assert code(client.get("/v1/withdrawals")) == (403, "forbidden")
    assert code(move(rich, row, "processing", client=rich.client)) == (403, "forbidden")


def test_another_familys_withdrawal_is_the_same_as_none(server, rich):
    row = withdraw(rich, 10)
    thief = Family(server)
    same = {"X-Request-Id": "same", "Idempotency-Key": "same"}
    body = {"points_amount": 10, "bank_account": ACCOUNT}

    def ask_for(child, path, method="GET", body=None):
        return thief.client.request(method, f"/v1/children/{child}/withdrawals{path}", body, headers=dict(same))

    for path, method, body in [("", "GET", None), (f"/{row['id']}", "GET", None), ("", "POST", body),
                               (f"/{row['id']}/cancellation", "POST", None)]:
        theirs, none = ask_for(rich.child["id"], path, method, body), ask_for(NOBODY, path, method, body)
        assert theirs.status == none.status == 404 and theirs.body == none.body, path
        # Nor does one's own child lead to it.
        if path:
            assert ask_for(thief.child["id"], path, method, body).status == 404
    assert rich.balances() == (100, 90, 0, 10, 0)


def test_one_transfer_pays_one_withdrawal(server, rich):
    other = Family(server)
    give(other, 50)
    rows = [(rich, withdraw(rich, 10)), (other, withdraw(other, 10)), (other, withdraw(other, 10))]
    for family, row in rows:
        process(family, row, "processing")
    answers = together(3, lambda n: move(rows[n][0], rows[n][1], "completed", transaction_id=f"transfer of {rich.email}",
                                         client=client_of(server, "operator")))
    assert sorted(answer.status for answer in answers) == [200, 409, 409]
    assert {code(answer) for answer in answers if answer.status == 409} == {(409, "transaction_id_used")}


def test_a_hundred_racing_withdrawals_pay_exactly_what_is_there(server, family):
    given = 250
    assert give(family, given).status == 201
    token = family.client.token
    answers = together(100, lambda n: ask(family, 10, client=server.client(token)))
    paid = [answer for answer in answers if answer.status == 201]
    assert len(paid) == given // 10
    assert {code(answer) for answer in answers if answer.status != 201} == {(409, "insufficient_points")}
    assert family.balances() == (given, 0, 0, given, 0)
    listed = family.client.get(f"{family.base}/withdrawals?limit=200").json["items"]
    assert sum(item["points_amount"] for item in listed) == given


def test_racing_repeats_of_one_request_pay_once(server, rich):
    token = rich.client.token
    answers = together(20, lambda n: ask(rich, 10, key="the-same", client=server.client(token)))
    assert {answer.status for answer in answers} == {201}, answers
    assert len({answer.body for answer in answers}) == 1
    assert rich.balances() == (100, 90, 0, 10, 0)


def test_racing_moves_return_the_points_once(server, rich):
    row = withdraw(rich, 50)

    def act(n):
        if n % 2:
            return cancel(rich, row, client=server.client(rich.client.token))
        return move(rich, row, "processing", client=client_of(server, "operator"))

    answers = together(16, act)
    assert sorted(answer.status for answer in answers) == [200] + [409] * 15
    was_cancelled = rich.client.get(f"{rich.base}/withdrawals/{row['id']}").json["status"] == "cancelled"
    if not was_cancelled:
        answers = together(16, lambda n: move(rich, row, "failed" if n % 2 else "completed",
                                              client=client_of(server, "operator")))
        assert sorted(answer.status for answer in answers) == [200] + [409] * 15
    status = rich.client.get(f"{rich.base}/withdrawals/{row['id']}").json["status"]
    assert rich.balances() == ((100, 50, 0, 50, 0) if status == "completed" else (100, 100, 0, 0, 0))


def test_staff_change_the_rate_and_requests_keep_theirs(own_server):
    own_server.start()
    family = Family(own_server)
    give(family, 100)
    before = withdraw(family, 10)
    own_server.edit("lua/rules/withdrawal.lua", "ntd_cents_per_point = 100,", "ntd_cents_per_point = 25,")
    own_server.edit("lua/rules/withdrawal.lua", "least_points = 10,", "least_points = 1,")
    assert own_server.reload().status == 200
    assert ask(family, 3).json["amount_ntd"] == 0.75
    assert family.client.get(f"{family.base}/withdrawals/{before['id']}").json["amount_ntd"] == 10


def test_the_limits_of_one_day(own_server):
    own_server.edit("lua/rules/withdrawal.lua", "requests_per_day = 500,", "requests_per_day = 3,")
    own_server.edit("lua/rules/withdrawal.lua", "points_per_day = 100000,", "points_per_day = 50,")
    own_server.start()
    family = Family(own_server)
    give(family, 500)
    refused = ask(family, 51)
    assert code(refused) == (409, "daily_limit") and refused.json["points_left"] == 50
    withdraw(family, 40)
    refused = ask(family, 11)
    assert code(refused) == (409, "daily_limit") and refused.json["points_left"] == 10
    cancel(family, withdraw(family, 10))
    withdraw(family, 10)
    assert code(ask(family, 10)) == (409, "daily_limit")
    own_server.advance(days=1)
    withdraw(family, 50)
