"""`lexicraft audit` finds nothing in what the program writes, and everything that somebody else has changed."""

import json

import pytest

import support
from cloud import answers_to
from money import cancel, client_of, give, open_tests, process, reverse, set_progress, withdraw
from support import Database, Family, Server


def story(server):
    """A family with every kind of move behind it; what a test may break, by name."""
    family = Family(server)
    staff = client_of(server, "staff")
    for point in ("t4_1", "t1_1", "t1_2"):
        family.learn(point)
    failed = family.learn("t3_1")
    for _ in range(4):
        server.advance(days=7)
        for item in family.due():
            assert family.report(item["id"]).status == 200
    assert set_progress(family, failed["id"], "failed", staff).status == 200
    assert set_progress(family, failed["id"], "learning", family.client).status == 200
    server.advance(days=1)
    for item in family.due():
        assert family.report(item["id"]).status == 200
    lost = family.learn("t2_1")
    family.report(lost["next_verification"]["id"])
    for _ in range(3):
        (test,) = [item for item in open_tests(family) if item["learning_point_id"] == "t2_1"]
        family.complete_when_due(test["id"], False)
    give(family, 40)
    reverse(family, give(family, 7).json["transaction"]["id"])
    for point in ("t1_1", "t1_2"):
        assert family.client.get(f"{family.base}/progress?status=verified").json["items"], point
    found = family.service.post(f"{family.base}/discoveries", {
        "source_learning_point_id": "t1_1", "target_learning_point_id": "t1_2", "relationship_type": "RELATED_TO"})
    assert family.service.post(f"{family.base}/discoveries/{found.json['id']}/bonus").status == 200
    process(family, withdraw(family, 10), "processing", "completed", transaction_id=f"transfer {family.email}")
    process(family, withdraw(family, 11), "processing", "failed")
    cancel(family, withdraw(family, 12))
    withdraw(family, 13)
    answered(family, "t1_3", seconds=60)
    rejected = answered(family, "t1_4", seconds=0)
    body = {"decision": "reject", "reason": "too fast"}
    assert staff.post(f"{family.base}/verifications/{rejected}/review", body).status == 200
    return family


def answered(family, point, seconds):
    """A test whose questions the server made, answered after so long; two of three are right."""
    test = family.learn(point)["next_verification"]["id"]
    assert family.client.post(f"{family.base}/verifications/{test}/start").status == 200
    family.server.advance(seconds=seconds)
    answers = answers_to(family.server, test, right=2)
    assert family.client.post(f"{family.base}/verifications/{test}/answers", answers).status == 200
    return test


@pytest.fixture(scope="module")
def told(template, tmp_path_factory):
    """A stopped server, its database to copy from, and the child whose rows the tests break."""
    database = Database(template)
    server = Server(tmp_path_factory.mktemp("told"), database).start()
    try:
        families = [story(server) for _ in range(2)]
    finally:
        server.stop()
    yield server, database, families[0].child["id"]
    database.drop()


def audit(server, database, *arguments):
    return server.command("audit", *arguments, check=False, env={"DATABASE_URL": database.url})


def test_nothing_is_found_in_what_the_program_writes(told):
    server, database, _ = told
    done = audit(server, database)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "everything adds up" in done.stdout and "2 children" in done.stdout
    report = json.loads(audit(server, database, "--json").stdout)
    assert (report["children"], report["found"], report["findings"]) == (2, 0, [])
    assert report["transactions"] == int(database.sql("select count(*) from points_transactions"))
    kinds = set(database.sql("select distinct transaction_type || case when points < 0 then '-' else '' end "
                             "from points_transactions").split())
    assert kinds == {"earned", "unlocked", "bonus", "withdrawn", "withdrawn-", "deficit", "adjusted", "adjusted-"}


def of(kind, more="", columns="id"):
    return (f"(select {columns} from points_transactions where child_id = :child and transaction_type = '{kind}' {more} "
            "order by sequence limit 1)")


UPDATE = "update points_transactions set {} where child_id = :child and id = {}"

# What somebody with every privilege does behind the program's back, and a word of what the audit must say to it.
CORRUPTIONS = {
    "a balance raised": (
        "update points_accounts set available_points = available_points + 5, total_earned = total_earned + 5 "
        "where child_id = :child", "add up to"),
    "a balance hidden": (
        "update points_accounts set withdrawn_points = 0, total_earned = total_earned - withdrawn_points "
        "where child_id = :child", "add up to"),
    "the count of moves changed": (
        "update points_accounts set last_sequence = last_sequence + 1 where child_id = :child", "its account counts"),
    "an account removed": ("delete from points_accounts where child_id = :child", "has no account"),
    "a child removed": ("delete from children where id = :child", "is no child"),
    "the last move removed": (
        "delete from points_transactions where child_id = :child and sequence = "
        "(select max(sequence) from points_transactions where child_id = :child)", "its account counts"),
    "a move in the middle removed": (
        f"delete from points_transactions where child_id = :child and id = {of('unlocked')}", "has sequence number"),
    "two moves exchanged": (
        "update points_transactions set sequence = -sequence where child_id = :child and sequence in (1, 2);"
        "update points_transactions set sequence = 3 + sequence where child_id = :child and sequence < 0", "leaves earned"),
    "an award raised": (
        UPDATE.format("points = points + 5, total_earned_delta = total_earned_delta + 5, locked_delta = locked_delta + 5",
                      of("earned")), "is not what its rule has answered"),
    "deltas of another type": (
        UPDATE.format("available_delta = points, locked_delta = 0", of("earned")), "in a way of its own"),
    "a withdrawal that repays nothing": (
        UPDATE.format("available_delta = 0, deficit_delta = points", of("withdrawn")), "in a way of its own"),
    "an award without a test": (
        UPDATE.format("verification_schedule_id = null", of("earned")), "neither a test nor a person"),
    "an award for a failed test": (
        "update verification_schedule set passed = false where child_id = :child and id = "
        + of("earned", columns="verification_schedule_id"), "does not fit test"),
    "an award for a test that was never taken": (
        "update verification_schedule set completed = false, completed_at = null, passed = null, score = null, "
        "answers = null, outcome = null where child_id = :child and id = "
        + of("deficit", "and verification_schedule_id is not null", "verification_schedule_id"), "does not fit test"),
    "an attempt that never was": (
        UPDATE.format("attempt = 9, verification_schedule_id = null, actor = 'x'", of("deficit")),
        "its latest attempt is"),
    "the award of another tier": (UPDATE.format("tier = 7", of("earned")), "the tier is another"),
    "too little taken back": (
        UPDATE.format("points = points - 1, total_earned_delta = total_earned_delta + 1, locked_delta = locked_delta + 1",
                      of("deficit")), "taken back"),
    "a point that holds more than it earned": (
        "update learning_progress set points = points + 1 where child_id = :child and status = 'verified'", "holds"),
    "a point that has unlocked less": (
        "update learning_progress set unlocked_points = unlocked_points - 1 where child_id = :child and "
        "status = 'verified'", "holds"),
    "a failed point revived": (
        "update learning_progress set status = 'pending', points = 25 where child_id = :child and status = 'failed'",
        "holds 25 points"),
    "a failed withdrawal declared paid": (
        "update withdrawal_requests set status = 'completed' where child_id = :child and status = 'failed'",
        "came back 1 times"),
    "a paid withdrawal declared cancelled": (
        "update withdrawal_requests set status = 'cancelled', processing_at = null, processing_by = null "
        "where child_id = :child and status = 'completed'", "came back 0 times"),
    "a withdrawal of more points": (
        "update withdrawal_requests set points_amount = 100 where child_id = :child and status = 'pending'",
        "left the balance 1 times, 13 points"),
    "a withdrawal worth more": (
        "update withdrawal_requests set amount_ntd = 1300 where child_id = :child and status = 'pending'",
        "the rule made it worth 13"),
    "a withdrawal that never left the balance": (
        "insert into withdrawal_requests (child_id, parent_id, amount_ntd, points_amount, bank_account, created_at, "
        "updated_at) select id, parent_id, 50, 50, '1', now(), now() from children where id = :child",
        "left the balance 0 times"),
    "a withdrawal removed": (
        "delete from withdrawal_requests where child_id = :child and status = 'completed'", "names withdrawal"),
    "a withdrawal of another parent": (
        "update withdrawal_requests set parent_id = (select id from users where id not in "
        "(select parent_id from children where id = :child) limit 1) where child_id = :child and status = 'pending'",
        "belongs to another parent"),
    "one transfer for two withdrawals": (
        "update withdrawal_requests set transaction_id = 'T' where status = 'completed'", "transfer T has paid another"),
    "a bonus for a discovery that was not made": (
        "delete from relationship_discoveries where child_id = :child", "names discovery"),
    "a discovery marked as paid": (
        UPDATE.format("relationship_discovery_id = null", of("bonus")), "is marked as paid"),
    "a bonus paid twice": (
        "drop index points_transactions_once_per_bonus;"
        + UPDATE.format("transaction_type = 'bonus', bonus_type = 'relationship_discovery', bonus_subject = "
                        + of("bonus", columns="bonus_subject"), of("adjusted")), "for the same cause"),
    "a paid bonus declared held back": (
        "update bonuses set refusal = 'daily_limit' where child_id = :child", "counts as held back (daily_limit) and was paid"),
    "a bonus declared paid": (
        "insert into bonuses (child_id, bonus_type, bonus_subject, created_at) values (:child, 'context_mastery', 'x', now())",
        "context_mastery for x counts as paid and was not"),
    "a bonus without its record": ("delete from bonuses where child_id = :child", "was paid and is not recorded"),
    "a bonus of another learning point": (
        "update bonuses set learning_progress_id = learning_progress_id + 1 where child_id = :child",
        "was paid for something else"),
    "a bonus of another discovery": (
        "update relationship_discoveries set relationship_type = 'OPPOSITE_OF' where child_id = :child",
        "which is another"),
    "a bonus recorded twice": (
        "alter table bonuses drop constraint bonuses_once; drop index bonuses_once_per_discovery;"
        "insert into bonuses (child_id, bonus_type, bonus_subject, relationship_discovery_id, learning_progress_id, created_at) "
        "select child_id, bonus_type, bonus_subject, relationship_discovery_id, learning_progress_id, created_at "
        "from bonuses where child_id = :child", "is one of 2 for the same"),
    "a share unlocked twice": (
        "drop index points_transactions_once_per_test;"
        + UPDATE.format("test_day = 1", of("unlocked", "and test_day = 3")), "for the same cause"),
    "a gift taken back that was not given": (
        UPDATE.format("reverses_id = " + of("earned"), of("adjusted", "and points < 0")), "no such bonus or adjustment"),
    "a gift without a giver": (
        UPDATE.format("actor = null", of("adjusted", "and points > 0")), "names no person"),
    "rules nobody knows": (UPDATE.format("rule_version = repeat('0', 64)", of("unlocked")), "names rule version"),
    "a test planned by rules nobody knows": (
        "update verification_schedule set rule_version = repeat('0', 64) where child_id = :child and not completed",
        "was planned by rule version"),
    "a test of another learning point": (
        "update verification_schedule set learning_point_id = 'x' where child_id = :child and not completed",
        "is of x, its progress of"),
    "an answer to another question": (
        "update verification_schedule set answers = jsonb_set(answers, '{0,option_id}', '\"x\"') "
        "where child_id = :child and answered_at is not null and passed", "with an answer of their own"),
    "a score raised": (
        "update verification_schedule set score = 100 where child_id = :child and answered_at is not null and passed",
        "was scored 100.00 with 2 of 3 right"),
    "a rejected test not given again": (
        "delete from verification_schedule where child_id = :child and previous_id in "
        "(select id from verification_schedule where review_decision = 'reject')", "was rejected and not given again"),
    "a progress row that no trigger would let pass": (
        "update learning_progress set algorithm = '' where child_id = :child", "breaks learning_progress_algorithm_length"),
    "a test that no trigger would let pass": (
        "update verification_schedule set rule_name = null where child_id = :child", "breaks verification_schedule_rule_given"),
    "a started test that no trigger would let pass": (
        "update verification_schedule set expires_at = null where child_id = :child and started_at is not null",
        "breaks verification_schedule_started_whole"),
    "a move that no trigger would let pass": (
        "update points_transactions set rule_name = null where child_id = :child and transaction_type = 'earned'",
        "breaks points_transactions_rule_given"),
}


@pytest.fixture
def copy(told):
    """A copy where no check stands in the way."""
    database = Database(told[1].name)
    database.sql("do $$ declare c record; begin for c in select conname, conrelid::regclass as t from pg_constraint "
                 "where contype = 'c' and connamespace = 'public'::regnamespace loop "
                 "execute format('alter table %s drop constraint %I', c.t, c.conname); end loop; end $$;")
    yield database
    database.drop()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_corruption_is_found(told, copy, name):
    server, _, child = told
    change, told_of = CORRUPTIONS[name]
    # Nor do triggers and references.
    copy.sql("set session_replication_role = replica;" + change.replace(":child", f"'{child}'"))
    done = audit(server, copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert told_of in done.stdout, done.stdout
    assert child in done.stdout
    report = json.loads(audit(server, copy, "--json").stdout)
    assert report["found"] == len(report["findings"]) > 0
    assert any(told_of in finding["detail"] for finding in report["findings"])


def test_of_many_differences_the_first_are_shown(told, copy):
    server, _, child = told
    copy.sql("set session_replication_role = replica;"
             "insert into learning_points (id, word, type, tier, definition) "
             "select 'many_' || n, 'many', 'word', 1, 'x' from generate_series(1, 1100) n;"
             "insert into learning_progress (child_id, learning_point_id, tier, status, points, learned_at, learned_on, "
             f"created_at, updated_at) select '{child}', 'many_' || n, 1, 'pending', 10, now(), current_date, now(), now() "
             "from generate_series(1, 1100) n")
    done = audit(server, copy)
    assert done.returncode == 1 and "holds 10 points" in done.stdout
    assert "at least 1,000 differences" in done.stdout
    report = json.loads(audit(server, copy, "--json").stdout)
    assert report["found"] == 1000 == len(report["findings"]) and report["is_complete"] is False


def test_usage_and_a_database_that_is_away(told):
    server, database, _ = told
    assert "usage: lexicraft audit" in server.command("audit", "--help").stdout
    wrong = server.command("audit", "--fast", check=False)
    assert wrong.returncode == 2 and "there is no option --fast" in wrong.stderr
    nowhere = f"postgresql:///{database.name}?host=/nonexistent&user={support.SERVING}"
    away = server.command("audit", check=False, env={"DATABASE_URL": nowhere})
    assert away.returncode == 69, away
    assert "Traceback" not in away.stderr and "stack" not in away.stderr


def test_it_reads_one_moment_while_the_server_works(own_server):
    own_server.start()
    families = [Family(own_server) for _ in range(3)]
    for family in families:
        give(family, 1000)

    def spend(n):
        for _ in range(15):
            cancel(families[n % 3], withdraw(families[n % 3], 10))

    def check(_):
        done = audit(own_server, own_server.database)
        assert done.returncode == 0, done.stdout + done.stderr

    support.together(5, lambda n: spend(n) if n < 3 else [check(n) for _ in range(4)])
