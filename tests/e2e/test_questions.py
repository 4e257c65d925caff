"""Tests whose questions the server makes: no answer is given away, none is right twice, each is taken once, what came too
fast waits for staff."""

import collections
import json
import re

import pytest

import cloud
from cloud import answers_to, kept
from money import client_of
from support import Family, together

UNKNOWN = "I don't know"
OPEN, SECRET = {"id", "test_day", "started_at", "expires_at", "questions"}, ("role", "point", "right", "correct")


@pytest.fixture(scope="module")
def words(server):
    return cloud.load(server.database)


@pytest.fixture
def staff(server):
    return client_of(server, "staff")


def start(family, test, client=None):
    answer = (client or family.client).post(f"{family.base}/verifications/{test}/start")
    assert answer.status == 200, answer
    return answer.json


def learn(family, point):
    return family.learn(point)["next_verification"]["id"]


def answer(family, test, given, client=None, **kwargs):
    return (client or family.client).post(f"{family.base}/verifications/{test}/answers", given, **kwargs)


def flagged(family, point):
    """A test that was answered at once."""
    test = learn(family, point)
    start(family, test)
    given = answers_to(family.server, test)
    answered = answer(family, test, given)
    assert (answered.status, answered.json["status"], answered.json["outcome"]) == (200, "under_review", None), answered
    return test, given


def review(family, staff, test, decision, **kwargs):
    body = {"decision": decision, "reason": "watched the child do it"}
    return staff.post(f"{family.base}/verifications/{test}/review", body, **kwargs)


def test_a_started_test_shows_questions_and_nothing_else(server, words, family):
    test = learn(family, next(iter(words)))
    started = start(family, test)
    assert set(started) == OPEN and started["id"] == test and len(started["questions"]) == 3
    ids = [started["id"]]
    for question in started["questions"]:
        assert set(question) == {"id", "type", "prompt", "options"} and len(question["options"]) == 6
        assert all(set(option) == {"id", "text"} for option in question["options"])
        assert [option["text"] for option in question["options"]].count(UNKNOWN) == 1
        ids += [question["id"], *(option["id"] for option in question["options"])]
    assert len(set(ids)) == len(ids)
    # Whatever else can be asked for says nothing about the answers either.
    for path in ("", f"/{test}"):
        seen = family.client.get(f"{family.base}/verifications{path}").body.decode()
        assert not any(option["id"] in seen for question in started["questions"] for option in question["options"])
    assert all(option["id"] not in server.stderr() for question in started["questions"] for option in question["options"])
    assert start(family, test)["questions"] == started["questions"]


NEAR = {frozenset(edge[:2]) for edge in cloud.relationships(cloud.points()) if edge[3]}


def could_be_right(words, key, other):
    """One meaning in any sense, a synonym, broader, narrower or similar."""
    return (set(words[key]["word_synsets"]) & set(words[other]["word_synsets"])
            or words[other]["word"] in words[key]["metadata"]["synonyms"] or words[key]["word"] == words[other]["word"]
            or frozenset((key, other)) in NEAR)


def right_text(question):
    return next(option["text"] for option in question["options"] if option["id"] == question["right"])


def inspect(words, questions, kinds):
    """What must hold of every test that is started, whatever chance made of it."""
    prompts = [question["prompt"] for question in questions]
    for question in questions:
        key = next(option for option in question["options"] if option["id"] == question["right"])
        kinds[question["type"]] += 1
        texts = [option["text"].lower() for option in question["options"]]
        assert len(set(texts)) == len(texts) == 6, question
        assert sorted(option["role"] for option in question["options"]) == [
            "close", "correct", "distractor", "partial", "related", "unknown"], question
        assert key["text"].lower() not in question["prompt"].lower(), question
        assert key["text"] not in prompts, questions
        real = [option for option in question["options"] if option["role"] != "unknown"]
        for option in real:
            assert option["text"] == option["text"].strip(" .;,:!") and "  " not in option["text"]
            if option is not key:
                assert not could_be_right(words, key["point"], option["point"]), (question, option)
                assert words[option["point"]]["part_of_speech"] == words[key["point"]]["part_of_speech"]
                assert 0.5 <= len(option["text"]) / len(key["text"]) <= 2, question
        assert len({option["text"][0].isupper() for option in real}) == 1
    # What is the right answer twice is not given away by being the only option in both lists.
    for a in questions:
        for b in questions:
            shared = {option["text"] for option in a["options"]} & {option["text"] for option in b["options"]}
            assert right_text(a) not in shared or len(shared) >= 5, (a, b)


def test_five_hundred_started_tests_give_no_answer_away(server, words):
    """Of every point of the cloud several tests: nothing could be right twice; where the right option is says nothing."""
    positions, kinds = collections.Counter(), collections.Counter()
    ids = list(words)
    for _ in range(5):
        for first in range(0, 100, 20):
            family = Family(server)
            for point in ids[first:first + 20]:
                test = learn(family, point)
                started = start(family, test)
                assert not re.search("|".join(f'"{name}' for name in SECRET), json.dumps(started))
                questions = kept(server, test)
                inspect(words, questions, kinds)
                shown = [[option["id"] for option in question["options"]] for question in started["questions"]]
                assert shown == [[option["id"] for option in question["options"]] for question in questions]
                # One of each test only: within a test they share wrong answers, not positions.
                positions[shown[0].index(questions[0]["right"])] += 1
    assert sum(positions.values()) == 500
    expected = 500 / 6
    chi_square = sum((positions[n] - expected) ** 2 / expected for n in range(6))
    assert chi_square < 30.9, positions  # five degrees of freedom: exceeded once in 100,000 runs
    assert set(kinds) == {"meaning", "word", "opposite", "gap"}, kinds


def test_a_test_is_graded_paid_and_planned_in_one_go(server, words, family):
    test = learn(family, list(words)[20])
    start(family, test)
    server.advance(seconds=60)
    answered = answer(family, test, answers_to(server, test, right=2))
    body = answered.json
    assert answered.status == 200 and body["status"] == "completed"
    assert [question["is_right"] for question in body["questions"]] == [True, True, False]
    for question, given in zip(body["questions"], answers_to(server, test, right=2)["answers"]):
        assert question["chosen_option_id"] == given["option_id"]
        assert (question["right_option_id"] == given["option_id"]) == question["is_right"]
    assert body["outcome"]["verification"] == body["verification"] and body["verification"]["passed"] is True
    assert body["verification"]["score"] == 66.67 and body["outcome"]["next_verification"]["test_day"] == 3
    assert family.balances() == (10, 3, 7, 0, 0)
    assert family.client.get(f"{family.base}/verifications/{test}").json["questions"] == body["questions"]
    # The same again is the same; anything else comes too late.
    assert answer(family, test, answers_to(server, test, right=2)).json == body
    other = answer(family, test, answers_to(server, test, right=3))
    assert (other.status, other.json["code"]) == (409, "already_completed")
    assert family.client.post(f"{family.base}/verifications/{test}/start").json["code"] == "already_completed"
    assert family.balances() == (10, 3, 7, 0, 0)


def test_too_few_right_fail_the_test(server, words, family):
    test = learn(family, list(words)[21])
    start(family, test)
    server.advance(seconds=60)
    body = answer(family, test, answers_to(server, test, right=1)).json
    assert (body["verification"]["passed"], body["verification"]["score"]) == (False, 33.33)
    assert body["outcome"]["next_verification"]["test_day"] == 1 and family.balances() == (0, 0, 0, 0, 0)


def test_two_devices_are_paid_once(server, words, family):
    """Both start, see the same questions and answer at the same moment: one test, one payment, one answer."""
    tablets = [server.client(family.client.post(f"{family.base}/devices", {"name": f"tablet {n}"}).json["token"])
               for n in range(6)]
    tests = [learn(family, point) for point in list(words)[30:36]]
    for test in tests:
        started = together(6, lambda n: start(family, test, tablets[n]))
        assert all(one == started[0] for one in started)
    server.advance(seconds=60)
    for test in tests:
        given = [answers_to(server, test, right=3 if n % 2 else 2) for n in range(6)]
        answered = together(6, lambda n: answer(family, test, given[n], tablets[n]))
        paid = [one for one in answered if one.status == 200]
        assert len(paid) == 3 and all(one.json == paid[0].json for one in paid), answered
        assert all(one.json["code"] == "already_completed" for one in answered if one.status != 200)
    earned = [row for row in family.transactions() if row["transaction_type"] == "earned"]
    assert len(earned) == 6


def test_what_was_not_asked_is_no_answer(server, words, family):
    test, other = learn(family, list(words)[40]), learn(family, list(words)[41])
    start(family, test), start(family, other)
    server.advance(seconds=60)
    good, foreign = answers_to(server, test)["answers"], answers_to(server, other)["answers"]
    swapped = [{**good[0], "option_id": good[1]["option_id"]}, *good[1:]]
    for given in ([], good[:2], [*good, good[0]], foreign, [good[0], good[0], good[1]], swapped):
        refused = answer(family, test, {"answers": given})
        assert (refused.status, refused.json["code"]) == (422, "invalid_answers"), given
        assert not any(one["option_id"] in refused.body.decode() for one in good)
    assert answer(family, test, {"answers": good}).status == 200


def test_a_test_must_be_started_and_in_time(server, words, family):
    test = learn(family, list(words)[42])
    none = {"answers": [{"question_id": "a", "option_id": "b"}]}
    assert answer(family, test, none).json["code"] == "not_started"
    first = start(family, test)
    late = answers_to(server, test)
    server.advance(seconds=31 * 60)
    assert answer(family, test, late).json["code"] == "test_expired"
    second = start(family, test)
    assert second["questions"] != first["questions"]
    server.advance(seconds=60)
    assert answer(family, test, late).json["code"] == "invalid_answers"
    assert answer(family, test, answers_to(server, test)).json["status"] == "completed"


def test_a_test_cannot_be_started_again_and_again(server, words, family):
    test = learn(family, list(words)[43])
    seen = []
    for _ in range(5):
        questions = start(family, test)["questions"]
        assert questions not in seen
        seen.append(questions)
        server.advance(seconds=31 * 60)
    # The same ones in another order and with other ids: what they have in common tells nothing.
    assert len({json.dumps(sorted([one["prompt"], sorted(option["text"] for option in one["options"])] for one in questions))
                for questions in seen}) == 1
    refused = family.client.post(f"{family.base}/verifications/{test}/start")
    assert (refused.status, refused.json["code"]) == (409, "too_many_starts")
    server.advance(days=1)
    start(family, test)


def test_a_test_that_is_not_due_does_not_start(server, words, family):
    test = learn(family, list(words)[44])
    start(family, test)
    server.advance(seconds=60)
    following = answer(family, test, answers_to(server, test)).json["outcome"]["next_verification"]["id"]
    refused = family.client.post(f"{family.base}/verifications/{following}/start")
    assert (refused.status, refused.json["code"]) == (409, "too_early")
    server.advance(days=2)
    assert len(start(family, following)["questions"]) == 1


def test_the_next_test_asks_something_else(server, words, family):
    """Another type of question where there is one; never the same list of options."""
    test, types, lists = learn(family, list(words)[45]), [], []
    for day in range(3):
        started = start(family, test)
        types.append({question["type"] for question in started["questions"]})
        lists.append(sorted(option["text"] for option in started["questions"][0]["options"]))
        server.advance(seconds=60)
        following = answer(family, test, answers_to(server, test)).json["outcome"]["next_verification"]
        test = following["id"]
        server.advance(days=5)
    assert all(not before & after for before, after in zip(types, types[1:])), types
    assert len({tuple(one) for one in lists}) == 3


def test_the_same_key_gets_the_same_questions(server, words, family):
    test = learn(family, list(words)[46])
    key = {"Idempotency-Key": "start-46"}
    first = family.client.post(f"{family.base}/verifications/{test}/start", headers=key)
    again = family.client.post(f"{family.base}/verifications/{test}/start", headers=key)
    assert first.status == 200 and again.json == first.json
    stored = server.database.sql("select string_agg(body, '') from idempotency_keys where key = 'start-46'")
    assert first.json["questions"][0]["id"] in stored
    assert not any(f'"{name}"' in stored for name in SECRET)


def test_answers_at_once_wait_for_staff(server, words, staff):
    family = Family(server)
    test, given = flagged(family, list(words)[50])
    assert family.balances() == (0, 0, 0, 0, 0) and family.due() == []
    for refused in (family.client.post(f"{family.base}/verifications/{test}/start"), family.report(test)):
        assert (refused.status, refused.json["code"]) == (409, "under_review")
    assert answer(family, test, given).json["status"] == "under_review"
    assert answer(family, test, answers_to(server, test, right=1)).json["code"] == "already_completed"
    shown = [item for item in flagged_list(staff) if item["verification"]["id"] == test]
    assert len(shown) == 1 and shown[0]["milliseconds_per_answer"] < 1500
    assert all(question["is_right"] for question in shown[0]["questions"])


def flagged_list(staff):
    items, cursor = [], ""
    while cursor is not None:
        page = staff.get(f"/v1/flagged-verifications?limit=2{cursor and '&cursor=' + cursor}").json
        items += page["items"]
        cursor = page["next_cursor"]
    times = [(item["verification"]["flagged_at"], item["verification"]["id"]) for item in items]
    assert times == sorted(times)
    return items


def test_accepted_answers_count_like_others(server, words, staff):
    family = Family(server)
    test, given = flagged(family, list(words)[54])
    server.advance(days=3)
    decided = together(2, lambda n: review(family, client_of(server, "staff"), test, "accept"))
    assert sorted(one.status for one in decided) == [200, 409]
    body = next(one.json for one in decided if one.status == 200)
    assert body["decision"] == "accept" and body["verification"]["passed"] is True
    assert body["next_verification"] == body["outcome"]["next_verification"] and family.balances() == (10, 3, 7, 0, 0)
    again = answer(family, test, given).json
    assert again["status"] == "completed" and again["outcome"] == body["outcome"]
    row = server.database.rows(f"select reviewed_by, review_decision, review_reason from verification_schedule where id = {test}")
    assert row == [{"reviewed_by": "the staff", "review_decision": "accept", "review_reason": "watched the child do it"}]
    assert test not in [item["verification"]["id"] for item in flagged_list(staff)]


def test_rejected_answers_are_given_again_a_day_later(server, words, staff):
    family = Family(server)
    test, given = flagged(family, list(words)[52])
    server.advance(days=3)
    body = review(family, staff, test, "reject").json
    assert body["decision"] == "reject" and body["outcome"] is None
    assert body["verification"]["completed"] and body["verification"]["passed"] is None
    following = body["next_verification"]
    assert following["test_day"] == 1 and family.balances() == (0, 0, 0, 0, 0)
    assert answer(family, test, given).json["status"] == "rejected"
    assert (family.client.post(f"{family.base}/verifications/{following['id']}/start").json["code"]) == "too_early"
    server.advance(hours=23)
    assert family.due() == []
    server.advance(hours=1)
    assert [item["id"] for item in family.due()] == [following["id"]]
    start(family, following["id"])
    server.advance(seconds=60)
    assert answer(family, following["id"], answers_to(server, following["id"])).json["status"] == "completed"
    assert family.balances() == (10, 3, 7, 0, 0)
    refused = review(family, staff, test, "accept")
    assert (refused.status, refused.json["code"]) == (409, "not_under_review")


def test_a_service_may_still_report_a_started_test(server, words, family):
    test = learn(family, list(words)[53])
    start(family, test)
    given = answers_to(server, test)
    assert family.report(test).status == 200
    refused = answer(family, test, given)
    assert (refused.status, refused.json["code"]) == (409, "already_completed")
    assert family.client.get(f"{family.base}/verifications/{test}").json["questions"] is None


def test_the_daily_limit_holds_for_starts(own_server):
    words = cloud.load(own_server.database)
    own_server.edit("lua/rules/limits.lua", "tests_per_day = 50", "tests_per_day = 1")
    own_server.start()
    family = Family(own_server)
    one, other = learn(family, list(words)[0]), learn(family, list(words)[1])
    start(family, other)
    given = answers_to(own_server, other)
    assert family.report(one).status == 200
    own_server.advance(seconds=60)
    refused = answer(family, other, given)
    assert (refused.status, refused.json["code"]) == (409, "daily_limit")
    assert family.client.post(f"{family.base}/verifications/{other}/start").json["code"] == "daily_limit"
    own_server.advance(days=1)
    assert answer(family, other, given).json["code"] == "test_expired"
    start(family, other)


def test_statistics_count_what_was_shown_and_chosen(server, words):
    point = list(words)[60]
    for n in range(4):
        family = Family(server)
        test = learn(family, point)
        start(family, test)
        server.advance(seconds=60)
        assert answer(family, test, answers_to(server, test, right=3 if n else 0)).status == 200
    rows = server.database.rows(f"select * from question_statistics where learning_point_id = '{point}'")
    right = [row for row in rows if row["is_right"]]
    assert (sum(row["shown"] for row in right), sum(row["chosen"] for row in right)) == (12, 9)
    assert sum(row["shown"] for row in rows) == 6 * 12 and sum(row["chosen"] for row in rows) == 12
    report = json.loads(server.command("words", "quality", "--least", "1", "--json").stdout)
    found = [each for each in report["found"] if each["learning_point_id"] == point]
    assert found and all("unused_options" in each["faults"] for each in found)
    assert point in server.command("words", "quality", "--least", "1").stdout
    assert server.command("words", "quality", "--least", "0", check=False).returncode == 1
    # Whoever is erased leaves no more than a number behind.
    family.client.request("DELETE", family.base)
    assert server.database.rows(f"select * from question_statistics where learning_point_id = '{point}'") == rows


def test_a_cloud_too_small_says_so(own_server):
    own_server.database.sql("delete from learning_points")
    own_server.database.sql("""
        insert into learning_points (id, word, type, tier, definition)
        values ('one', 'one', 'word', 1, 'the first number')""")
    own_server.start()
    family = Family(own_server)
    test = learn(family, "one")
    refused = family.client.post(f"{family.base}/verifications/{test}/start")
    assert (refused.status, refused.json["code"]) == (409, "no_questions")
    own_server.database.sql("""
        insert into learning_points (id, word, type, tier, definition)
        values ('moon', 'moon', 'word', 1, 'it shines at night')""")
    started = start(family, test)
    assert [len(question["options"]) for question in started["questions"]] == [3, 3, 3]


def test_the_ledger_audits_clean_after_all_of_this(server):
    assert json.loads(server.command("audit", "--json").stdout)["findings"] == []
