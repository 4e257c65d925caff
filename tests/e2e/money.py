"""What the tests of points and money do again and again."""

import uuid

ACCOUNT = "012-345-6789012"
EMPTY = (0, 0, 0, 0, 0)


def client_of(server, role):
    """A client with a token of this role, minted once for each server."""
    tokens = server.__dict__.setdefault("role_tokens", {})
    if role not in tokens:
        tokens[role] = server.token(role, sub=f"the {role}")
    return server.client(tokens[role])


def ask(family, points, key=None, account=ACCOUNT, client=None):
    """Ask for a withdrawal; the answer, whatever it is."""
    return (client or family.client).post(f"{family.base}/withdrawals",
                                          {"points_amount": points, "bank_account": account},
                                          headers={"Idempotency-Key": key or uuid.uuid4().hex})


def withdraw(family, points):
    answer = ask(family, points)
    assert answer.status == 201, answer
    return answer.json


def move(family, withdrawal, status, client=None, **more):
    client = client or client_of(family.server, "operator")
    return client.post(f"{family.base}/withdrawals/{withdrawal['id']}/status", {"status": status, **more})


def process(family, withdrawal, *statuses, **more):
    for status in statuses:
        answer = move(family, withdrawal, status, **(more if status == statuses[-1] else {}))
        assert answer.status == 200, answer
    return answer.json


def cancel(family, withdrawal, client=None):
    return (client or family.client).post(f"{family.base}/withdrawals/{withdrawal['id']}/cancellation")


def give(family, points, reason="a gift", client=None):
    return (client or client_of(family.server, "staff")).post(f"{family.base}/adjustments",
                                                              {"points": points, "reason": reason})


def reverse(family, transaction, reason="a mistake", client=None):
    return (client or client_of(family.server, "staff")).post(
        f"{family.base}/transactions/{transaction}/reversal", {"reason": reason})


def set_progress(family, progress, status, client, **more):
    return client.request("PATCH", f"{family.base}/progress/{progress}", {"status": status, **more})


def open_tests(family):
    return [item for item in family.client.get(f"{family.base}/verifications?limit=200").json["items"]
            if not item["completed"]]


def fail_for_good(family):
    """Fail the one open test until the point is lost; the last answer."""
    while True:
        (test,) = open_tests(family)
        done = family.complete_when_due(test["id"], False)
        if done["progress"]["status"] == "failed":
            return done
