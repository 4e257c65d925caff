"""What a child finds out by coming to know something: relationships, phrases, idioms, patterns; what each earns, once ever; and
how a parent sees all of it."""

import json

import pytest

from money import client_of, set_progress
from support import Database, Family, Server, audit, together

WORDS = ["red", "blue", "green", "take", "off", "spill", "beans", "base", "hub", "lone",
         *[f"un{n}" for n in range(5)], *[f"spoke{n:02}" for n in range(14)]]
POINTS = [(word, word, "word", 1, 1000 + n) for n, word in enumerate(WORDS)] + [
    ("bank.1", "Bank", "word", 1, 50), ("bank.2", "bank", "word", 1, 51), ("bank.x", "bank", "prefix", 1, 52),
    ("take_off", "take off", "phrase", 3, 2000), ("spill_beans", "spill beans", "idiom", 1, 2001),
    ("by_heart", "by heart", "idiom", 1, 2002), ("off_of", "off of", "phrase", 3, 2003)]
EDGES = [
    ("blue", "red", "RELATED_TO"), ("green", "red", "OPPOSITE_OF"), ("blue", "red", "PREREQUISITE_OF"),
    ("take", "take_off", "PART_OF"), ("off", "take_off", "PART_OF"), ("off", "off_of", "PART_OF"),
    ("spill", "spill_beans", "PREREQUISITE_OF"), ("beans", "spill_beans", "PREREQUISITE_OF"),
    *[("base", f"un{n}", "MORPHOLOGICAL") for n in range(5)],
    *[("hub", f"spoke{n:02}", "COLLOCATES_WITH") for n in range(14)],
]


def load(database):
    points = json.dumps([dict(zip(("i", "w", "t", "n", "f"), point)) for point in POINTS])
    edges = json.dumps([dict(zip(("s", "t", "n"), edge)) for edge in EDGES])
    database.sql(f"""
        insert into learning_points (id, word, type, tier, definition, frequency_rank)
        select i, w, t, n, 'what ' || i || ' means', f
        from jsonb_to_recordset('{points}') as given (i text, w text, t text, n integer, f integer);
        insert into relationships (source_id, target_id, type, kind, affix, origin)
        select s, t, n, case n when 'MORPHOLOGICAL' then 'prefix' end, case n when 'MORPHOLOGICAL' then 'un-' end, 'test'
        from jsonb_to_recordset('{edges}') as given (s text, t text, n text)""")


@pytest.fixture(scope="module")
def words(template, tmp_path_factory):
    """The name of a database with the words above."""
    database = Database(template)
    load(database)
    yield database.name
    database.drop()


def serve(words, folder, *edits):
    running = Server(folder, Database(words))
    for edit in edits:
        running.edit(*edit)
    return running.start()


def finish(running):
    running.stop()
    assert audit(running.database) == []
    found = running.command("audit", check=False)
    assert found.returncode == 0, found.stdout
    running.database.drop()


@pytest.fixture(scope="module")
def server(words, tmp_path_factory):
    running = serve(words, tmp_path_factory.mktemp("server"))
    yield running
    finish(running)


@pytest.fixture
def ruled(words, tmp_path):
    """Call it with edits of the rules for a server of one's own."""
    running = []
    yield lambda *edits: running.append(serve(words, tmp_path / "root", *edits)) or running[0]
    for one in running:
        finish(one)


def know(family, *points):
    """Learn these until they are known; by point the answer to the test that did it, in the order of the tests."""
    for point in points:
        family.learn(point)
    return pass_until_known(family, points)


def pass_until_known(family, points):
    reached = {}
    while len(reached) < len(points):
        for item in family.due():
            if item["learning_point_id"] in points:
                answer = family.report(item["id"])
                assert answer.status == 200, answer
                if answer.json["progress"]["status"] == "verified":
                    reached[item["learning_point_id"]] = answer.json
                else:
                    assert answer.json["discoveries"] == [] == answer.json["bonuses"]
        family.server.advance(days=1)
    return reached


def told(answer):
    """What the answer says of bonuses, briefly."""
    return [(bonus["bonus_type"], bonus["bonus_subject"], bonus["points"] if bonus["awarded"] else bonus["refusal"])
            for bonus in answer["bonuses"]]


def pages(client, path):
    answer = client.get(path)
    assert answer.status == 200, answer
    return answer.json["items"]


def bonuses(family, query="?limit=200"):
    return pages(family.client, f"{family.base}/bonuses{query}")


def pay(family, bonus, role="staff"):
    return client_of(family.server, role).post(f"{family.base}/bonuses/{bonus['id']}/payment")


def pay_discovery(family, discovery, role="staff"):
    return client_of(family.server, role).post(f"{family.base}/discoveries/{discovery}/bonus")


def code(answer):
    return answer.status, answer.json["code"]


def test_what_is_related_is_discovered_and_paid_once(family):
    assert know(family, "red")["red"]["bonuses"] == []
    before = family.balances()
    answer = know(family, "blue")["blue"]
    assert told(answer) == [("relationship_discovery", "blue PREREQUISITE_OF red", 15),
                            ("relationship_discovery", "blue RELATED_TO red", 15)]
    assert [(one["relationship_type"], one["bonus_awarded"]) for one in answer["discoveries"]] == [
        ("PREREQUISITE_OF", True), ("RELATED_TO", True)]
    assert all(bonus["learning_point_id"] == "blue" and bonus["child_id"] == family.child["id"]
               for bonus in answer["bonuses"])
    assert [move["transaction_type"] for move in answer["transactions"]] == ["unlocked", "bonus", "bonus"]
    assert family.balances()[0] == before[0] + 10 + 30

    # The same result again: the same answer, and nothing moves.
    moved = family.balances()
    assert family.report(answer["verification"]["id"]).json == answer
    assert family.balances() == moved
    assert pages(family.client, f"{family.base}/discoveries") == answer["discoveries"]
    assert bonuses(family) == answer["bonuses"] == bonuses(family, "?awarded=true")
    assert bonuses(family, "?awarded=false") == []

    # Neither way pays it again.
    assert code(pay(family, answer["bonuses"][0])) == (409, "already_awarded")
    assert code(pay_discovery(family, answer["discoveries"][0]["id"])) == (409, "already_awarded")
    pair = {name: answer["discoveries"][1][name]
            for name in ("source_learning_point_id", "target_learning_point_id", "relationship_type")}
    assert code(family.service.post(f"{family.base}/discoveries", pair)) == (409, "already_discovered")


def test_phrases_senses_and_patterns(family):
    first = know(family, "take", "bank.1", "un0")
    assert [told(answer) for answer in first.values()] == [[], [], []]
    second = know(family, "off", "bank.2", "un1")
    # Of one affix: the second known point. A phrase need not be known itself, one of a single part has nothing to complete,
    # and what is no word is no sense of one.
    assert told(second["off"]) == [("phrase_completion", "take_off", 30)]
    assert told(second["bank.2"]) == [("context_mastery", "bank", 20)]
    assert told(second["un1"]) == [("pattern_recognition", "un-", 20)]
    third = know(family, "un2", "un3", "un4")
    assert sorted(told(answer) for answer in third.values()) == [[], [], [("pattern_mastery", "un-", 50)]]
    # The base is no point of the affix, but related to all of them.
    assert [kind for kind, _, _ in told(know(family, "base")["base"])] == ["relationship_discovery"] * 5


@pytest.mark.parametrize("order", [["spill", "beans", "spill_beans"], ["spill_beans", "beans", "spill"]])
def test_an_idiom_is_unlocked_by_whichever_comes_last(family, order):
    for point in order[:2]:
        assert "idiom_unlock" not in [kind for kind, _, _ in told(know(family, point)[point])]
    last = told(know(family, order[2])[order[2]])
    assert last[0] == ("idiom_unlock", "spill_beans", 70)
    assert len(last) == (3 if order[2] == "spill_beans" else 2)


def test_an_idiom_that_needs_nothing_unlocks_nothing(family):
    assert told(know(family, "by_heart")["by_heart"]) == []


def test_of_many_discoveries_the_most_frequent_are_paid_and_the_rest_can_be(family):
    spokes = [f"spoke{n:02}" for n in range(14)]
    know(family, *spokes)
    answer = know(family, "hub")["hub"]
    assert told(answer) == [("relationship_discovery", f"hub COLLOCATES_WITH {spoke}", 15 if n < 10 else "test_limit")
                            for n, spoke in enumerate(spokes)]
    assert [one["bonus_awarded"] for one in answer["discoveries"]] == [True] * 10 + [False] * 4
    assert family.report(answer["verification"]["id"]).json == answer

    unpaid = bonuses(family, "?awarded=false")
    assert unpaid == answer["bonuses"][10:] and all(bonus["points"] is None for bonus in unpaid)
    page = family.client.get(f"{family.base}/bonuses?awarded=false&limit=3").json
    rest = family.client.get(f"{family.base}/bonuses?awarded=false&limit=3&cursor={page['next_cursor']}").json
    assert page["items"] + rest["items"] == unpaid

    # Staff pay one by its bonus and one by its discovery; the platform pays one on this day's account. Each goes one way only.
    by_bonus, by_discovery, by_platform = unpaid[:3]
    before = family.balances()
    paid = pay(family, by_bonus)
    assert paid.status == 200 and paid.json["bonus"] == {**by_bonus, "awarded": True, "points": 15, "refusal": None}
    assert paid.json["transaction"]["points"] == 15 and paid.json["account"]["total_earned"] == before[0] + 15
    assert code(pay_discovery(family, by_bonus["relationship_discovery_id"])) == (409, "already_awarded")
    assert pay_discovery(family, by_discovery["relationship_discovery_id"]).status == 200
    assert code(pay(family, by_discovery)) == (409, "already_awarded")
    assert pay_discovery(family, by_platform["relationship_discovery_id"], "service").status == 200
    assert code(pay(family, by_platform, "service")) == (403, "forbidden")
    assert family.balances()[0] == before[0] + 45
    assert [bonus["id"] for bonus in bonuses(family, "?awarded=false")] == [unpaid[3]["id"]]
    assert all(one["bonus_awarded"] for one in pages(family.client, f"{family.base}/discoveries?limit=200")[:13])


def test_two_who_pay_at_once_pay_once(family):
    know(family, *[f"spoke{n:02}" for n in range(11)])
    (unpaid,) = [bonus for bonus in know(family, "hub")["hub"]["bonuses"] if not bonus["awarded"]]
    before = family.balances()
    answers = together(6, lambda n: pay(family, unpaid) if n % 2
                       else pay_discovery(family, unpaid["relationship_discovery_id"]))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 5
    assert family.balances()[0] == before[0] + 15


def test_two_that_become_known_at_once_are_discovered_once(family):
    family.learn("green")
    family.learn("red")
    for _ in range(2):
        for item in family.due():
            assert family.report(item["id"]).status == 200
        family.server.advance(days=7)
    due = family.due()
    clients = [family.server.client(family.server.service_token()) for _ in due]
    body = {"passed": True, "score": 100, "questions": [], "answers": []}
    answers = together(len(due), lambda n: clients[n].post(f"{family.base}/verifications/{due[n]['id']}/completion", body).json)
    assert sorted(told(answer) for answer in answers) == [[], [("relationship_discovery", "green OPPOSITE_OF red", 15)]]


def test_a_day_has_its_limit_and_staff_may_go_beyond(ruled):
    server = ruled(("lua/rules/discovery.lua", "bonuses_per_day = 20", "bonuses_per_day = 2"))
    family = Family(server)
    know(family, "spoke00", "spoke01", "spoke02", "take")
    reached = know(family, "hub", "off")
    facts = [fact for answer in reached.values() for fact in told(answer)]
    assert [worth for _, _, worth in facts] == ([15, 15, "daily_limit", "daily_limit"] if list(reached)[0] == "hub"
                                                else [30, 15, "daily_limit", "daily_limit"])
    # A new day pays nothing by itself.
    server.advance(days=1)
    assert len(bonuses(family, "?awarded=false")) == 2
    for bonus in bonuses(family):
        assert pay(family, bonus).status == (409 if bonus["awarded"] else 200)
    assert bonuses(family, "?awarded=false") == []


def test_the_most_of_a_learning_point_includes_its_bonuses(ruled):
    server = ruled(("lua/rules/points.lua", "most_per_learning_point = 500", "most_per_learning_point = 32"))
    family = Family(server)
    know(family, "spoke00", "spoke01", "spoke02")
    answer = know(family, "hub")["hub"]
    assert [worth for _, _, worth in told(answer)] == [15, 7, "nothing_to_pay"]
    assert code(pay(family, answer["bonuses"][2])) == (409, "nothing_to_pay")
    assert code(pay_discovery(family, answer["discoveries"][2]["id"])) == (409, "nothing_to_pay")
    (held,) = bonuses(family, "?awarded=false")
    assert held["refusal"] == "nothing_to_pay"


def test_what_fails_later_keeps_its_bonuses_and_is_not_paid_again(family):
    know(family, "green", "take")
    assert told(know(family, "red")["red"]) == [("relationship_discovery", "green OPPOSITE_OF red", 15)]
    (row,) = [one for one in pages(family.client, f"{family.base}/progress") if one["learning_point_id"] == "red"]
    assert set_progress(family, row["id"], "failed", client_of(family.server, "staff")).status == 200
    assert [move["points"] for move in family.transactions("?type=bonus")] == [15]
    # What becomes known meanwhile is not related to anything known; when the point is known again, it is.
    assert told(know(family, "blue")["blue"]) == []
    assert set_progress(family, row["id"], "learning", family.client).status == 200
    again = pass_until_known(family, ["red"])["red"]
    assert [subject for _, subject, _ in told(again)] == ["blue PREREQUISITE_OF red", "blue RELATED_TO red"]
    assert len(bonuses(family)) == 3 and family.balances()[0] == 4 * 10 + 3 * 15


def test_a_bonus_that_was_held_back_is_paid_even_if_the_point_has_failed_since(ruled):
    server = ruled(("lua/rules/discovery.lua", "bonuses_per_test = 10", "bonuses_per_test = 0"))
    family = Family(server)
    know(family, "green")
    (bonus,) = know(family, "red")["red"]["bonuses"]
    assert bonus["refusal"] == "test_limit"
    for row in pages(family.client, f"{family.base}/progress"):
        assert set_progress(family, row["id"], "failed", client_of(server, "staff")).status == 200
    assert pay(family, bonus).status == 200
    assert family.balances() == (15, 15, 0, 0, 0)

    # All of it goes with the child.
    assert family.client.request("DELETE", family.base).status in (200, 204)
    assert server.database.sql("select count(*) from bonuses") == "0"


def test_a_discovery_recorded_by_hand_stays_the_platforms_to_pay(family):
    know(family, "red")
    pair = {"source_learning_point_id": "red", "target_learning_point_id": "green", "relationship_type": "OPPOSITE_OF"}
    found = family.service.post(f"{family.base}/discoveries", pair).json
    assert code(pay_discovery(family, found["id"], "service")) == (409, "not_known")
    answer = know(family, "green")["green"]
    assert (answer["discoveries"], answer["bonuses"]) == ([], [])
    assert pay_discovery(family, found["id"], "service").json["discovery"]["bonus_awarded"] is True
    (bonus,) = bonuses(family)
    assert (bonus["bonus_subject"], bonus["points"], bonus["awarded"]) == ("green OPPOSITE_OF red", 15, True)


def summary(family, query=""):
    answer = family.client.get(f"{family.base}/summary{query}")
    assert answer.status == 200, answer
    return answer.json


def test_a_parent_sees_how_a_child_is_doing(family):
    nothing = summary(family)
    assert (nothing["streak_days"], nothing["next_due_at"], len(nothing["days"])) == (0, None, 30)
    assert all(day[name] == 0 for day in nothing["days"] for name in ("passed", "failed", "points", "total_earned"))
    assert nothing["days"][-1]["date"] == nothing["today"]

    family.learn("red")
    begun = summary(family)
    assert (begun["learning"], begun["due"], begun["verified"], begun["failed"]) == (1, 1, 0, 0)
    know(family, "green", "blue")
    lone = family.learn("lone")
    assert family.report(lone["next_verification"]["id"], passed=False).status == 200
    seen = summary(family, "?days=12")
    # red was never tested, green and blue are known, lone has failed once and is tried again.
    assert (seen["learning"], seen["due"], seen["verified"], seen["failed"]) == (2, 1, 2, 0)
    assert [(day["passed"], day["failed"]) for day in seen["days"] if day["passed"] or day["failed"]] == [
        (2, 0), (2, 0), (2, 0), (0, 1)]
    assert [day["points"] for day in seen["days"] if day["passed"]] == [20, 0, 0]
    assert seen["days"][-1]["total_earned"] == seen["account"]["total_earned"] == 20
    assert seen["days"][0]["total_earned"] == 0
    assert seen["account"] == family.account()
    (red,) = [item for item in family.client.get(f"{family.base}/verifications?due=true").json["items"]]
    assert seen["next_due_at"] == red["due_at"]

    (green,) = [row for row in pages(family.client, f"{family.base}/progress?status=verified")
                if row["learning_point_id"] == "green"]
    assert set_progress(family, green["id"], "failed", client_of(family.server, "staff")).status == 200
    lost = summary(family)
    assert (lost["verified"], lost["failed"], lost["days"][-1]["points"]) == (1, 1, -10)
    assert lost["days"][-1]["total_earned"] == 10 and lost["days"][-2]["total_earned"] == 20

    assert family.client.get(f"{family.base}/summary?days=367").status == 400
    assert len(summary(family, "?days=366")["days"]) == 366


def test_a_streak_lasts_until_a_day_has_gone_by_without_a_test(family):
    def take(point):
        item = family.learn(point)["next_verification"]
        assert family.report(item["id"]).status == 200

    for n, expected in enumerate([1, 2, 3]):
        take(f"spoke{n:02}")
        assert summary(family)["streak_days"] == expected
        family.server.advance(days=1)
        assert summary(family)["streak_days"] == expected, "today is not over"
    family.server.advance(days=1)
    assert summary(family)["streak_days"] == 0
    take("spoke09")
    assert summary(family)["streak_days"] == 1


def test_what_has_thousands_of_neighbours_becomes_known_within_the_time_of_a_request(ruled):
    family = Family(ruled())
    family.server.database.sql(f"""
        insert into learning_points (id, word, type, tier, definition, frequency_rank)
        select p || n, p || n, case p when 'of_many' then 'phrase' else 'word' end, 1, 'what ' || p || n || ' means', n + 9000
        from generate_series(1, 5000) n, (values ('many'), ('of_many')) as given (p);
        insert into learning_points (id, word, type, tier, definition) values ('middle', 'middle', 'word', 1, 'the middle');
        insert into relationships (source_id, target_id, type, origin)
        select 'middle', 'many' || n, 'PREREQUISITE_OF', 'test' from generate_series(1, 5000) n
        union all
        select 'middle', 'of_many' || n, 'PART_OF', 'test' from generate_series(1, 5000) n
        union all
        select 'many' || n, 'of_many' || n, 'PART_OF', 'test' from generate_series(1, 5000) n;
        insert into learning_progress
          (child_id, learning_point_id, tier, status, learned_at, learned_on, verified_at, created_at, updated_at)
        select '{family.child["id"]}', 'many' || n, 1, 'verified', now(), now()::date - 2, now(), now(), now()
        from generate_series(1, 5000) n""")
    reached = know(family, "middle")["middle"]
    assert len(reached["discoveries"]) == 5000
    assert sorted(bonus["bonus_type"] for bonus in reached["bonuses"]) == (
        ["phrase_completion"] * 5000 + ["relationship_discovery"] * 5000)
    assert len([bonus for bonus in reached["bonuses"] if bonus["awarded"]]) == 10
