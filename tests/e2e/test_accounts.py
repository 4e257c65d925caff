"""Users, sessions, children and devices: changing, logging out, erasing, revoking."""

import base64
import json
import uuid

import pytest

from money import ask, client_of, give, move, process, withdraw
from support import Family, together

NOWHERE = "00000000-0000-4000-8000-000000000000"


def patch(client, path, body, tag=None):
    return client.request("PATCH", path, body, headers={"If-Match": tag} if tag else {})


def log_in(family, password=None):
    return family.server.client().post("/v1/sessions", {"email": family.email, "password": password or family.password})


def refresh(family, token):
    return family.server.client().post("/v1/sessions/refresh", {"refresh_token": token})


def change_password(family, current, new):
    return family.client.request("PUT", "/v1/users/me/password", {"current_password": current, "new_password": new})


def add_device(family, name="tablet"):
    answer = family.client.post(f"{family.base}/devices", {"name": name})
    assert answer.status == 201, answer
    return answer.json, family.server.client(answer.json["token"])


def rows_about(database, *words):
    """Tables that hold any of these words anywhere."""
    found = set()
    for table in database.sql("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace").split():
        text = database.sql(f"select coalesce(string_agg(t::text, ' '), '') from {table} t")
        if any(word in text for word in words):
            found.add(table)
    return found


# Users and children change.

def test_a_parent_changes_what_is_known(family):
    before = family.client.get("/v1/users/me")
    changed = patch(family.client, "/v1/users/me", {"name": "Lin", "phone": "123", "time_zone": "Europe/Berlin"},
                    before.headers["ETag"])
    assert changed.status == 200, changed
    assert (changed.json["name"], changed.json["phone"], changed.json["time_zone"]) == ("Lin", "123", "Europe/Berlin")
    assert changed.json["country"] == "TW" and changed.json["email"] == family.email
    now = family.client.get("/v1/users/me")
    assert now.json == changed.json and now.headers["ETag"] == changed.headers["ETag"] != before.headers["ETag"]
    cleared = patch(family.client, "/v1/users/me", {"phone": None}, now.headers["ETag"])
    assert cleared.json["phone"] is None and cleared.json["name"] == "Lin"


def test_a_child_is_changed(family):
    before = family.client.get(family.base)
    changed = patch(family.client, family.base, {"name": "Mei-Lin"}, before.headers["ETag"])
    assert (changed.status, changed.json["name"], changed.json["age"]) == (200, "Mei-Lin", 9)
    cleared = patch(family.client, family.base, {"age": None}, changed.headers["ETag"])
    assert (cleared.json["name"], cleared.json["age"]) == ("Mei-Lin", None)


@pytest.mark.parametrize("path", ["/v1/users/me", "{base}"])
def test_a_change_needs_to_know_what_it_changes(family, path):
    path = path.format(base=family.base)
    tag = family.client.get(path).headers["ETag"]
    missing = patch(family.client, path, {"name": "X"})
    assert (missing.status, missing.json["code"]) == (428, "precondition_required")
    assert patch(family.client, path, {"name": "First"}, tag).status == 200
    stale = patch(family.client, path, {"name": "Second"}, tag)
    assert (stale.status, stale.json["code"]) == (412, "precondition_failed")
    assert family.client.get(path).json["name"] == "First"


def test_of_racing_changes_one_wins(family):
    tag = family.client.get(family.base).headers["ETag"]
    answers = together(8, lambda n: patch(family.server.client(family.client.token), family.base, {"name": f"N{n}"}, tag))
    assert sorted(answer.status for answer in answers) == [200] + 7 * [412]


@pytest.mark.parametrize("body", [
    {"email": "new@example.org"}, {"password_hash": "x"}, {"id": NOWHERE}, {"created_at": "2020-01-01T00:00:00Z"},
    {"name": ""}, {"country": None}, {"time_zone": "Moon/Base"}, {"time_zone": "Europe/Nowhere"}, {"parent_id": NOWHERE},
])
def test_what_may_not_be_changed(family, body):
    tag = family.client.get("/v1/users/me").headers["ETag"]
    answer = patch(family.client, "/v1/users/me", body, tag)
    assert (answer.status, answer.json["code"]) == (400, "invalid_body"), answer
    assert family.client.get("/v1/users/me").headers["ETag"] == tag


def test_a_child_moves_to_no_other_parent(family):
    other = Family(family.server)
    tag = family.client.get(family.base).headers["ETag"]
    assert patch(family.client, family.base, {"parent_id": other.user["id"]}, tag).status == 400


def test_staff_find_a_parent(server, family):
    staff = client_of(server, "staff")
    found = staff.get(f"/v1/users?email={family.email.upper()}")
    assert [user["id"] for user in found.json["items"]] == [family.user["id"]]
    assert "password" not in found.body.decode()
    assert staff.get("/v1/users?email=nobody@example.org").json["items"] == []
    assert staff.get(f"/v1/users/{family.user['id']}").json == family.client.get("/v1/users/me").json
    assert staff.get(f"/v1/users/{NOWHERE}").status == 404
    missing = staff.get("/v1/users")
    assert (missing.status, missing.json["errors"][0]["pointer"]) == (400, "/email")
    for role in ("service", "operator"):
        assert client_of(server, role).get(f"/v1/users?email={family.email}").status == 403
    assert family.client.get(f"/v1/users?email={family.email}").status == 403


# Sessions.

def test_a_session_goes_on_by_refresh_tokens(family):
    session = log_in(family).json
    for _ in range(3):
        answer = refresh(family, session["refresh_token"])
        assert answer.status == 200, answer
        assert answer.json["refresh_token"] != session["refresh_token"]
        session = answer.json
        assert family.server.client(session["access_token"]).get("/v1/users/me").json["id"] == family.user["id"]


def test_refresh_tokens_are_kept_as_hashes(family):
    token = log_in(family).json["refresh_token"]
    assert rows_about(family.server.database, token, token.split(".")[1]) == set()


def test_a_refresh_token_used_twice_ends_its_session_only(family):
    first, other = log_in(family).json["refresh_token"], log_in(family).json["refresh_token"]
    second = refresh(family, first).json["refresh_token"]
    third = refresh(family, second).json["refresh_token"]
    again = refresh(family, first)
    assert (again.status, again.json["code"]) == (401, "invalid_credentials")
    assert refresh(family, third).status == 401
    assert refresh(family, other).status == 200


def test_of_racing_refreshes_no_two_sessions_come(family):
    token = log_in(family).json["refresh_token"]
    answers = together(8, lambda _: refresh(family, token))
    good = [answer.json["refresh_token"] for answer in answers if answer.status == 200]
    assert len(good) == 1 and {answer.status for answer in answers} == {200, 401}
    assert refresh(family, good[0]).status == 401


def test_logging_out_ends_one_session(family):
    here, there = log_in(family).json, log_in(family).json
    assert family.server.client(here["access_token"]).request("DELETE", "/v1/sessions").status == 204
    assert refresh(family, here["refresh_token"]).status == 401
    assert refresh(family, there["refresh_token"]).status == 200


@pytest.mark.parametrize("token", ["x", ".", f"{NOWHERE}.", f"{NOWHERE}.secret", "' or 1=1 --", f"{NOWHERE}.a.b", "é.é"])
def test_bad_refresh_tokens(server, token):
    answer = server.client().post("/v1/sessions/refresh", {"refresh_token": token})
    assert (answer.status, answer.json["code"]) == (401, "invalid_credentials")


def test_an_old_refresh_token_expires(family):
    token = log_in(family).json["refresh_token"]
    family.server.database.sql(f"update sessions set expires_at = now() - interval '1 second' where user_id = '{family.user['id']}'")
    assert refresh(family, token).status == 401


def test_a_new_password_ends_every_session(family):
    tokens = [log_in(family).json["refresh_token"] for _ in range(2)]
    wrong = change_password(family, "not my password", "another password")
    assert (wrong.status, wrong.json["code"]) == (403, "wrong_password")
    assert refresh(family, tokens[0]).status == 200
    assert change_password(family, family.password, "another password").status == 204
    assert [refresh(family, token).status for token in tokens[1:]] == [401]
    assert log_in(family).status == 401
    assert log_in(family, "another password").status == 200


def test_a_log_in_that_races_a_new_password_opens_nothing_lasting(family):
    def job(n):
        if n == 0:
            return change_password(family, family.password, "another password")
        return log_in(family)
    changed, *sessions = together(8, job)
    assert changed.status == 204
    for session in sessions:
        assert session.status == 401 or refresh(family, session.json["refresh_token"]).status == 401


def test_a_password_reset(family):
    server = family.server
    session = log_in(family).json["refresh_token"]
    first = server.command("users", "reset", family.email.upper()).stdout.strip()
    told = json.loads(server.command("users", "reset", family.email, "--json").stdout)
    assert told["user_id"] == family.user["id"] and rows_about(server.database, told["token"]) == set()

    def complete(token):
        return server.client().post("/v1/password-resets/completion", {"token": token, "new_password": "a fresh password"})
    replaced = complete(first)
    assert (replaced.status, replaced.json["code"]) == (422, "invalid_reset_token")
    assert sorted(answer.status for answer in together(4, lambda _: complete(told["token"]))) == [204, 422, 422, 422]
    assert complete(told["token"]).status == 422
    assert refresh(family, session).status == 401 and log_in(family).status == 401
    assert log_in(family, "a fresh password").status == 200


def test_a_reset_token_expires_and_goes_with_a_new_password(family):
    server = family.server
    old = server.command("users", "reset", family.email).stdout.strip()
    server.database.sql(f"update password_resets set expires_at = now() - interval '1 second' where user_id = '{family.user['id']}'")
    body = {"token": old, "new_password": "a fresh password"}
    assert server.client().post("/v1/password-resets/completion", body).status == 422
    body["token"] = server.command("users", "reset", family.email).stdout.strip()
    assert change_password(family, family.password, "another password").status == 204
    assert server.client().post("/v1/password-resets/completion", body).status == 422


def test_users_command_tells_what_is_wrong(server):
    assert "nobody" in server.command("users", "reset", "nobody@example.org", check=False).stderr
    for words, code in [(("reset", "nobody@example.org"), 1), (("reset",), 2), ((), 2), (("erase", "x"), 2), (("--help",), 0)]:
        assert server.command("users", *words, check=False).returncode == code, words


# Devices.

def test_a_child_sees_itself_only(server, family):
    sister = family.add_child("Lin")
    other = Family(server)
    _, child = add_device(family)
    assert child.get(family.base).json["id"] == family.child["id"]
    learned = child.post(f"{family.base}/progress", {"learning_point_id": "t1_1"})
    assert learned.status == 201
    assert [item["id"] for item in child.get(f"{family.base}/verifications?due=true").json["items"]] == \
        [learned.json["next_verification"]["id"]]
    for tail in ("/progress", f"/progress/{learned.json['id']}", "/verifications", "/account", "/transactions"):
        assert child.get(family.base + tail).status == 200, tail
        nothing = child.get(f"/v1/children/{NOWHERE}{tail}", headers={"X-Request-Id": "same"})
        for stranger in (sister["id"], other.child["id"]):
            answer = child.get(f"/v1/children/{stranger}{tail}", headers={"X-Request-Id": "same"})
            assert (answer.status, answer.body) == (404, nothing.body), tail
    assert child.get("/v1/learning-points/t1_1").status == 200


def test_a_child_may_do_no_more(family):
    _, child = add_device(family)
    for method, path, body in [
        ("GET", "/v1/users/me", None), ("GET", "/v1/children", None), ("POST", "/v1/children", {"name": "X"}),
        ("DELETE", family.base, None), ("PATCH", family.base, {"name": "X"}), ("GET", f"{family.base}/devices", None),
        ("POST", f"{family.base}/devices", {"name": "X"}), ("GET", f"{family.base}/withdrawals", None),
        ("POST", f"{family.base}/withdrawals", {"points_amount": 10, "bank_account": "1"}),
        ("POST", f"{family.base}/verifications/1/completion", {}), ("POST", f"{family.base}/adjustments", {}),
        ("DELETE", "/v1/users/me", None), ("DELETE", "/v1/sessions", None),
    ]:
        answer = child.request(method, path, body, headers={"Idempotency-Key": "k", "If-Match": "*"})
        assert (answer.status, answer.json["code"]) == (403, "forbidden"), (method, path)


def test_a_revoked_device_is_worth_nothing_at_once(family):
    kept, still = add_device(family, "school")
    device, child = add_device(family, "tablet")
    assert {item["name"] for item in family.client.get(f"{family.base}/devices").json["items"]} == {"school", "tablet"}
    assert "token" not in family.client.get(f"{family.base}/devices").body.decode()
    assert child.get(family.base).status == 200
    path = f"{family.base}/devices/{device['id']}"
    assert Family(family.server).client.request("DELETE", path).status == 404
    assert child.get(family.base).status == 200
    assert family.client.request("DELETE", path).status == 204
    for _ in range(5):
        assert child.get(family.base).status == 401
    assert still.get(family.base).status == 200
    assert family.client.request("DELETE", path).status == 404
    assert [item["id"] for item in family.client.get(f"{family.base}/devices").json["items"]] == [kept["id"]]


def test_tokens_of_children_that_no_parent_has_issued(server, family):
    device, _ = add_device(family)
    assert server.client(server.token("child", sub=family.child["id"])).get(family.base).status == 401
    head, claims, signature = device["token"].split(".")
    forged = json.loads(base64.urlsafe_b64decode(claims + "=="))
    forged["sub"] = Family(server).child["id"]
    body = base64.urlsafe_b64encode(json.dumps(forged).encode()).rstrip(b"=").decode()
    assert server.client(f"{head}.{body}.{signature}").get(family.base).status == 401


def test_devices_are_few_and_expire(family):
    devices = [add_device(family, f"no {n}") for n in range(10)]
    full = family.client.post(f"{family.base}/devices", {"name": "eleventh"})
    assert (full.status, full.json["code"]) == (409, "too_many_devices")
    family.server.database.sql(f"update child_devices set expires_at = now() - interval '1 second' where id = '{devices[0][0]['id']}'")
    assert devices[0][1].get(family.base).status == 401
    add_device(family, "in its place")
    assert family.client.post(f"/v1/children/{NOWHERE}/devices", {"name": "x"}).status == 404


# Erasure.

def test_erasing_a_child_leaves_nothing_of_it(family):
    database = family.server.database
    sister = family.add_child("Lin")
    child = family.client.post("/v1/children", {"name": "Rarely Named"}, headers={"Idempotency-Key": uuid.uuid4().hex}).json
    family.child, family.base = child, f"/v1/children/{child['id']}"
    device, tablet = add_device(family)
    family.learn("t4_1", headers={"Idempotency-Key": uuid.uuid4().hex})
    family.pass_next()
    withdraw(family, 30)
    assert family.client.request("DELETE", family.base).status == 204
    assert rows_about(database, child["id"], "Rarely Named", device["id"]) == set()
    assert family.client.get(family.base).status == 404 and tablet.get(family.base).status == 401
    assert family.client.request("DELETE", family.base).status == 404
    assert family.client.get(f"/v1/children/{sister['id']}").status == 200
    assert len(family.client.get("/v1/children").json["items"]) == 2


def test_erasing_a_parent_leaves_amounts_only(family):
    server, database = family.server, family.server.database
    family.add_child("Lin")
    session = log_in(family).json["refresh_token"]
    device, tablet = add_device(family)
    give(family, 200)
    bank = uuid.uuid4().hex
    transfer = f"BANK-{uuid.uuid4().hex}"
    paid = process(family, ask(family, 30, account="paid " + bank).json, "processing", "completed", transaction_id=transfer)
    process(family, ask(family, 20, account="failed " + bank).json, "processing", "failed")
    ask(family, 40, account="waiting " + bank)
    server.command("users", "reset", family.email)
    assert family.client.request("DELETE", "/v1/users/me").status == 204
    assert rows_about(database, family.user["id"], family.child["id"], family.email, bank, device["id"]) == set()
    kept = database.rows(f"select * from erased_withdrawals where transaction_id = '{transfer}'")
    assert len(kept) == 1
    assert set(kept[0]) == {"id", "points_amount", "amount_ntd", "transaction_id", "completed_at"}
    assert (kept[0]["id"], kept[0]["points_amount"], kept[0]["amount_ntd"]) == (paid["id"], 30, 30)
    assert log_in(family).status == 401 and refresh(family, session).status == 401
    assert family.client.get("/v1/users/me").status == 404 and tablet.get(family.base).status == 401
    assert family.client.post("/v1/children", {"name": "Late"}).status == 404
    again = server.client().post("/v1/users", {"email": family.email, "password": family.password})
    assert again.status == 201


def test_nothing_is_erased_while_money_is_on_its_way(family):
    give(family, 100)
    waiting, moving = withdraw(family, 10), withdraw(family, 20)
    process(family, moving, "processing")
    for path in (family.base, "/v1/users/me"):
        answer = family.client.request("DELETE", path)
        assert (answer.status, answer.json["code"]) == (409, "withdrawal_processing")
    assert family.client.get(f"{family.base}/withdrawals/{waiting['id']}").json["status"] == "pending"
    assert family.balances() == (100, 70, 0, 30, 0)
    process(family, moving, "failed")
    assert family.client.request("DELETE", "/v1/users/me").status == 204


def test_a_transfer_that_has_paid_an_erased_family_pays_nobody_else(family):
    transfer = f"BANK-{uuid.uuid4().hex}"
    give(family, 100)
    process(family, withdraw(family, 10), "processing", "completed", transaction_id=transfer)
    assert family.client.request("DELETE", family.base).status == 204
    other = Family(family.server)
    give(other, 100)
    request = withdraw(other, 10)
    process(other, request, "processing")
    answer = move(other, request, "completed", transaction_id=transfer)
    assert (answer.status, answer.json["code"]) == (409, "transaction_id_used")


def test_withdrawing_while_the_family_is_erased(server):
    for _ in range(5):
        family = Family(server)
        give(family, 100)

        def job(n):
            client = server.client(family.client.token)
            if n == 0:
                return client.request("DELETE", "/v1/users/me")
            return ask(family, 10, client=client)
        erased, *asked = together(6, job)
        assert erased.status == 204
        assert {answer.status for answer in asked} <= {201, 404}
        assert rows_about(server.database, family.user["id"], family.child["id"]) == set()


def test_another_family_is_not_there(server, family):
    other = Family(server)
    device, _ = add_device(other)
    for method, tail, body in [("GET", "", None), ("PATCH", "", {"name": "X"}), ("DELETE", "", None),
                               ("GET", "/devices", None), ("POST", "/devices", {"name": "X"}),
                               ("DELETE", f"/devices/{device['id']}", None)]:
        bodies = set()
        for child in (other.child["id"], NOWHERE):
            answer = family.client.request(method, f"/v1/children/{child}{tail}", body,
                                           headers={"If-Match": "*", "X-Request-Id": "same"})
            assert answer.status == 404, (method, tail, answer)
            bodies.add(answer.body)
        assert len(bodies) == 1
    assert other.client.get(other.base).json["name"] == "Mei"


# What many ask for at once is one statement for PostgreSQL; whose row is whose must never be mixed up.

def test_many_at_once_see_their_own_rows_only(server):
    families = [Family(server) for _ in range(8)]
    for number, family in enumerate(families):
        family.second = family.add_child(f"Second {number}")
        assert give(family, 10 + number).status == 201
    everybody = client_of(server, "service")
    seen = []

    def look(turn):
        number = turn % len(families)
        mine, other = families[number], families[(number + 1) % len(families)]
        client = server.client(everybody.token if turn % 3 == 0 else mine.client.token)
        for _ in range(25):
            account = client.get(f"{mine.base}/account")
            assert (account.json["child_id"], account.json["total_earned"]) == (mine.child["id"], 10 + number), account
            second = client.get(f"/v1/children/{mine.second['id']}")
            assert (second.json["id"], second.json["name"]) == (mine.second["id"], f"Second {number}"), second
            assert client.get(f"/v1/children/{NOWHERE}/account").status == 404
            assert client.get(f"{other.base}/account").status == (200 if turn % 3 == 0 else 404)
            seen.append(turn)
        client.close()

    together(24, look)
    assert len(seen) == 24 * 25
