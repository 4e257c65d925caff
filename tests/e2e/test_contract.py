"""The API as it describes itself: every documented route is called, rightly and wrongly, by everybody, and must answer as
documented. All of it is made from /openapi.json, so a new route is tried as soon as it is in the route table; one that needs
things prepared says so by failing here until PREPARE, BODIES or IDS know how."""

import json
import re
import subprocess
import urllib.parse
import uuid

import pytest

from cloud import answers_to
from money import ask, client_of, give, open_tests
from openapi import Document
from support import PATIENCE_S, PROJECT, Family, exchange

# An email address that nobody has yet, and so on: bodies that depend on what is there.
BODIES = {
    "signUp": lambda family: {"email": f"{uuid.uuid4().hex}@example.org"},
    "logIn": lambda family: {"email": family.email, "password": family.password},
    "refreshSession": lambda family: {"refresh_token": log_in(family)["refresh_token"]},
    "changeEmail": lambda family: {"email": f"{uuid.uuid4().hex}@example.org", "current_password": family.password},
    "changePassword": lambda family: {"current_password": family.password},
    "completePasswordReset": lambda family: {"token": reset_token(family)},
    "beginLearning": lambda family: {"learning_point_id": "t2_1"},
    "updateProgress": lambda family: {"status": "failed"},
    "completeVerification": lambda family: {"passed": True},
    "answerVerification": lambda family: answers_in_time(family),
    "recordDiscovery": lambda family: {"source_learning_point_id": "t1_1", "target_learning_point_id": "t1_2"},
}
# What a list cannot do without.
QUERIES = {
    "findUsers": lambda family: {"email": family.email},
}
# What must be true of a family before.
PREPARE = {
    "requestWithdrawal": lambda family: give(family, 100),
    "reviewVerification": lambda family: answer_at_once(family),
    "listFlaggedVerifications": lambda family: answer_at_once(family),
    "payDiscoveryBonus": lambda family: know(family, "t1_1", "t1_2"),
}
# By the part of a path before an id: the family's own.
IDS = {
    "children": lambda family: family.child["id"],
    "users": lambda family: family.user["id"],
    "learning-points": lambda family: "t1_1",
    "progress": lambda family: family.learn("t4_1")["id"],
    "verifications": lambda family: own_test(family),
    "transactions": lambda family: give(family, 50).json["transaction"]["id"],
    "withdrawals": lambda family: withdrawal_of(family),
    "discoveries": lambda family: discovery_of(family),
    "bonuses": lambda family: held_back_bonus(family),
    "sessions": lambda family: log_in(family)["refresh_token"].split(".")[0],
    "devices": lambda family: new_device(family)["id"],
}
# The same for nobody at all.
NOBODYS = {"learning-points": "no_such", "children": str(uuid.UUID(int=1)), "users": str(uuid.UUID(int=2)),
           "devices": str(uuid.UUID(int=3)), "sessions": str(uuid.UUID(int=4))}
NO_NUMBER = 9007199254740001
ROLES = ("parent", "child", "service", "staff", "operator")
# Public: without a token there is nobody to have a role.
ANYBODY = "anybody"


def log_in(family):
    return family.server.client().post("/v1/sessions", {"email": family.email, "password": family.password}).json


def reset_token(family):
    return family.server.command("users", "reset", family.email).stdout.split()[-1]


def new_device(family):
    answer = family.client.post(f"{family.base}/devices", {"name": "tablet"})
    assert answer.status == 201, answer
    return answer.json


def own_test(family):
    if not hasattr(family, "test"):
        family.test = family.learn("t4_2")["next_verification"]["id"]
    return family.test


def start_test(family):
    started = family.client.post(f"{family.base}/verifications/{own_test(family)}/start")
    assert started.status == 200, started
    return answers_to(family.server, family.test)


def answers_in_time(family):
    answers = start_test(family)
    family.server.advance(seconds=60)
    return answers


def answer_at_once(family):
    answered = family.client.post(f"{family.base}/verifications/{own_test(family)}/answers", start_test(family))
    assert answered.json["status"] == "under_review", answered


def withdrawal_of(family):
    give(family, 50)
    return ask(family, 20).json["id"]


def discovery_of(family):
    pair = {"source_learning_point_id": "t1_1", "target_learning_point_id": "t1_2", "relationship_type": "RELATED_TO"}
    return family.service.post(f"{family.base}/discoveries", pair).json["id"]


def held_back_bonus(family):
    return int(family.server.database.sql(
        "insert into bonuses (child_id, bonus_type, bonus_subject, refusal, created_at) "
        f"values ('{family.child['id']}', 'context_mastery', '{uuid.uuid4()}', 'daily_limit', now()) returning id"))


def know(family, *points):
    for point in points:
        family.learn(point)
    while any(item["test_day"] < 60 and family.client.get(f"{family.base}/progress/{item['learning_progress_id']}")
              .json["status"] != "verified" for item in open_tests(family)):
        for item in family.due():
            assert family.report(item["id"]).status == 200
        family.server.advance(days=1)


def caller(family, role):
    if role == ANYBODY:
        return family.server.client()
    if role == "parent":
        return family.client
    if role == "child":
        return family.server.client(new_device(family)["token"])
    return client_of(family.server, role)


def path_of(operation, family, foreign=None):
    """The path with the family's own ids; foreign(collection) may give another one for an id."""
    parts = operation.path.split("/")
    for n, part in enumerate(parts):
        if part.startswith("{"):
            other = foreign and foreign(parts[n - 1])
            parts[n] = str(other or IDS[parts[n - 1]](family))
    return "/".join(parts)


def call(operation, client, path, body, query):
    headers = operation.headers()
    path += f"?{urllib.parse.urlencode(query)}" if query else ""
    if any(one["name"] == "If-Match" for one in operation.parameters):
        headers.setdefault("If-Match", client.get(path).headers.get("ETag", '"none"'))
    return client.request(operation.method, path, body, headers=headers)


def body_of(operation, family, is_least=False):
    """A good body: the example, or of it no more than it must have, with what depends on the family."""
    body = operation.example(is_least)
    known = BODIES.get(operation.name, lambda _: {})(family)
    return body and {**body, **{name: value for name, value in known.items() if name in body}}


def prepare(document, operation, family):
    """What PREPARE says; and lists show something of everything."""
    if operation.name in PREPARE:
        PREPARE[operation.name](family)
    elif operation.method == "GET" and operation.path.startswith("/v1/") and not operation.path.endswith("}"):
        for name in used_ids(document):
            IDS[name](family)


def used_ids(document):
    return [name for name in IDS if any(f"/{name}/{{" in operation.path for operation in document.operations)]


def roles_of(document):
    used = {role for operation in document.operations for role in operation.roles}
    assert used <= set(ROLES), "a role that no test knows"
    return [role for role in ROLES if role in used] + [ANYBODY]


@pytest.fixture(scope="module")
def document(server):
    answer = server.client().get("/openapi.json")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
    return Document(answer.json)


def test_every_route_can_succeed_and_answers_as_documented(server, document):
    faults = []
    for operation in document.operations:
        tried = []
        for role in operation.roles or [ANYBODY]:
            for is_least in (False, True) if operation.body else (False,):
                family = Family(server)
                prepare(document, operation, family)
                query = QUERIES.get(operation.name, lambda _: {})(family)
                body = body_of(operation, family, is_least)
                answer = call(operation, caller(family, role), path_of(operation, family), body, query)
                faults += operation.documented(answer)
                tried.append(answer)
        if not any(operation.is_success(answer) for answer in tried):
            faults.append(f"{operation} never succeeds: {tried}")
    assert not faults, "\n".join(faults)


def test_who_may_not_call_is_told_so_whoever_asks(server, document):
    family, faults = Family(server), []
    for role in roles_of(document):
        client = caller(family, role)
        for operation in document.operations:
            if operation.roles and role not in operation.roles:
                path = path_of(operation, family, lambda collection: NOBODYS.get(collection, NO_NUMBER))
                answer = client.request(operation.method, path, operation.example(), headers=operation.headers())
                expected = 401 if role == ANYBODY else 403
                faults += operation.documented(answer)
                if answer.status != expected:
                    faults.append(f"{operation} by {role}: {answer}, not {expected}")
    assert not faults, "\n".join(faults)


def test_every_bad_body_is_refused_where_it_is_bad(server, document):
    family, faults, tried = Family(server), [], 0
    for operation in document.operations:
        if not operation.body:
            continue
        client = caller(family, (operation.roles or [ANYBODY])[0])
        path = path_of(operation, family, lambda collection: None if collection == "children" else NOBODYS.get(collection, 1))
        for pointer, body in document.bad_bodies(operation.body["schema"], operation.body["example"]):
            answer = client.request(operation.method, path, body, headers={**operation.headers(), "If-Match": "*"})
            tried += 1
            faults += operation.documented(answer)
            if answer.status != 400 or pointer not in [fault["pointer"] for fault in answer.json["errors"]]:
                faults.append(f"{operation} with a bad {pointer}, {json.dumps(body)[:200]}: {answer}")
        wrong_type = client.request(operation.method, path, raw=b"a=1", headers={**operation.headers(), "Content-Type": "text/plain"})
        broken = client.request(operation.method, path, raw=b"{", headers=operation.headers())
        if (wrong_type.status, broken.status) != (415, 400):
            faults.append(f"{operation}: {wrong_type} {broken}")
    assert not faults, "\n".join(faults)
    assert tried > 100


def test_every_bad_query_is_refused_where_it_is_bad(server, document):
    family, faults = Family(server), []
    for operation in document.operations:
        client = caller(family, (operation.roles or [ANYBODY])[0])
        path = path_of(operation, family, lambda collection: None if collection == "children" else NOBODYS.get(collection, 1))
        wrong = [("is_admin", "true")]
        for one in operation.query():
            wrong += [(one["name"], value) for value in document.bad_values(one["schema"])
                      if isinstance(value, (str, int)) and (one["schema"]["type"] != "string" or isinstance(value, str))]
        for name, value in wrong:
            asked = f"{path}?{urllib.parse.urlencode({name: value})}"
            answer = client.request(operation.method, asked, operation.example(), headers=operation.headers())
            faults += operation.documented(answer)
            if answer.status != 400 or f"/{name}" not in [fault["pointer"] for fault in answer.json["errors"]]:
                faults.append(f"{operation}?{name}={value}: {answer}")
    assert not faults, "\n".join(faults)


def shown(answer):
    """All of an answer but when it was given and what it is called."""
    headers = sorted((name, value) for name, value in answer.headers.items() if name not in ("Date", "X-Request-Id"))
    return answer.status, headers, answer.body.replace(answer.headers["X-Request-Id"].encode(), b"")


def strangers(operation):
    """(role, part of the path) where an id can be one that is not the caller's to see. Staff see every family, but not one
    child's things below another child."""
    steps = operation.path.split("/")
    for before, step in zip(steps, steps[1:]):
        for role in operation.roles if step.startswith("{") and before != "learning-points" else []:
            if role in ("parent", "child") or before not in ("children", "users") and "children" in steps:
                yield role, before


def test_what_is_another_familys_is_answered_like_what_does_not_exist(server, document):
    family, other, faults, tried = Family(server), Family(server), [], 0
    own, theirs = ({name: IDS[name](one) for name in used_ids(document)} for one in (family, other))
    clients = {role: caller(family, role) for role in roles_of(document)}
    before = other.transactions(), other.account()
    for operation in document.operations:
        for role, place in strangers(operation):
            body = body_of(operation, family)
            answers = []
            for asked in (theirs[place], NOBODYS.get(place, NO_NUMBER)):
                path = path_of(operation, family, lambda name: asked if name == place else own[name])
                headers = {**operation.headers(), "If-Match": "*"}
                answers.append(clients[role].request(operation.method, path, body, headers=headers))
            tried += 1
            # Some bodies are not for every role, whatever they are about.
            if answers[0].status not in (403, 404) or shown(answers[0]) != shown(answers[1]):
                faults.append(f"{operation} by {role}, another's {place}: {answers}")
    assert not faults, "\n".join(faults)
    assert tried > 20
    assert (other.transactions(), other.account()) == before


def examples(document):
    """(where, schema, example) of every answer that is documented."""
    for operation in document.operations:
        for status, response in operation.content["responses"].items():
            for content in response.get("content", {}).values():
                if "example" in content:
                    yield f"{operation} {status}", content["schema"], content["example"]


def objects_in(value):
    if isinstance(value, dict):
        yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects_in(member)


def contradictions(shown):
    """What cannot be true of one thing at the same time."""
    if "amount_ntd" in shown and shown["status"] == "pending":
        yield from (name for name in ("processing_at", "completed_at", "transaction_id") if shown[name] is not None)
    if "test_day" in shown and "completed" in shown and not shown["completed"]:
        yield from (name for name in ("completed_at", "passed", "score") if shown[name] is not None)
    if "verified_at" in shown and shown.get("status") == "learning" and shown["verified_at"] is not None:
        yield "verified_at"
    if shown.get("awarded") and shown["refusal"] is not None:
        yield "refusal"
    if "total_earned" in shown and "deficit_points" in shown and shown["total_earned"] != (
            shown["available_points"] + shown["locked_points"] + shown["withdrawn_points"] - shown["deficit_points"]):
        yield "total_earned"
    if "expires_at" in shown and shown["expires_at"] is not None and shown["expires_at"] <= (
            shown.get("started_at") or shown.get("created_at") or ""):
        yield "expires_at"


def test_examples_are_as_documented_and_could_be_true(document):
    faults = [f"{where}: {fault}" for where, schema, example in examples(document) for fault in document.faults(schema, example)]
    faults += [f"{where}: {name} in {shown}" for where, _, example in examples(document) for shown in objects_in(example)
               for name in contradictions(shown)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("line, field", [
    ("GET /v1/%zz HTTP/1.1", "A: b"), ("GET /v1/nowhere HTTP/1.1", "A: b"), ("PUT /v1/health HTTP/1.1", "Content-Length: 0"),
    ("GET /v1/health HTTP/1.1", "Expect: tea"), ("GET /v1/health HTTP/1.1", "A: " + "b" * 9000),
    ("GET /" + "a" * 100000 + " HTTP/1.1", "A: b"), ("BREW /v1/health HTTP/1.1", "A: b"), ("GET /v1/health HTTP/9.1", "A: b"),
    ("GET /v1/health HTTP/1.2", "A: b"),
])
def test_what_no_operation_sees_is_documented_too(server, document, line, field):
    answer = exchange(server.api, f"{line}\r\nHost: x\r\nConnection: close\r\n{field}\r\n\r\n".encode())
    status, code = answer.split()[1].decode(), re.search(rb'"code":"(\w+)"', answer)
    rows = [row for row in document.content["info"]["description"].splitlines() if row.startswith("|") and status in row]
    assert any(f"`{code[1].decode()}`" in row if code else "no problem" in row for row in rows), answer[:300]


def test_every_resource_is_explained(document):
    assert [tag["name"] for tag in document.content["tags"] if tag["description"] == tag["name"]] == []


def test_the_description_pleases_redocly(server, tmp_path):
    path = tmp_path / "openapi.json"
    path.write_bytes(server.client().get("/openapi.json").body)
    done = subprocess.run([PROJECT / "tests/oracle/redocly", path], capture_output=True, text=True, timeout=PATIENCE_S * 10)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}, done.stdout


def test_the_page_shows_only_what_is_served_here(server):
    client = server.client()
    page = client.get("/docs")
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    named = re.findall(r'(?:src|href)="(/[^"]*)"', page.body.decode())
    assert len(named) == 3
    assert "http" not in re.sub(r"<!doctype html>", "", page.body.decode())
    for path in named:
        first = client.get(path)
        assert first.status == 200 and len(first.body) > 50
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")
