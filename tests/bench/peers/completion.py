"""What a first pass leads to, with the numbers of the rules written into the code: the same statements with the same values
as pgbench sends (tests/bench/statements.py)."""

from statements import AWARD, OUTCOME, PASS, POINTS, UNLOCK, UNLOCKED, statement

LOCK = statement("points_accounts", "lock")
FIND = statement("points_accounts", "find")
DUE = statement("verification_schedule", "list_open")
BEFORE = statement("verification_schedule", "before_completion")
COMPLETE = statement("verification_schedule", "complete")
SAVE = statement("learning_progress", "save")
ADD = statement("points_transactions", "add")
PLAN = statement("verification_schedule", "plan")
FAR_US = 4102444800000000
DUE_MOST = 51

VERSION = "select version from rule_versions order by created_at desc limit 1"


def reads(child, test, now):
    return [(LOCK, (child, None)), (BEFORE, (child, None, test, now, True, 100, "[]", "[]"))]


def writes(child, account, test, now, version):
    """Statements with their values."""
    def move(number, kind, points, deltas, cause, call):
        return (ADD, (child, account["last_sequence"] + number, kind, points, *deltas, test["tier"], test["progress_id"],
                      test["attempt"], test["test_day"], test["id"], f"Test of day 1 {cause}", version, f"points.{cause}", *call,
                      now, *[None] * 6))

    return [
        (COMPLETE, (child, test["id"], now, True, 100, "[]", "[]", OUTCOME, None, None, None,
                    test["learning_point_id"])),
        (SAVE, (child, test["progress_id"], "pending", 1, POINTS, UNLOCKED, None, now, "{}")),
        move(1, "earned", POINTS, (POINTS, 0, POINTS, 0, 0), "award", AWARD),
        move(2, "unlocked", UNLOCKED, (0, UNLOCKED, -UNLOCKED, 0, 0), "unlock", UNLOCK),
        (PLAN, (child, test["progress_id"], test["id"], test["progress_attempt"], 3, test["learned_on"], 2, None, test["time_zone"],
                now, 24, None, version, "schedule.pass", *PASS, now, test["learning_point_id"])),
    ]


def answer(results, account):
    (completed,), _, (earned,), (unlocked,), (planned,) = results
    total = {"total_earned": account["total_earned"] + POINTS, "available_points": account["available_points"] + UNLOCKED}
    return {"verification": completed, "transactions": [earned, unlocked], "next_verification": planned, "account": total}
