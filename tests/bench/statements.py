"""The statements of lua/store/ for others to send: pgbench, a function inside of PostgreSQL, and other servers.

They are read from the files at every run, so that what is compared is what the program sends today.
"""

import json
import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

CHILD = "lpad(:child::text, 32, '0')::uuid"
PARENT = "lpad(:parent::text, 32, '0')::uuid"
EMPTY = "'[]'"
FAR = "4102444800000000"  # the year 2100, in microseconds
POINTS, UNLOCKED = 10, 3  # what the first test of a word of tier 1 earns and unlocks

# What the rules were asked and said, about as long as it really is.
AWARD = ('{"tier": 1, "earned_before": 0}', f'{{"points": {POINTS}}}')
UNLOCK = (f'{{"points": {POINTS}, "is_last": false, "test_day": 1, "unlocked": 0}}', f'{{"points": {UNLOCKED}}}')
PASS = (
    '{"tier": 1, "attempt": 1, "test_day": 1, "algorithm": "ladder", "progress_id": 1, "is_verified": false, "highest_day": 0}',
    '{"next": {"test_day": 3, "days_after_learning": 2, "hours_between_tests": 24}, "status": "pending", "is_last": false}',
)
OUTCOME = json.dumps({
    "account": {"child_id": "00000000-0000-0000-0002-000000000001", "total_earned": 10, "available_points": 3,
                "locked_points": 7, "withdrawn_points": 0, "deficit_points": 0, "last_sequence": 2,
                "updated_at": "2026-01-01T00:00:00.000000Z"},
    "progress": {"child_id": "00000000-0000-0000-0002-000000000001", "id": 1, "learning_point_id": "bench1.n.1", "tier": 1,
                 "status": "pending", "attempt": 1, "learned_at": "2026-01-01T00:00:00.000000Z", "highest_day": 1,
                 "points": 10, "unlocked_points": 3, "created_at": "2026-01-01T00:00:00.000000Z",
                 "updated_at": "2026-01-01T00:00:00.000000Z"},
})


def statement(module, name):
    """The text of lua/store/MODULE.lua's statement NAME."""
    source = (PROJECT / "lua" / "store" / f"{module}.lua").read_text()
    found = re.search(rf"^local {name} = db\.sql(?:_one)? \[\[\n(.*?)\]\]", source, re.S | re.M)
    if not found:
        raise SystemExit(f"lua/store/{module}.lua has no statement {name}")
    return found[1]


def with_values(text, values):
    """The statement with an SQL expression for each of its parameters."""
    wanted = {int(n) for n in re.findall(r"\$(\d+)", text)}
    if wanted != set(range(1, len(values) + 1)):
        raise SystemExit(f"{len(values)} values for a statement with the parameters {sorted(wanted)}:\n{text}")
    plain = re.sub(r"--.*", "", text)
    return re.sub(r"\$(\d+)", lambda found: str(values[int(found[1]) - 1]), plain).rstrip()


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


# The text for one child, as all but the program send it. The program asks for the accounts that many requests want at once in
# a form of its own of the same text (db.sql_one); pgbench and the peers have one request at hand at a time.
def account(child=CHILD, parent=PARENT):
    return with_values(statement("points_accounts", "find"), [child, parent])


def due(child=CHILD, parent=PARENT):
    return with_values(statement("verification_schedule", "list_open"), [child, parent, 0, 0, 51, FAR, "false"])


def completion(version, child=CHILD, parent="null", test=":test", sequence=":account_last_sequence",
               point=":test_learning_point_id", learned_on=":test_learned_on", time_zone=":test_time_zone"):
    """What actions/verifications.lua sends for a first test that is passed: name and statement, in its order.
    The first two read: `account` and `test`."""
    version = quoted(version)

    def move(number, kind, points, deltas, cause, call):
        values = [child, f"{sequence} + {number}", quoted(kind), points, *deltas, 1, test, 1, 1, test,
                  quoted(f"Test of day 1 {cause}"), version, quoted(f"points.{cause}"), quoted(call[0]), quoted(call[1]),
                  "now()", *["null"] * 6]
        return with_values(statement("points_transactions", "add"), values)

    return [
        ("account", with_values(statement("points_accounts", "lock"), [child, parent])),
        ("test", with_values(statement("verification_schedule", "before_completion"),
                             [child, parent, test, "now()", "true", 100, EMPTY, EMPTY])),
        ("completed", with_values(statement("verification_schedule", "complete"),
                                  [child, test, "now()", "true", 100, EMPTY, EMPTY, quoted(OUTCOME), "null", "null", "null",
                                   point])),
        ("saved", with_values(statement("learning_progress", "save"),
                              [child, test, "'pending'", 1, POINTS, UNLOCKED, "null::timestamptz", "now()", "'{}'"])),
        ("earned", move(1, "earned", POINTS, (POINTS, 0, POINTS, 0, 0), "award", AWARD)),
        ("unlocked", move(2, "unlocked", UNLOCKED, (0, UNLOCKED, -UNLOCKED, 0, 0), "unlock", UNLOCK)),
        ("next", with_values(statement("verification_schedule", "plan"),
                             [child, test, test, 1, 3, learned_on, 2, "null::integer", time_zone, "now()", 24, "null::integer",
                              version, "'schedule.pass'", quoted(PASS[0]), quoted(PASS[1]), "now()", point])),
    ]


# pgbench scripts. :parents is how many there are, :stride counts only every so-manieth of them, as load.lua does; :i counts
# the transactions of a client from -1.
ANY_CHILD = r"""\set which random(0, :parents * 2 - 1)
\set parent 1000000000000 + :which / 2 * :stride
\set child 2000000000000 + :which / 2 * :stride * 2 + :which % 2
"""
NEXT_TEST = r"""\set i :i + 1
\set n :i * :clients + :client_id
\set which :n % (:parents * 2)
\set parent 1000000000000 + :which / 2 * :stride
\set child 2000000000000 + :which / 2 * :stride * 2 + :which % 2
\set test (:child - 2000000000000) * 20 + :n / (:parents * 2) % 20 + 1
"""
ONE_BY_ONE_READS = ("account", "test")
RETURNED = ("completed", "saved", "earned", "unlocked", "next")


def script_account(_version):
    return f"{ANY_CHILD}{account()};\n"


def script_due(_version):
    return f"{ANY_CHILD}{due()};\n"


def script_complete(version):
    sent = [f"{text}\n\\gset {name}_\n" if name in ONE_BY_ONE_READS else f"{text};\n" for name, text in completion(version)]
    return f"{NEXT_TEST}begin;\n{''.join(sent)}commit;\n"


def script_function(_version):
    return f"{NEXT_TEST}select bench_complete({CHILD}, :test);\n"


SCRIPTS = {"account": script_account, "due": script_due, "complete": script_complete, "function": script_function}


def function(version, role):
    """The completion as one function of the database."""
    sent = completion(version, "p_child", "null", "p_test", "account.last_sequence", "test.learning_point_id",
                      "test.learned_on", "test.time_zone")
    body = []
    for name, text in sent:
        if name in ONE_BY_ONE_READS:
            body.append(f"select * into strict {name} from ({text}) as found;")
        elif name in RETURNED:
            body.append(f"{text} into strict {name};")
        else:
            body.append(f"{text};")
    return f"""create or replace function bench_complete(p_child uuid, p_test bigint) returns jsonb
language plpgsql as $function$
#variable_conflict use_column
declare account record; test record; completed record; saved record; earned record; unlocked record; next record;
begin
{chr(10).join(body)}
return jsonb_build_object('verification', to_jsonb(completed), 'next', to_jsonb(next),
                          'transactions', jsonb_build_array(to_jsonb(earned), to_jsonb(unlocked)));
end
$function$;
grant execute on function bench_complete(uuid, bigint) to {role};
"""
