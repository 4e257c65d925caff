"""What must hold after so many days, asked of the database and of what the children remember."""

import collections

NEW_POINTS_MOST, TESTS_MOST, BONUSES_MOST, BONUSES_OF_TEST_MOST = 20, 50, 20, 10
POINTS_OF_WORD_MOST = 500
BALANCES = ("total_earned", "available", "locked", "withdrawn", "deficit")

# Each lists what breaks a rule, so it finds nothing.
QUERIES = {
    "more new points in a day than allowed": f"""
        select child_id, learned_on, count(*) from learning_progress group by 1, 2 having count(*) > {NEW_POINTS_MOST}""",
    "more tests in a day than allowed": f"""
        select v.child_id, (v.completed_at at time zone u.time_zone)::date as day, count(*)
        from verification_schedule v join children c on c.id = v.child_id join users u on u.id = c.parent_id
        where v.completed_at is not null and v.reviewed_at is null group by 1, 2 having count(*) > {TESTS_MOST}""",
    "more bonuses in a day than allowed": f"""
        select t.child_id, (t.created_at at time zone u.time_zone)::date as day, count(*)
        from points_transactions t join children c on c.id = t.child_id join users u on u.id = c.parent_id
        where t.transaction_type = 'bonus' and t.actor is null group by 1, 2 having count(*) > {BONUSES_MOST}""",
    "more bonuses for a test than allowed": f"""
        select t.child_id, t.verification_schedule_id, count(*) from points_transactions t
        where t.transaction_type = 'bonus' and t.verification_schedule_id is not null and t.actor is null
        group by 1, 2 having count(*) > {BONUSES_OF_TEST_MOST}""",
    "tests of one point within 24 hours": """
        select * from (
          select v.child_id, p.learning_point_id, v.id, moment,
                 lag(moment) over (partition by v.child_id, p.learning_point_id order by moment) as last
          from verification_schedule v
          cross join lateral (select coalesce(v.answered_at, v.completed_at) as moment) at
          join learning_progress p on p.child_id = v.child_id and p.id = v.learning_progress_id
          where moment is not null) t
        where moment < last + interval '24 hours'""",
    "discoveries made twice": """
        select child_id, least(source_learning_point_id, target_learning_point_id),
               greatest(source_learning_point_id, target_learning_point_id), relationship_type
        from relationship_discoveries group by 1, 2, 3, 4 having count(*) > 1""",
    "discoveries paid twice": """
        select d.child_id, least(d.source_learning_point_id, d.target_learning_point_id),
               greatest(d.source_learning_point_id, d.target_learning_point_id), d.relationship_type
        from points_transactions t
        join relationship_discoveries d on d.child_id = t.child_id and d.id = t.relationship_discovery_id
        group by 1, 2, 3, 4 having count(*) > 1""",
    "bonuses paid twice": """
        select child_id, bonus_type, bonus_subject from points_transactions where transaction_type = 'bonus'
        group by 1, 2, 3 having count(*) > 1""",
    "more points for a word than allowed": f"""
        select t.child_id, p.learning_point_id, sum(t.total_earned_delta)
        from points_transactions t
        join learning_progress p on p.child_id = t.child_id and p.id = t.learning_progress_id
        group by 1, 2 having sum(t.total_earned_delta) > {POINTS_OF_WORD_MOST}""",
    "withdrawn points that no withdrawal has": """
        select a.child_id from points_accounts a
        left join withdrawal_requests w on w.child_id = a.child_id and w.status in ('pending', 'processing', 'completed')
        group by a.child_id, a.withdrawn_points having a.withdrawn_points <> coalesce(sum(w.points_amount), 0)""",
}


def effect(row, account, attempts):
    """What a move does to the balances, as the ledger's table says; attempts: points earned and unlocked in each."""
    kind, points = row["transaction_type"], row["points"]
    attempt = attempts[row["learning_progress_id"], row["attempt"]]
    owed = min(points, account["deficit"])
    credit = {"available": points - owed, "deficit": -owed}
    if kind == "earned":
        attempt["earned"] += points
        return {"total_earned": points, "locked": points}
    if kind == "unlocked":
        attempt["unlocked"] += points
        return {"locked": -points, **credit}
    if kind == "bonus":
        return {"total_earned": points, **credit}
    if kind == "withdrawn" and points > 0:
        return {"available": -points, "withdrawn": points}
    if kind == "withdrawn":
        owed = min(-points, account["deficit"])
        return {"withdrawn": points, "available": -points - owed, "deficit": -owed}
    assert kind == "deficit", row
    earned, unlocked = attempt["earned"], attempt["unlocked"]
    taken = min(unlocked, account["available"])
    return {"total_earned": -earned, "locked": unlocked - earned, "available": -taken, "deficit": unlocked - taken}


def accounts_that_differ(database):
    """Fold every ledger anew from types and points alone, and compare with the account."""
    rows = collections.defaultdict(list)
    for row in database.rows("select child_id, sequence, transaction_type, points, learning_progress_id, attempt "
                             "from points_transactions"):
        rows[row["child_id"]].append(row)
    differ = []
    for kept in database.rows("select child_id, total_earned, available_points as available, locked_points as locked, "
                              "withdrawn_points as withdrawn, deficit_points as deficit from points_accounts"):
        account, attempts = dict.fromkeys(BALANCES, 0), collections.defaultdict(collections.Counter)
        for row in sorted(rows[kept["child_id"]], key=lambda row: row["sequence"]):
            for name, delta in effect(row, account, attempts).items():
                account[name] += delta
        if any(account[name] != kept[name] for name in BALANCES):
            differ.append({"kept": kept, "folded": account})
    return differ


def audit(server):
    """Lines of what `lexicraft audit` complains about."""
    done = server.command("audit", check=False)
    return [] if done.returncode == 0 else (done.stdout + done.stderr).strip().splitlines()


def most_by_day(children, what):
    return max((count for child in children for count in getattr(child, what).values()), default=0)


def check(world):
    """What was checked, and what breaks it."""
    server, children = world.server, world.children.values()
    found = {name: server.database.rows(query) for name, query in QUERIES.items()}
    found["accounts that are not the fold of their ledger"] = accounts_that_differ(server.database)
    for name, what, most in (("children that began more in a day", "begun", NEW_POINTS_MOST),
                             ("children that were tested more in a day", "tested", TESTS_MOST)):
        found[name] = [child.id for child in children if most_by_day([child], what) > most]
    for name in ("questions without an answer", "questions judged otherwise", "devices told otherwise",
                 "tests given too early"):
        found[name] = [name] * world.tally.counts.pop(name, 0)
    found["answers of 500 and above"] = [status for status in world.line.requests.elements() if status >= 500]
    found["complaints of lexicraft audit"] = audit(server)
    return found
