"""Lists of what a child learns and earns: every filter, in pages; days are those of where the parent lives."""

import datetime
import json
import os
import re
import urllib.parse

import pytest

from money import client_of, give, open_tests, process, set_progress, withdraw
from support import PROJECT, Family, cursor_of, together

NOBODY = "00000000-0000-4000-8000-000000000000"


def code(answer):
    return answer.status, answer.json["code"]


def listed(family, path, client=None, limit=None):
    """Every item of a list, page by page as Link leads."""
    client = client or family.client
    path = path if path.startswith("/v1") else f"{family.base}/{path}"
    if limit:
        path += f"{'&' if '?' in path else '?'}limit={limit}"
    found = []
    while path:
        answer = client.get(path)
        assert answer.status == 200, answer
        assert len(answer.json["items"]) <= (limit or 50)
        found += answer.json["items"]
        link = answer.headers.get("Link")
        assert bool(link) == bool(answer.json["next_cursor"])
        path = link and re.fullmatch(r'<(.*)>; rel="next"', link)[1]
    return found


def ids(items):
    return [item["id"] for item in items]


def date_at(database, moment, zone="Asia/Taipei"):
    return datetime.date.fromisoformat(database.sql(f"select ('{moment}'::timestamptz at time zone '{zone}')::date"))


def verify(family, point):
    progress = family.learn(point)
    while family.client.get(f"{family.base}/progress/{progress['id']}").json["status"] != "verified":
        (test,) = [one for one in open_tests(family) if one["learning_progress_id"] == progress["id"]]
        family.complete_when_due(test["id"], True)
    return progress


# ---- progress ----


def test_progress_by_status_tier_and_learning_point(server, family):
    kept = [family.learn(point) for point in ("t1_1", "t2_1", "t1_2", "t2_2", "t3_1")]
    for progress in kept[:2]:
        assert family.report(progress["next_verification"]["id"]).status == 200
    assert set_progress(family, kept[2]["id"], "failed", client_of(server, "staff")).status == 200
    (a, b, c, d, e) = ids(kept)
    for query, expected in [("", [a, b, c, d, e]), ("?status=pending", [a, b]), ("?tier=2", [b, d]), ("?tier=7", []),
                            ("?status=pending&tier=2", [b]), ("?status=failed&tier=2", []),
                            ("?learning_point_id=t1_2", [c]), ("?learning_point_id=t1_2&status=learning", []),
                            ("?learning_point_id=t1_2&tier=1&status=failed", [c]), ("?learning_point_id=t9", [])]:
        for client in (family.client, client_of(server, "service"), client_of(server, "staff")):
            assert ids(listed(family, f"progress{query}", client)) == expected, query
        assert ids(listed(family, f"progress{query}", limit=1)) == expected, query


def test_a_point_in_two_tiers_is_two_progress_rows_and_one_that_is_known(server, family):
    first = verify(family, "t1_10")
    server.database.sql("update learning_points set tier = 2 where id = 't1_10'")
    second = family.learn("t1_10")
    assert ids(listed(family, "progress?learning_point_id=t1_10", limit=1)) == [first["id"], second["id"]]
    (known,) = listed(family, "known-points")
    assert (known["learning_point_id"], known["tier"], known["word"], known["type"]) == ("t1_10", 1, "word 1 10", "word")
    while family.client.get(f"{family.base}/progress/{second['id']}").json["status"] != "verified":
        (test,) = [one for one in open_tests(family) if one["learning_progress_id"] == second["id"]]
        family.complete_when_due(test["id"], True)
    (known,) = listed(family, "known-points")
    assert (known["learning_point_id"], known["tier"]) == ("t1_10", 2)


def test_what_a_child_knows(server, family):
    for point in ("t1_5", "t1_3", "t1_4"):
        verify(family, point)
    family.learn("t1_6")
    for client in (None, client_of(server, "staff")):
        assert [one["learning_point_id"] for one in listed(family, "known-points", client, 1)] == ["t1_3", "t1_4", "t1_5"]
    (progress,) = listed(family, "progress?learning_point_id=t1_4")
    assert set_progress(family, progress["id"], "failed", client_of(server, "staff")).status == 200
    assert [one["learning_point_id"] for one in listed(family, "known-points")] == ["t1_3", "t1_5"]


def test_what_was_begun_by_mistake_goes_and_what_counts_stays(server, family):
    def delete(progress, client=family.client):
        return client.request("DELETE", f"{family.base}/progress/{progress['id']}")

    staff, other = client_of(server, "staff"), Family(server)
    begun = family.learn("t1_1")
    assert code(delete(begun, other.client)) == code(delete({"id": 1})) == (404, "not_found")
    assert delete(begun, staff).status == 403
    assert (delete(begun).status, delete(begun).status) == (204, 404)
    assert open_tests(family) == [] and listed(family, "verifications") == []

    again = family.learn("t1_1")
    assert again["attempt"] == 1
    assert set_progress(family, again["id"], "failed", staff).status == 200
    assert delete(again, client_of(server, "service")).status == 204

    earned = family.learn("t1_2")
    assert family.report(earned["next_verification"]["id"]).status == 200
    assert code(delete(earned)) == (409, "progress_in_use")
    # Else a failed test could be repeated at once: its 24 hours and its place among the tests of the day would be forgotten.
    failed = family.learn("t1_3")
    assert family.report(failed["next_verification"]["id"], False).status == 200
    assert code(delete(failed)) == (409, "progress_in_use")
    assert len(listed(family, "progress")) == 2 and family.balances() == (10, 3, 7, 0, 0)


def test_deleting_races_with_a_result(server, family):
    for n in range(1, 6):
        progress = family.learn(f"t2_{n}")
        test, token = progress["next_verification"]["id"], server.service_token()
        body = {"passed": True, "score": 100, "questions": [], "answers": []}

        def act(turn):
            client = server.client(token)
            if turn % 2:
                return client.request("DELETE", f"{family.base}/progress/{progress['id']}")
            return client.post(f"{family.base}/verifications/{test}/completion", body)

        statuses = {(turn % 2, answer.status) for turn, answer in enumerate(together(4, act))}
        assert statuses in ({(0, 200), (1, 409)}, {(0, 404), (1, 204), (1, 404)}), statuses


def test_the_database_keeps_results_whatever_the_program_does(server, family):
    progress = family.learn("t1_7")
    assert family.report(progress["next_verification"]["id"], False).status == 200
    refused = server.database.sql(f"""
        do $$ begin
          delete from verification_schedule where child_id = '{family.child["id"]}' and completed;
          raise exception 'a result was deleted';
        exception when insufficient_privilege then null; end $$; select 'kept'""")
    assert refused.endswith("kept")


# ---- a late repetition ----


def test_a_late_repetition_does_not_hit_the_next_attempt(server, family):
    staff = client_of(server, "staff")
    progress = family.learn("t2_10")
    path = f"{family.base}/progress/{progress['id']}"

    def change(client, status, tag):
        return client.request("PATCH", path, {"status": status}, headers={"If-Match": tag} if tag else {})

    seen = staff.get(path).headers["ETag"]
    failed = change(staff, "failed", seen)
    assert failed.status == 200 and failed.headers["ETag"] == family.client.get(path).headers["ETag"]
    begun = change(family.client, "learning", failed.headers["ETag"])
    assert (begun.status, begun.json["attempt"]) == (200, 2)
    assert code(change(staff, "failed", seen)) == (412, "precondition_failed")
    assert code(change(family.client, "learning", failed.headers["ETag"])) == (412, "precondition_failed")
    assert family.client.get(path).json["status"] == "learning"
    # What happened in between counts as well; and what was read is what If-Match is compared with, in every state.
    before = staff.get(path).headers["ETag"]
    assert before == begun.headers["ETag"]
    assert family.report(begun.json["next_verification"]["id"], False).status == 200
    assert family.client.get(path).json["attempt"] == 2
    assert code(change(staff, "failed", before)) == (412, "precondition_failed")
    # Without it: whatever attempt it is by now.
    assert change(staff, "failed", None).status == 200
    assert change(family.client, "learning", "*").json["attempt"] == 3


# ---- 24 hours between two tests of one learning point, in whatever tier ----


def test_a_word_that_changes_its_tier_is_not_tested_twice_in_a_day(server, family):
    first = family.learn("t1_20")
    assert family.report(first["next_verification"]["id"]).status == 200
    server.database.sql("update learning_points set tier = 2 where id = 't1_20'")
    second = family.learn("t1_20")
    assert second["id"] != first["id"]
    assert code(family.report(second["next_verification"]["id"])) == (409, "too_early")
    # On day 3 both are due; whichever is taken first, the other one waits.
    server.advance(days=3)
    one, other = family.due()
    assert {one["learning_progress_id"], other["learning_progress_id"]} == {first["id"], second["id"]}
    done = family.report(one["id"])
    assert done.status == 200, done
    assert code(family.report(other["id"])) == (409, "too_early")
    assert other["id"] not in ids(family.due())
    moved = family.client.get(f"{family.base}/verifications/{other['id']}").json
    assert moved["scheduled_date"] == other["scheduled_date"] and moved["due_at"] > other["due_at"]
    (gap,) = server.database.rows(f"select extract(epoch from '{moved['due_at']}'::timestamptz - "
                                  f"'{done.json['verification']['completed_at']}'::timestamptz) as s")
    assert gap["s"] == 86400
    server.advance(hours=24)
    assert family.report(other["id"]).status == 200


def test_both_tiers_of_a_word_at_once(server, family):
    first = family.learn("t1_21")
    assert family.report(first["next_verification"]["id"]).status == 200
    server.database.sql("update learning_points set tier = 2 where id = 't1_21'")
    family.learn("t1_21")
    server.advance(days=3)
    tests, token = ids(family.due()), server.service_token()
    assert len(tests) == 2
    body = {"passed": True, "score": 100, "questions": [], "answers": []}
    answers = together(8, lambda n: server.client(token).post(
        f"{family.base}/verifications/{tests[n % 2]}/completion", body))
    taken = {n % 2 for n, answer in enumerate(answers) if answer.status == 200}
    assert len(taken) == 1 and {answer.status for answer in answers} == {200, 409}, answers


# ---- tests ----


def test_tests_due_and_upcoming_completed_and_of_some_days(server, family):
    done, late = family.learn("t1_1"), family.learn("t1_2")
    completed = family.report(done["next_verification"]["id"]).json
    upcoming, due = completed["next_verification"], late["next_verification"]
    first = done["next_verification"]
    today = date_at(server.database, due["due_at"])
    then = date_at(server.database, upcoming["due_at"])
    day = datetime.timedelta(days=1)
    for query, expected in [
            ("", [first, due, upcoming]), ("?due=true", [due]), ("?due=false", [upcoming]),
            ("?completed=true", [first]), ("?completed=false", [due, upcoming]), ("?due=true&completed=true", []),
            ("?due=false&completed=true", []), ("?due=true&completed=false", [due]),
            (f"?from={today}&to={today}", [first, due]), (f"?from={then}", [upcoming]), (f"?to={then - day}", [first, due]),
            (f"?from={then}&to={then}&completed=false", [upcoming]), (f"?from={then + day}", []), (f"?to={today - day}", []),
            (f"?from={then}&to={today}", []), (f"?due=true&from={today + day}", []), (f"?due=false&to={then}", [upcoming]),
            (f"?learning_progress_id={done['id']}", [first, upcoming]),
            (f"?learning_progress_id={done['id']}&completed=false", [upcoming]),
            (f"?learning_progress_id={done['id']}&due=true", []),
            (f"?learning_progress_id={done['id']}&to={today}", [first]), ("?learning_progress_id=999999999", []),
            ("?from=0001-01-01&to=9999-12-31", [first, due, upcoming])]:
        for client in (family.client, client_of(server, "staff")):
            assert ids(listed(family, f"verifications{query}", client)) == ids(expected), query
        assert ids(listed(family, f"verifications{query}", limit=1)) == ids(expected), query


def test_days_are_those_of_the_parents_time_zone(server):
    west, east = Family(server), Family(server)
    for family, zone in ((west, "Pacific/Pago_Pago"), (east, "Pacific/Kiritimati")):
        server.database.sql(f"update users set time_zone = '{zone}' where id = '{family.user['id']}'")
        progress = family.learn("t1_1")
        give(family, 10)
        here = date_at(server.database, progress["next_verification"]["due_at"], zone)
        there = here + datetime.timedelta(days=1)
        assert len(listed(family, f"verifications?from={here}&to={here}")) == 1
        assert listed(family, f"verifications?from={there}") == []
        moved = family.transactions()[0]["created_at"]
        here = date_at(server.database, moved, zone)
        there = here + datetime.timedelta(days=1)
        assert len(listed(family, f"transactions?from={here}&to={here}")) == 1
        assert listed(family, f"transactions?from={there}") == []
    # Their days are a whole day apart, 25 hours.
    assert date_at(server.database, moved, "Pacific/Pago_Pago") < date_at(server.database, moved, "Pacific/Kiritimati")


# ---- the ledger ----


def test_transactions_by_type_day_and_learning_progress(server, family):
    progress, other = family.learn("t4_1"), family.learn("t1_1")
    assert family.report(progress["next_verification"]["id"]).status == 200
    give(family, 5)
    first_day = date_at(server.database, family.transactions()[0]["created_at"])
    server.advance(days=3)
    assert family.report(other["next_verification"]["id"]).status == 200
    withdraw(family, 10)
    last_day = date_at(server.database, family.transactions()[0]["created_at"])
    day = datetime.timedelta(days=1)
    rows = family.transactions()
    assert [row["sequence"] for row in rows] == [6, 5, 4, 3, 2, 1]
    for query, expected in [
            (f"?to={first_day}", [3, 2, 1]), (f"?from={last_day}", [6, 5, 4]), (f"?from={first_day}&to={last_day}", [6, 5, 4, 3, 2, 1]),
            (f"?from={first_day + day}&to={last_day - day}", []), (f"?to={first_day - day}", []), (f"?from={last_day + day}", []),
            (f"?from={last_day}&to={first_day}", []), ("?type=adjusted", [3]), (f"?type=earned&from={last_day}", [4]),
            (f"?learning_progress_id={progress['id']}", [2, 1]), (f"?learning_progress_id={other['id']}", [5, 4]),
            (f"?learning_progress_id={progress['id']}&type=unlocked", [2]),
            (f"?learning_progress_id={progress['id']}&from={last_day}", []),
            (f"?learning_progress_id={progress['id']}&type=earned&to={first_day}", [1]),
            ("?from=0001-01-01", [6, 5, 4, 3, 2, 1]), ("?to=9999-12-31", [6, 5, 4, 3, 2, 1])]:
        for role in ("service", "staff", "operator"):
            found = listed(family, f"transactions{query}", client_of(server, role))
            assert [row["sequence"] for row in found] == expected, query
        assert [row["sequence"] for row in listed(family, f"transactions{query}", limit=1)] == expected, query


# ---- withdrawals ----


def test_withdrawals_by_status_and_day_of_child_parent_and_all(server, family):
    operator = client_of(server, "operator")
    give(family, 500)
    first = withdraw(family, 10)
    process(family, first, "processing", "completed")
    first_day = date_at(server.database, first["created_at"])
    server.advance(days=2)
    second, third = withdraw(family, 20), withdraw(family, 30)
    last_day = date_at(server.database, third["created_at"])
    day = datetime.timedelta(days=1)
    for query, expected in [
            ("", [first, second, third]), ("?status=pending", [second, third]), ("?status=completed", [first]),
            (f"?from={last_day}", [second, third]), (f"?to={first_day}", [first]), (f"?from={last_day + day}", []),
            (f"?from={last_day}&status=completed", []), (f"?from={first_day}&to={last_day}&status=pending", [second, third])]:
        for path in (f"withdrawals{query}", f"/v1/withdrawals{query}"):
            assert ids(listed(family, path)) == ids(expected), path
            assert ids(listed(family, path, limit=1)) == ids(expected), path
    mine = set(ids([first, second, third]))
    utc = date_at(server.database, third["created_at"], "UTC")
    pending = listed(family, f"/v1/withdrawals?status=pending&from={utc}&to={utc}", operator, 2)
    assert mine & set(ids(pending)) == set(ids([second, third])) and {one["status"] for one in pending} == {"pending"}
    assert not mine & set(ids(listed(family, f"/v1/withdrawals?from={utc + day}", operator)))
    everything = listed(family, "/v1/withdrawals", operator, 3)
    assert mine <= set(ids(everything)) and everything == sorted(everything, key=lambda one: (one["created_at"], one["id"]))


def test_one_withdrawal_by_its_id_alone(server, family):
    other = Family(server)
    give(family, 50)
    asked = withdraw(family, 20)
    path = f"/v1/withdrawals/{asked['id']}"
    assert family.client.get(path).json == asked
    seen = client_of(server, "operator").get(path)
    assert (seen.status, seen.json["id"], seen.json["bank_account"]) == (200, asked["id"], "012-345-6789012")
    same = {"X-Request-Id": "same"}
    hidden, missing = (other.client.get(one, headers=same) for one in (path, "/v1/withdrawals/999999999"))
    assert hidden.status == 404 and hidden.body == missing.body
    for role in ("service", "staff"):
        assert client_of(server, role).get(path).status == 403


# ---- discoveries ----


def test_discoveries_by_source_target_type_and_pair(server, family):
    def discover(source, target, kind):
        answer = family.service.post(f"{family.base}/discoveries", {
            "source_learning_point_id": source, "target_learning_point_id": target, "relationship_type": kind})
        assert answer.status == 201, answer
        shown = family.client.get(answer.headers["Location"])
        assert shown.status == 200 and shown.json == answer.json and shown.json["bonus_awarded"] is False
        return answer.json["id"]

    related, part = discover("t1_1", "t1_2", "RELATED_TO"), discover("t1_1", "t1_2", "PART_OF")
    third, back = discover("t1_1", "t1_3", "PART_OF"), discover("t1_3", "t1_1", "PREREQUISITE_OF")
    for query, expected in [
            ("", [related, part, third, back]), ("?source_learning_point_id=t1_1", [related, part, third]),
            ("?source_learning_point_id=t1_1&relationship_type=PART_OF", [part, third]),
            ("?target_learning_point_id=t1_2", [related, part]), ("?relationship_type=PART_OF", [part, third]),
            ("?target_learning_point_id=t1_1&relationship_type=PART_OF", []),
            ("?source_learning_point_id=t1_1&target_learning_point_id=t1_2", [related, part]),
            # One without a direction is found from its other end as well, as it cannot be discovered once more from there.
            ("?source_learning_point_id=t1_2&target_learning_point_id=t1_1", [related]),
            ("?source_learning_point_id=t1_2&target_learning_point_id=t1_1&relationship_type=PART_OF", []),
            ("?source_learning_point_id=t1_1&target_learning_point_id=t1_3&relationship_type=PART_OF", [third])]:
        for client in (family.client, client_of(server, "staff"), client_of(server, "service")):
            assert ids(listed(family, f"discoveries{query}", client)) == expected, query
        assert ids(listed(family, f"discoveries{query}", limit=1)) == expected, query


def test_a_discovery_shows_whether_its_bonus_was_paid(server, family):
    verify(family, "t1_1")
    verify(family, "t1_2")
    found = family.service.post(f"{family.base}/discoveries", {
        "source_learning_point_id": "t1_1", "target_learning_point_id": "t1_2", "relationship_type": "RELATED_TO"}).json
    assert family.service.post(f"{family.base}/discoveries/{found['id']}/bonus").status == 200
    assert family.client.get(f"{family.base}/discoveries/{found['id']}").json == {**found, "bonus_awarded": True}


# ---- hostile callers ----

INTEGERS = ["1.5", "-1", "1e3", "0x10", "99999999999999999999999", " 1", "1 ", "+1", "", "١", "1;drop table users", "null"]
DATES = ["2026-02-30", "2026-1-1", "today", "infinity", "-infinity", "2026-01-01' or '1'='1", "epoch", "10000-01-01",
         "2026-01-01T00:00:00Z", "0000-01-01", "-001-01-01", "20260101", ""]
SQL = ["' or '1'='1", "'; drop table children; --", "$1", "%27", "pending' union select null--", "\\'; select pg_sleep(9)--"]
NUMBERS = {
    "progress": ["tier", "limit"], "known-points": ["limit"], "discoveries": ["limit"], "withdrawals": ["limit"],
    "verifications": ["learning_progress_id", "limit"], "transactions": ["learning_progress_id", "limit"],
}
TEXTS = {
    "progress": ["status", "learning_point_id", "cursor"], "known-points": ["cursor"],
    "verifications": ["due", "completed", "cursor"], "transactions": ["type", "cursor"], "withdrawals": ["status", "cursor"],
    "discoveries": ["source_learning_point_id", "target_learning_point_id", "relationship_type", "cursor"],
}


@pytest.mark.parametrize("resource", sorted(NUMBERS))
def test_what_is_no_value_of_a_filter_is_refused(family, resource):
    tried = [(name, value) for name in NUMBERS[resource] for value in INTEGERS + SQL]
    tried += [(name, value) for name in TEXTS[resource] for value in SQL]
    if resource in ("verifications", "transactions", "withdrawals"):
        tried += [(name, value) for name in ("from", "to") for value in DATES + SQL]
    for name, value in tried:
        answer = family.client.get(f"{family.base}/{resource}?{name}={urllib.parse.quote(value)}")
        assert code(answer) == (400, "invalid_query"), (name, value, answer)


def test_ids_that_are_none_find_nothing(family):
    for number in ("1.5", "-1", "1e3", "0x10", "9223372036854775808", "99999999999999999999999", "1%20or%201=1", "%31;--", "0"):
        for resource in ("progress", "verifications", "withdrawals", "discoveries"):
            answer = family.client.get(f"{family.base}/{resource}/{number}")
            assert code(answer) == (404, "not_found"), answer
        assert code(family.client.get(f"/v1/withdrawals/{number}")) == (404, "not_found")
        assert code(family.client.request("DELETE", f"{family.base}/progress/{number}")) == (404, "not_found")


AMOUNTS = ["1.5", "10.0", "1e1", "-1", "0", "-0", '"10"', "null", "true", "[10]", "{}", "9223372036854775808", "1e400", "1000000001"]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_an_amount_that_is_none_moves_nothing(server, family, amount):
    give(family, 100)
    before = family.transactions(), family.account()
    asked = f'{{"points_amount": {amount}, "bank_account": "012-345-6789012"}}'.encode()
    answer = family.client.post(f"{family.base}/withdrawals", raw=asked, headers={"Idempotency-Key": "k"})
    assert answer.status == 400, answer
    answer = client_of(server, "staff").post(f"{family.base}/adjustments", raw=f'{{"points": {amount}, "reason": "r"}}'.encode())
    assert answer.status == 400, answer
    assert (family.transactions(), family.account()) == before


@pytest.mark.parametrize("resource", sorted(NUMBERS))
def test_cursors_made_up_do_no_harm(family, resource):
    path = f"{family.base}/{resource}"
    for values in (("1",), ("1", "1"), ("9223372036854775807",), ("9223372036854775808",), ("\u00e9",),
                   ("9007199254740991", "9223372036854775807"), ("9007199254740992", "1"), ("-1", "1"),
                   ("' or 1=1", "1"), ("", ""), ("1", "1", "1")):
        cursor = cursor_of(path, *values)
        answer = family.client.get(f"{path}?cursor={cursor}")
        assert answer.status in (200, 400), (cursor, answer)
        if answer.status == 200:
            assert answer.json["items"] == []
    for cursor in ("ff", "zz", "0", cursor_of(path, "1")[:-1]):
        assert code(family.client.get(f"{path}?cursor={cursor}")) == (400, "invalid_query")


def test_a_cursor_is_of_one_list_with_its_filters(server, family):
    other = family.add_child("Bo")
    for point in ("t1_1", "t1_2"):
        family.learn(point)
    path = f"{family.base}/progress"
    cursor = family.client.get(f"{path}?limit=1&status=learning").json["next_cursor"]
    assert len(family.client.get(f"{path}?status=learning&cursor={cursor}&limit=7").json["items"]) == 1
    for wrong in (f"{path}?cursor={cursor}", f"{path}?status=verified&cursor={cursor}",
                  f"{family.base}/transactions?cursor={cursor}", f"/v1/children/{other['id']}/progress?status=learning&cursor={cursor}"):
        refused = family.client.get(wrong)
        assert code(refused) == (400, "invalid_query")
        assert [fault["pointer"] for fault in refused.json["errors"]] == ["/cursor"]


def test_another_familys_rows_below_ones_own_child(server, family):
    other = Family(server)
    progress = other.learn("t1_1")
    give(other, 50)
    for query in (f"verifications?learning_progress_id={progress['id']}", f"transactions?learning_progress_id={progress['id']}"):
        assert listed(family, query) == []
    same = {"X-Request-Id": "same"}
    for path in ("progress", "known-points", "verifications", "transactions", "discoveries", "withdrawals",
                 "verifications?from=2020-01-01", "transactions?from=2020-01-01", "withdrawals?to=2020-01-01",
                 "progress?learning_point_id=t1_1", "discoveries?source_learning_point_id=t1_1"):
        answers = [family.client.get(f"/v1/children/{child}/{path}", headers=same) for child in (other.child["id"], NOBODY)]
        assert {answer.status for answer in answers} == {404} and answers[0].body == answers[1].body, path


# ---- the last page costs what the first costs ----

# A million takes half a minute: LEXICRAFT_LEDGER_ROWS=1000000
ROWS = int(os.environ.get("LEXICRAFT_LEDGER_ROWS", 100_000))


def statement(store, name):
    text = (PROJECT / f"lua/store/{store}.lua").read_text()
    return re.search(rf"\nlocal {name} = db\.sql \[\[(.*?)\]\]", text, re.S)[1]


def buffers(database, sql, *values):
    """Pages of PostgreSQL that a statement looks at, planned without regard to its values as the server's are."""
    plan = database.sql(f"""
        set plan_cache_mode = force_generic_plan; prepare asked as {sql};
        explain (analyze, buffers, timing off, format json) execute asked ({', '.join(values)})""")
    top = json.loads(plan[plan.index("["):])[0]["Plan"]
    return top["Shared Hit Blocks"] + top["Shared Read Blocks"], top["Actual Rows"]


def test_the_last_page_of_a_long_ledger_costs_what_the_first_costs(server, family):
    child = family.child["id"]
    give(family, 1)
    server.database.sql(f"""
        set session_replication_role = replica;
        insert into points_transactions (child_id, sequence, transaction_type, points, total_earned_delta, available_delta,
          locked_delta, withdrawn_delta, deficit_delta, actor, description, rule_version, created_at)
        select child_id, n, 'adjusted', 1, 1, 1, 0, 0, 0, 'a test', 'a gift', rule_version, created_at + n * interval '1 minute'
        from points_transactions, generate_series(2, {ROWS}) n where child_id = '{child}';
        update points_accounts set total_earned = {ROWS}, available_points = {ROWS}, last_sequence = {ROWS}
        where child_id = '{child}';
        analyze points_transactions""")
    parent = f"'{family.user['id']}'"
    for name, more in (("list", []), ("list_of_type", ["'adjusted'"])):
        sql = statement("points_transactions", name)
        first, last = (buffers(server.database, sql, f"'{child}'", parent, "0", before, "51", *more)
                       for before in (str(ROWS + 1), "52"))
        assert first[1] == last[1] == 51
        assert last[0] <= 2 * first[0], (name, first, last)
    # A day in the middle of many.
    (day,) = server.database.rows(f"select (created_at at time zone 'Asia/Taipei')::date as day from points_transactions "
                                  f"where child_id = '{child}' and sequence = {ROWS // 2}")
    found = buffers(server.database, statement("points_transactions", "span"), f"'{child}'", parent, f"'{day['day']}'",
                    f"'{day['day']}'", str(2**63 - 1))
    assert found[0] < 40, found
    assert len(listed(family, f"transactions?from={day['day']}&to={day['day']}", limit=200)) == 24 * 60
    cursor = cursor_of(f"{family.base}/transactions", "52")
    page = family.client.get(f"{family.base}/transactions?limit=51&cursor={cursor}").json
    assert [row["sequence"] for row in page["items"]] == list(range(51, 0, -1)) and page["next_cursor"] is None
