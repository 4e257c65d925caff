"""`lexicraft import`: families of the server before this one move in, and go on here as if they had always been here."""

import json
import random
import re
import subprocess
import uuid

import pytest

import support
from money import cancel, client_of, fail_for_good, open_tests, process, set_progress, withdraw
from original import BALANCES, Original
from support import Server


@pytest.fixture
def source():
    original = Original()
    yield original
    original.drop()


@pytest.fixture
def host(database, tmp_path):
    """Runs commands on an empty database; the server can be started."""
    mine = Server(tmp_path / "root", database)
    yield mine
    mine.stop(expect=None)
    assert support.audit(database) == []


def run(host, source, *arguments):
    done = host.command("import", "--from", source.url, "--json", *arguments, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def audit_is_clean(host):
    done = host.command("audit", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def counts(report, kind):
    return {name: table[kind] for name, table in report["tables"].items() if table[kind]}


def reasons(report, kind, table=None):
    return "\n".join(f"{group['table']} {row['key']}: {row['reason']}" for group in report["reasons"]
                     if group["kind"] == kind and table in (None, group["table"]) for row in group["rows"])


class Moved(support.Family):
    """A family that has moved in: the parent chooses a new password and logs in."""

    def __init__(self, server, email, child):  # pylint: disable=super-init-not-called
        self.server, self.email, self.child = server, email, {"id": child}
        self.base = f"/v1/children/{child}"
        token = server.command("users", "reset", email).stdout.strip()
        body = {"token": token, "new_password": "a fresh password"}
        answer = server.client().post("/v1/password-resets/completion", body)
        assert answer.status in (200, 204), answer
        session = server.client().post("/v1/sessions", {"email": email, "password": "a fresh password"})
        assert session.status == 200, session
        self.client = server.client(session.json["access_token"])
        self.service = server.client(server.service_token())


def story(source):
    """A family under way: an idiom half unlocked, a word verified, one failed; money paid, asked for and being paid."""
    parent, child = source.family(email="Parent@Example.org", name="Ann")
    ids = {
        "idiom": source.learn(child, "t4_1", 4, "pending", [(1, True), (3, True)], [7, 14],
                              [("earned", 100), ("unlocked", 30), ("unlocked", 20)]),
        "verified": source.learn(child, "t2_1", 2, "verified", [(1, True), (3, True), (7, True), (14, True)], [],
                                 [("earned", 25), ("unlocked", 25)], days_ago=20),
        "begun": source.learn(child, "t1_1", 1, "learning", [(1, False)], [1], days_ago=3),
        "failed": source.learn(child, "t3_1", 3, "failed", [(1, True), (3, False)], [7],
                               [("earned", 50), ("unlocked", 15), ("deficit", -50)]),
    }
    source.add("points_transactions", child_id=child, transaction_type="bonus", points=15,
               bonus_type="relationship_discovery", description="found")
    source.add("points_transactions", child_id=child, transaction_type="bonus", points=20, bonus_type="context_mastery")
    source.account(child, 160, 40, 50, 70, 0)
    for status, points, more in (("completed", 30, {"transaction_id": "T1"}), ("pending", 25, {}), ("processing", 15, {}),
                                 ("failed", 12, {})):
        ids[status] = int(source.add("withdrawal_requests", child_id=child, parent_id=parent, amount_ntd=points,
                                     points_amount=points, status=status, bank_account="012-345-678", **more))
    source.add("relationship_discoveries", child_id=child, source_learning_point_id="t2_1",
               target_learning_point_id="t4_1", relationship_type="RELATED_TO", bonus_awarded=True)
    return parent, child, ids


def test_a_family_moves_in_whole(host, source):
    parent, child, _ = story(source)
    report = run(host, source)
    assert counts(report, "copied") == {
        "users": 1, "children": 1, "learning_progress": 4, "verification_schedule": 11, "points_accounts": 1,
        "points_transactions": 10, "withdrawal_requests": 4, "relationship_discoveries": 1}
    assert counts(report, "refused") == {"verification_schedule": 2}
    assert report["without_password"] == 1
    (account,) = host.database.rows("select * from points_accounts")
    assert [account[name] for name in BALANCES] == [160, 40, 50, 70, 0]
    (opening,) = host.database.rows("select * from points_transactions")
    assert (opening["transaction_type"], opening["sequence"], opening["points"]) == ("opening", 1, 160)
    progress = host.database.rows("select learning_point_id, status, highest_day, points, unlocked_points from "
                                  "learning_progress order by id")
    assert [tuple(row.values()) for row in progress] == [
        ("t4_1", "pending", 3, 100, 50), ("t2_1", "verified", 14, 25, 25), ("t1_1", "learning", 0, 0, 0),
        ("t3_1", "failed", 1, 0, 0)]
    (user,) = host.database.rows("select id, email, name, country from users")
    assert user == {"id": parent, "email": "parent@example.org", "name": "Ann", "country": "TW"}
    assert host.database.sql("select count(*) from moved_transactions") == "10"
    there, here = (db.sql(f"select extract(epoch from created_at{zone}) from children where id = '{child}'")
                   for db, zone in ((source, " at time zone 'UTC'"), (host.database, "")))
    assert there == here
    audit_is_clean(host)


def test_a_dry_run_changes_nothing_and_a_second_run_copies_nothing(host, source):
    story(source)

    def everything():
        return {table: host.database.sql(f"select count(*) from {table}") for table in (
            "users", "children", "learning_progress", "verification_schedule", "points_transactions", "moved_children",
            "moved_transactions", "moved_bonuses", "withdrawal_requests", "relationship_discoveries", "rule_versions")}

    before = everything()
    dry = run(host, source, "--dry-run")
    assert everything() == before
    wet = run(host, source)
    assert wet["tables"] == dry["tables"] and wet["reasons"] == dry["reasons"]
    after = everything()
    again = run(host, source)
    assert counts(again, "copied") == {} and everything() == after
    assert counts(again, "there") == counts(wet, "copied")
    text = host.command("import", "--from", source.url).stdout
    assert "Nothing new" in text and "already here" in text


def test_learning_and_money_go_on(host, source):
    _, child, _ = story(source)
    run(host, source)
    host.start()
    family = Moved(host, "parent@example.org", child)
    (row,) = family.transactions()
    assert row["transaction_type"] == "opening" and row["deltas"]["locked"] == 50
    done = family.complete_when_due(*[(test["id"], True) for test in open_tests(family) if test["test_day"] == 7][0])
    assert (done["progress"]["points"], done["progress"]["unlocked_points"]) == (100, 70)
    assert family.balances() == (160, 60, 30, 70, 0)
    moved = {row["status"]: row for row in family.client.get(f"{family.base}/withdrawals").json["items"]}
    assert cancel(family, moved["pending"]).status == 200
    assert family.balances() == (160, 85, 30, 45, 0)
    process(family, moved["processing"], "failed")
    assert family.balances() == (160, 100, 30, 30, 0)
    for lost in ("t2_1", "t4_1"):
        (progress,) = [row for row in family.client.get(f"{family.base}/progress").json["items"]
                       if row["learning_point_id"] == lost]
        assert set_progress(family, progress["id"], "failed", client_of(host, "staff")).status == 200
    assert family.balances() == (35, 5, 0, 30, 0)
    again = set_progress(family, progress["id"], "learning", family.client)
    assert again.status == 200 and again.json["attempt"] == 2, again
    audit_is_clean(host)


def test_what_was_withdrawn_of_a_lost_point_becomes_a_debt(host, source):
    parent, child = source.family(email="debt@example.org")
    source.learn(child, "t4_1", 4, "pending", [(1, True), (3, True)], [7], [("earned", 100), ("unlocked", 50)])
    source.account(child, 100, 0, 50, 50, 0)
    for points in (20, 30):
        source.add("withdrawal_requests", child_id=child, parent_id=parent, amount_ntd=points, points_amount=points)
    run(host, source)
    host.start()
    family = Moved(host, "debt@example.org", child)
    fail_for_good(family)
    assert family.balances() == (0, 0, 0, 50, 50)
    (small, _) = family.client.get(f"{family.base}/withdrawals").json["items"]
    assert cancel(family, small).status == 200
    assert family.balances() == (0, 0, 0, 30, 30)
    audit_is_clean(host)


def test_a_bonus_paid_there_is_not_paid_here(host, source):
    _, child = source.family(email="bonus@example.org")
    for point in ("t1_1", "t1_2", "t1_3"):
        source.learn(child, point, 1, "verified", [(1, True), (3, True), (7, True)], [], [("earned", 10), ("unlocked", 10)])
    source.account(child, 45, 45, 0, 0, 0)
    pair = {"child_id": child, "relationship_type": "RELATED_TO"}
    source.add("relationship_discoveries", source_learning_point_id="t1_2", target_learning_point_id="t1_1",
               bonus_awarded=True, **pair)
    source.add("relationship_discoveries", source_learning_point_id="t1_1", target_learning_point_id="t1_2", **pair)
    source.add("relationship_discoveries", source_learning_point_id="t1_1", target_learning_point_id="t1_3", **pair)
    source.add("relationship_discoveries", source_learning_point_id="t1_1", target_learning_point_id="later",
               bonus_awarded=True, **pair)
    report = run(host, source)
    assert "the other way round" in reasons(report, "refused") and "unknown here (later)" in reasons(report, "refused")
    host.start()
    family = Moved(host, "bonus@example.org", child)
    rows = host.database.rows("select id, bonus_awarded from relationship_discoveries order by bonus_awarded")
    answers = [family.service.post(f"{family.base}/discoveries/{row['id']}/bonus") for row in rows]
    assert [answer.status for answer in answers] == [200, 409], answers
    assert answers[1].json["code"] == "already_awarded"
    host.database.sql("insert into learning_points (id, word, type, tier, definition) values ('later', 'l', 'word', 1, 'd')")
    host.database.sql(f"insert into learning_progress (child_id, learning_point_id, tier, status, learned_at, learned_on, "
                      f"verified_at, created_at, updated_at) select '{child}', 'later', 1, 'verified', now(), now(), now(), "
                      f"now(), now()")
    found = family.service.post(f"{family.base}/discoveries", {
        "source_learning_point_id": "t1_1", "target_learning_point_id": "later", "relationship_type": "RELATED_TO"})
    assert found.status != 201 or family.service.post(
        f"{family.base}/discoveries/{found.json['id']}/bonus").json["code"] == "already_awarded"
    audit_is_clean(host)


def test_passwords(host, source, tmp_path):
    """A hash by Argon2id is good here as well; another one is not, and says so to nobody."""
    host.start()
    settled = support.Family(host)
    hashed = host.database.sql(f"select password_hash from users where email = '{settled.email}'")
    for name, value in (("old", "$2b$12$KIXQ4S8bq1Zr1f0oX1f0oeu1Zr1f0oX1f0oeu1Zr1f0oX1f0oeu1Z"), ("new", hashed)):
        source.family(email=f"{name}@example.org", password_hash=value)
    assert run(host, source)["without_password"] == 1
    for name, status in (("new", 200), ("old", 401)):
        answer = host.client().post("/v1/sessions", {"email": f"{name}@example.org", "password": settled.password})
        assert answer.status == status, answer


def odd_people(source):
    source.family(email="same@example.org", id=str(uuid.UUID(int=1)))
    source.family(email="SAME@example.org", id=str(uuid.UUID(int=2)))
    source.family(email="long@example.org", country="Taiwan", phone="0" * 60, name="n" * 120)
    source.family(email="not an address")
    parent, _ = source.family(email=" spaces@example.org ", name=" ", phone="", country=None, created_at=None,
                              updated_at=None)
    for age in (-3, 180, None):
        source.add("children", parent_id=parent, name=" ", age=age, created_at=None)


def test_odd_people(host, source):
    odd_people(source)
    report = run(host, source)
    assert counts(report, "refused") == {"users": 2, "children": 2}
    refused, repaired = reasons(report, "refused"), reasons(report, "repaired")
    for words in ("another user has the e-mail address", "the e-mail address is none (not an address)",
                  "its parent was not copied"):
        assert words in refused, refused
    for words in ("country is no code", "phone cut", "name cut", "small letters", "age is not between 0 and 25", "had no name",
                  "time of creation was missing", "had no points account"):
        assert words in repaired, repaired
    users = {row["email"]: row for row in host.database.rows("select * from users")}
    assert sorted(users) == ["long@example.org", "same@example.org", "spaces@example.org"]
    assert users["spaces@example.org"]["country"] == "TW" and users["spaces@example.org"]["name"] is None
    # Whoever was left out follows once the reason is gone.
    source.sql("update users set email = 'other@example.org' where email = 'SAME@example.org'")
    assert counts(run(host, source), "copied") == {"users": 1, "children": 1}
    audit_is_clean(host)


@pytest.mark.parametrize("balances, words, kept", [
    ((100, 80, 0, 0, 0), "did not add up", [80, 80, 0, 0, 0]),
    ((10, 30, 0, 0, 20), "did not add up", [10, 10, 0, 0, 0]),
    ((0, -5, 5, 0, 0), "did not add up", [0, 0, 5, 0, 5]),
    ((None, 5, None, 0, 0), "a balance was missing", [5, 5, 0, 0, 0]),
    ((0, 0, 0, 40, 40), None, [0, 0, 0, 40, 40]),
    ((7, 0, 7, 0, 0), None, [7, 0, 7, 0, 0]),
])
def test_balances(host, source, balances, words, kept):
    _, child = source.family()
    source.account(child, *balances)
    report = run(host, source)
    assert (words or "") in reasons(report, "repaired", "points_accounts")
    assert bool(reasons(report, "repaired", "points_accounts")) == bool(words)
    (account,) = host.database.rows("select * from points_accounts")
    assert [account[name] for name in BALANCES] == kept
    audit_is_clean(host)


@pytest.mark.parametrize("balances, words", [
    ((0, 0, -5, 5, 0), "balances are negative"), ((-10, 0, 0, 0, 10), "more is owed than was ever earned"),
    ((2000000000, 2000000000, 0, 0, 0), "too large"),
])
def test_a_child_that_cannot_be_put_right_stays_out_alone(host, source, balances, words):
    parent, child = source.family()
    source.account(child, *balances)
    source.learn(child, "t1_1", 1, "pending", [(1, True)], [3], [("earned", 10)])
    sibling = source.add("children", parent_id=parent, name="Bo", age=7)
    source.account(sibling, 5, 5, 0, 0, 0)
    report = run(host, source)
    assert f"children {child}: " in reasons(report, "refused") and words in reasons(report, "refused", "children")
    assert host.database.sql("select id from children") == sibling
    audit_is_clean(host)


def odd_learning(source, child):
    source.learn(child, "t1_1", 1, "mastered", [(1, True)], [3], [("earned", 10), ("unlocked", 3)])
    source.learn(child, "t1_2", 1, None, [], [])
    source.learn(child, "t1_3", 1, "learning", [(1, True)], [3], [("earned", 10), ("unlocked", 3)])
    source.learn(child, "t1_4", 1, "learning", [(1, True)], [3])
    source.learn(child, "t1_5", 1, "pending", [(1, True), (3, True), (7, True)], [], [("earned", 10), ("unlocked", 5)])
    source.learn(child, "t1_6", 1, "pending", [], [], [])
    source.learn(child, "t1_7", 1, "pending", [(1, True), (5, True)], [6, 9, 11], [("earned", 10), ("unlocked", 3)])
    source.learn(child, "t1_8", 9, "learning", [], [1])
    source.learn(child, "unheard_of", 1, "pending", [(1, True)], [3], [("earned", 10), ("unlocked", 3)])
    odd = source.learn(child, "t1_9", 1, "failed", [(0, True), (5000, True)], [3], [("earned", 10)])
    source.sql(f"""insert into verification_schedule (child_id, learning_progress_id, test_day, scheduled_date, completed,
                     completed_at, passed, score) values
                   ('{child}', {odd}, 1, current_date, true, null, null, null),
                   ('{child}', {odd}, 1, current_date, true, null, null, 80),
                   ('{child}', {odd}, 1, current_date, null, null, false, 180),
                   ('{child}', {odd}, 1, current_date, true, now(), true, 'NaN')""")


def test_odd_learning(host, source):
    _, child = source.family(email="odd@example.org")
    odd_learning(source, child)
    source.account(child, 100, 50, 50, 0, 0)
    report = run(host, source)
    rows = {row["learning_point_id"]: (row["status"], row["highest_day"], row["points"], row["unlocked_points"])
            for row in host.database.rows("select * from learning_progress")}
    assert rows == {
        "t1_1": ("pending", 1, 10, 3), "t1_2": ("learning", 0, 0, 0), "t1_3": ("pending", 1, 10, 3),
        "t1_4": ("learning", 0, 0, 0), "t1_5": ("pending", 3, 10, 5), "t1_6": ("pending", 1, 10, 3),
        "t1_7": ("pending", 5, 10, 3), "t1_9": ("failed", 1, 0, 0)}
    opened = host.database.rows("select p.learning_point_id, v.test_day from verification_schedule v join learning_progress "
                                "p on p.id = v.learning_progress_id where not v.completed order by 1")
    assert [tuple(row.values()) for row in opened] == [
        ("t1_1", 3), ("t1_2", 1), ("t1_3", 3), ("t1_4", 3), ("t1_5", 7), ("t1_6", 3), ("t1_7", 6)]
    refused = reasons(report, "refused")
    for words in ("the tier is none (9)", "unknown here (unheard_of)", "the test day is none (0)", "has no result",
                  "its learning progress was not copied", "an open test that is not the next one"):
        assert words in refused, refused
    assert "locked points stay locked" in reasons(report, "noted")
    host.start()
    family = Moved(host, "odd@example.org", child)
    for _ in range(12):
        for test in family.due():
            assert family.report(test["id"], True).status == 200, test
        host.advance(days=5)
    statuses = {row["learning_point_id"]: row["status"] for row in
                family.client.get(f"{family.base}/progress").json["items"]}
    assert {status for point, status in statuses.items() if point != "t1_9"} == {"verified"}, statuses
    audit_is_clean(host)


def test_odd_withdrawals(host, source):
    parent, child = source.family()
    stranger, other = source.family()
    source.account(child, 200, 100, 0, 100, 0)
    source.account(other, 50, 0, 0, 50, 0)

    def ask(of, status, points, amount=None, by=parent, **more):
        return source.add("withdrawal_requests", child_id=of, parent_id=by, status=status, points_amount=points,
                          amount_ntd=points if amount is None else amount, **more)

    ask(child, "completed", 40, bank_account="x" * 300, transaction_id="twice", by=stranger)
    ask(child, None, 30)
    ask(child, "Canceled", 9)
    ask(child, "pending", 31)
    ask(child, "processing", 77)
    ask(child, "approved", 5)
    ask(child, "pending", 0)
    ask(child, "pending", 5, amount=0)
    ask(child, "pending", 5, amount=-3.5)
    ask(other, "completed", 50, by=stranger, transaction_id="twice")
    report = run(host, source)
    refused = reasons(report, "refused", "withdrawal_requests")
    for words in ("ask for it again", "see whether the bank", "status is unknown (approved)", "so many points",
                  "so much cannot be paid out (-3.50 NTD)"):
        assert words in refused, refused
    repaired = reasons(report, "repaired", "withdrawal_requests")
    for words in ("another parent", "bank account was missing", "cancelled (Canceled)", "pending (nil)", "cut to 100",
                  "has paid another withdrawal"):
        assert words in repaired, repaired
    assert counts(report, "copied")["withdrawal_requests"] == 4
    assert host.database.sql("select count(*) from withdrawal_requests where transaction_id = 'twice'") == "1"
    audit_is_clean(host)


def test_what_comes_later(host, source):
    """New families and new children follow; of a child that has moved in nothing more does, and that is said."""
    parent, child, _ = story(source)
    run(host, source)
    source.family()
    source.add("children", parent_id=parent, name="Bo")
    source.learn(child, "t5_1", 5, "learning", [], [1])
    source.add("points_transactions", child_id=child, transaction_type="earned", points=5)
    report = run(host, source)
    assert counts(report, "copied") == {"users": 1, "children": 2}
    assert reasons(report, "refused").count("is newer than the child's move") == 3
    audit_is_clean(host)


def test_a_family_that_fails_leaves_the_others_whole(host, source):
    """A family that the database refuses for a reason nobody thought of: here, a transfer that has paid somebody else."""
    host.start()
    settled = support.Family(host)
    settled.client.post(f"{settled.base}/progress", {"learning_point_id": "t4_1"})
    assert settled.report(settled.due()[0]["id"]).status == 200
    process(settled, withdraw(settled, 10), "processing", "completed", transaction_id="the same")
    parent, child = source.family()
    source.account(child, 10, 0, 0, 10, 0)
    source.add("withdrawal_requests", child_id=child, parent_id=parent, amount_ntd=10, points_amount=10, status="completed",
               transaction_id="the same")
    whole = [source.family()[1] for _ in range(5)]
    done = host.command("import", "--from", source.url, "--json", check=False)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["failures"] == 1 and "the family was not written" in reasons(report, "refused", "users")
    here = set(host.database.sql("select child_id from moved_children").split())
    assert here == set(whole)
    assert all(table["read"] == table["copied"] + table["there"] + table["refused"] for table in report["tables"].values())
    audit_is_clean(host)


def test_a_run_that_was_cut_is_finished_by_the_next(host, source):
    source.sql("""
        insert into users (email, password_hash) select 'u' || n || '@example.org', 'x' from generate_series(1, 400) n;
        insert into children (parent_id, name) select id, 'Mei' from users;
        insert into points_accounts (child_id, total_earned, locked_points) select id, 30, 30 from children;
        insert into learning_progress (child_id, learning_point_id, tier, status)
        select c.id, 't1_' || n, 1, 'pending' from children c, generate_series(1, 3) n;
        insert into points_transactions (child_id, learning_progress_id, transaction_type, points)
        select child_id, id, 'earned', 10 from learning_progress""")
    cut = subprocess.Popen([support.BINARY, "import", "--from", source.url], cwd=host.root, env=host.env(),
                           stdout=subprocess.DEVNULL)
    support.wait_for(lambda: int(host.database.sql("select count(*) from moved_children")) > 20, "some families")
    cut.kill()
    cut.wait()
    before = int(host.database.sql("select count(*) from moved_children"))
    assert before < 400, "it was not cut"
    for report in support.together(2, lambda _: run(host, source)):
        assert report["tables"]["children"]["copied"] + report["tables"]["children"]["there"] == 400
        assert report["tables"]["learning_progress"]["copied"] == 3 * report["tables"]["children"]["copied"]
    assert host.database.sql("select count(*), sum(total_earned) from points_accounts") == "400|12000"
    assert counts(run(host, source), "copied") == {}
    audit_is_clean(host)


# What somebody with every privilege does to what moved in, and a word of what the audit must say to it.
CORRUPTIONS = {
    "update points_transactions set points = 170, total_earned_delta = 170, available_delta = 50": "add up to",
    "update points_transactions set points = 1": "in a way of its own",
    "update learning_progress set opening_points = 90 where opening_points = 100": "the ledger gives attempt 1",
    "update learning_progress set opening_points = 200, points = 200 where opening_points = 100": "moved in with earned 160",
    "update withdrawal_requests set opening_status = 'pending' where status = 'failed'": "came back 0 times",
    "update withdrawal_requests set points_amount = 500 where status = 'pending'": "are being withdrawn",
    "delete from moved_bonuses": "is marked as paid and was not",
    "delete from moved_children": "opens the ledger of a child that did not move in",
}


def test_the_audit_sees_what_is_changed_in_what_moved_in(host, source):
    story(source)
    run(host, source)
    for corruption, words in CORRUPTIONS.items():
        damaged = support.Database(host.database.name)
        try:
            damaged.sql(f"set session_replication_role = replica; {corruption}")
            done = host.command("audit", check=False, env={"DATABASE_URL": damaged.url})
        finally:
            damaged.drop()
        assert done.returncode == 1 and words in done.stdout, (corruption, done.stdout)


def test_an_opening_move_is_explained(host, source):
    _, child, _ = story(source)
    run(host, source)
    move, test = (host.database.sql(f"select min(id) from {table}") for table in
                  ("points_transactions", "verification_schedule where original_id is not null"))
    assert "moved in" in host.command("rules", "explain", child, move).stdout
    assert "test of day" in host.command("rules", "explain", child, "--verification", test).stdout
    host.command("rules", "replay", "lua/rules", "--since", "100d")


@pytest.mark.parametrize("time", ("infinity", "-infinity", "0044-03-15 BC", "0001-01-01", "9999-12-31", "29999-12-31"))
def test_times_that_cannot_be(host, source, time):
    """They count as missing: nothing that a client cannot read, or that cannot be reckoned with, moves in."""
    parent, child = source.family(email="late@example.org", created_at=time, updated_at=time)
    source.sql(f"update children set created_at = '{time}', updated_at = '{time}'")
    source.account(child, 60, 20, 34, 6, 0)
    for point, status, days in (("t1_1", "pending", (1,)), ("t1_2", "verified", (1, 3, 7))):
        source.learn(child, point, 1, status, [(day, True) for day in days], [30], [("earned", 10), ("unlocked", 3)])
    source.sql(f"""
        update learning_progress set learned_at = '{time}', created_at = '{time}', updated_at = '{time}';
        update verification_schedule set scheduled_date = '{time}', completed_at = case when completed then
               timestamp '{time}' end, created_at = '{time}', updated_at = '{time}';
        update points_transactions set created_at = '{time}'""")
    source.add("withdrawal_requests", child_id=child, parent_id=parent, amount_ntd=6, points_amount=6, status="completed",
               created_at=time, updated_at=time, completed_at=time)
    source.sql(f"insert into relationship_discoveries values (1, '{child}', 't1_1', 't1_2', 'RELATED_TO', '{time}')")
    report = run(host, source)
    assert counts(report, "refused") == {"verification_schedule": 2}, reasons(report, "refused")
    host.start()
    family = Moved(host, "late@example.org", child)
    for path in ("", "/progress", "/verifications", "/transactions", "/withdrawals", "/discoveries", "/known-points"):
        assert not re.search(rb'infinity|"[-+]\d+-|"9999-|"000', family.client.get(family.base + path).body), path
    for _ in range(3):
        for test in family.due():
            assert family.report(test["id"], True).status == 200, test
        host.advance(days=40)
    assert {item["status"] for item in family.client.get(f"{family.base}/progress").json["items"]} == {"verified"}
    audit_is_clean(host)


def test_a_broken_copy(host, source):
    """Rows of nobody are told; white space makes neither another address nor another transfer; every id is an id."""
    parent, child = source.family(id=str(uuid.UUID(int=0)), email="first@example.org\t")
    for email in ("first@example.org", "two words@example.org"):
        source.family(email=email)
    source.account(child, 20, 0, 0, 20, 0)
    for transfer in ("T1", " T1", "T1\n"):
        source.add("withdrawal_requests", child_id=child, parent_id=parent, amount_ntd=5, points_amount=5, status="completed",
                   transaction_id=transfer)
    source.sql("""
        set session_replication_role = replica;
        insert into children (parent_id, name) select gen_random_uuid(), 'Nobody' from generate_series(1, 25);
        insert into points_accounts (child_id, total_earned) select id, 5 from children where name = 'Nobody' limit 1;
        insert into learning_progress (child_id, learning_point_id, tier) values (gen_random_uuid(), 't1_1', 1)""")
    report = run(host, source)
    refused = {"users": 2, "children": 27, "points_accounts": 1, "learning_progress": 1}
    assert report["tables"]["children"]["read"] == 28 and counts(report, "refused") == refused
    assert {group["count"] for group in report["reasons"] if "not there" in group["rows"][0]["reason"]} == {1, 25}
    assert host.database.sql("select id, email from users") == f"{parent}|first@example.org"
    assert host.database.sql("select count(*), count(transaction_id) from withdrawal_requests") == "3|1"
    assert counts(run(host, source), "copied") == {}
    audit_is_clean(host)


def test_learning_points_can_be_made(host, source):
    _, child = source.family()
    source.learn(child, "brand_new", 2, "pending", [(1, True)], [3], [("earned", 25), ("unlocked", 8)])
    source.learn(child, "Not An Id", 2, "learning", [], [1])
    source.account(child, 25, 8, 17, 0, 0)
    report = run(host, source, "--create-learning-points")
    assert counts(report, "refused") == {"learning_progress": 1, "verification_schedule": 1}
    (point,) = host.database.rows("select * from learning_points where id = 'brand_new'")
    assert (point["word"], point["tier"]) == ("brand new", 2)
    audit_is_clean(host)


def test_it_reads_the_right_database_or_none(host, source):
    for url, code, words in ((host.database.url, 1, "a database of this server"),
                             (source.url.replace(source.name, "postgres"), 1, "lacks the tables"),
                             ("postgresql:///nowhere?host=/nowhere", 69, "")):
        done = host.command("import", "--from", url, check=False, env={"LEXICRAFT_DATABASE_WAIT_MS": "500"})
        assert done.returncode == code and words in done.stderr, (url, done.returncode, done.stderr)
    for arguments in ([], ["--from"], ["--from", source.url, "more"], ["--bogus"]):
        assert host.command("import", *arguments, check=False).returncode == 2, arguments
    assert "--dry-run" in host.command("import", "--help").stdout


def chaos(source, luck):
    """A child about whom nothing needs to fit together."""
    parent, child = source.family(email=f"{uuid.uuid4().hex}@example.org")
    source.account(child, *[luck.choice((0, luck.randint(0, 200))) for _ in BALANCES])
    for number in luck.sample(range(1, 30), luck.randint(1, 6)):
        tier = luck.randint(1, 7)
        days = sorted(luck.sample((1, 3, 5, 7, 14, 21, 30, 60), luck.randint(0, 5)))
        cut = luck.randint(0, len(days))
        source.learn(child, f"t{tier}_{number}", tier, luck.choice(("learning", "pending", "verified", "failed", "x", None)),
                     [(day, luck.random() < 0.8) for day in days[:cut]], days[cut:],
                     [(luck.choice(("earned", "unlocked", "deficit", "deposit")), luck.randint(-20, 100))
                      for _ in range(luck.randint(0, 4))], luck.randint(0, 90))
    for _ in range(luck.randint(0, 4)):
        points = luck.randint(1, 60)
        source.add("withdrawal_requests", child_id=child, parent_id=parent, amount_ntd=points, points_amount=points,
                   status=luck.choice(("pending", "processing", "completed", "failed")))
    return child


@pytest.mark.parametrize("seed", range(2))
def test_whatever_moves_in_can_go_on(host, source, seed):
    """However odd what moved in was: every test can be passed or failed, every withdrawal returned, every point lost."""
    luck = random.Random(seed)
    children = [chaos(source, luck) for _ in range(10)]
    report = run(host, source)
    assert report["failures"] == 0
    audit_is_clean(host)
    host.start()
    service, staff, operator = host.client(host.service_token()), client_of(host, "staff"), client_of(host, "operator")
    here = set(host.database.sql("select id from children").split())
    assert here and here <= set(children)
    for _ in range(6):
        for child in sorted(here):
            for test in service.get(f"/v1/children/{child}/verifications?due=true").json["items"]:
                passed = luck.random() < 0.7
                answer = service.post(f"/v1/children/{child}/verifications/{test['id']}/completion", {
                    "passed": passed, "score": 100 if passed else 0, "questions": [], "answers": []})
                assert answer.status in (200, 409), answer
        host.advance(days=12)
    for row in host.database.rows("select child_id, id, status from withdrawal_requests where status in "
                                  "('pending', 'processing')"):
        path = f"/v1/children/{row['child_id']}/withdrawals/{row['id']}/status"
        for status in ("processing", "failed")[row["status"] == "processing":]:
            assert operator.post(path, {"status": status}).status == 200, row
    for row in host.database.rows("select child_id, id from learning_progress where status <> 'failed'"):
        answer = staff.request("PATCH", f"/v1/children/{row['child_id']}/progress/{row['id']}",
                               {"status": "failed"})
        assert answer.status == 200, answer
    audit_is_clean(host)
