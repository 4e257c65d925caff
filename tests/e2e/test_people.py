"""Who a parent is, where a parent is logged in, and what staff and services may see and do of people."""

import datetime
import hashlib
import http.client
import json
import urllib.parse
import uuid

import pytest

from money import ask, client_of, give, process, withdraw
from support import PATIENCE_S, Family, Server, together, wait_for
from test_accounts import NOWHERE, add_device, change_password, log_in, patch, refresh, rows_about

INJECTIONS = ["' or 1=1 --", "x'; drop table users; --", "$1", "%s%s%n", "\\'; select pg_sleep(9)", "{1,2}", "null"]


def new_address():
    return f"{uuid.uuid4().hex}@example.org"


def change_email(family, email, password=None, client=None):
    return (client or family.client).request("PUT", "/v1/users/me/email",
                                             {"current_password": password or family.password, "email": email})


def logged_in_as(family, email):
    answer = family.server.client().post("/v1/sessions", {"email": email, "password": family.password})
    return answer.status == 200 and answer.json["user_id"] == family.user["id"]


# E-mail addresses.

def test_another_address_to_log_in_with(family):
    address = f"Zoë.{new_address()}".upper()
    changed = change_email(family, address)
    assert changed.status == 200, changed
    assert changed.json == {**family.user, "email": address.lower(), "updated_at": changed.json["updated_at"]}
    assert family.client.get("/v1/users/me").headers["ETag"] == changed.headers["ETag"]
    assert logged_in_as(family, address) and log_in(family).status == 401
    assert change_email(family, address).status == 200, "a lost answer is asked for again"
    freed = family.server.client().post("/v1/users", {"email": family.email, "password": "another password"})
    assert freed.status == 201


def test_an_address_changes_only_with_the_password(family):
    wrong = change_email(family, new_address(), "not my password")
    assert (wrong.status, wrong.json["code"]) == (403, "wrong_password")
    assert log_in(family).status == 200


def test_a_taken_address_is_refused_as_at_sign_up(server, family):
    other = Family(server)
    for address in (other.email, other.email.upper()):
        taken = change_email(family, address)
        at_sign_up = server.client().post("/v1/users", {"email": address, "password": "another password"})
        assert taken.status == at_sign_up.status == 409
        assert {**taken.json, "request_id": ""} == {**at_sign_up.json, "request_id": ""}
    # Who does not know the password learns nothing.
    assert change_email(family, other.email, "not my password").json["code"] == "wrong_password"
    assert log_in(family).status == log_in(other).status == 200


@pytest.mark.parametrize("address", ["", "x", "a b@example.org", "a@b@c", "a\x00@example.org", "a\n@example.org",
                                     f"{'x' * 250}@example.org", 7, None])
def test_an_address_that_is_none(family, address):
    answer = change_email(family, address)
    assert answer.status == 400 and answer.json["code"] in ("invalid_body", "invalid_json")
    assert log_in(family).status == 200


def test_of_parents_racing_for_one_address_one_gets_it(server):
    families, address = [Family(server) for _ in range(6)], new_address()
    answers = together(6, lambda n: change_email(families[n], address))
    assert sorted(answer.status for answer in answers) == [200] + 5 * [409]
    assert [logged_in_as(one, address) for one in families] == [answer.status == 200 for answer in answers]


def test_parents_who_swap_addresses_at_once_keep_their_own(server):
    one, other = Family(server), Family(server)
    answers = together(2, lambda n: change_email((one, other)[n], (other, one)[n].email))
    assert [answer.status for answer in answers] == [409, 409]
    assert logged_in_as(one, one.email) and logged_in_as(other, other.email)


def test_another_address_ends_all_other_ways_in(family):
    here, there = log_in(family).json, log_in(family).json
    reset = family.server.command("users", "reset", family.email).stdout.strip()
    assert change_email(family, new_address(), client=family.server.client(here["access_token"])).status == 200
    assert refresh(family, there["refresh_token"]).status == 401
    assert refresh(family, here["refresh_token"]).status == 200
    late = family.server.client().post("/v1/password-resets/completion", {"token": reset, "new_password": "stolen " * 3})
    assert (late.status, late.json["code"]) == (422, "invalid_reset_token")


# Signing up once.

def sign_up(server, key, **body):
    body = {"email": new_address(), "password": "a long password", **body}
    return body, server.client().post("/v1/users", body, headers={"Idempotency-Key": key})


def again(server, key, body, **other):
    return server.client().post("/v1/users", {**body, **other}, headers={"Idempotency-Key": key})


def test_a_sign_up_sent_again_is_answered_alike(server):
    key = uuid.uuid4().hex
    body, first = sign_up(server, key, name="Lin")
    assert first.status == 201, first
    second = again(server, key, body)
    assert (second.status, second.body, second.headers["Location"]) == (201, first.body, first.headers["Location"])
    assert again(server, uuid.uuid4().hex, body).json["code"] == "email_taken"


@pytest.mark.parametrize("other", [{"password": "another password"}, {"name": "Mei"}, {"phone": "1"}])
def test_the_answer_to_a_sign_up_is_for_who_sent_it(server, other):
    key = uuid.uuid4().hex
    body, first = sign_up(server, key, name="Lin")
    answer = again(server, key, body, **other)
    assert (answer.status, answer.json["code"]) == (422, "idempotency_key_reused")
    assert first.json["id"] not in answer.body.decode()


def test_strangers_may_choose_the_same_key(server):
    key = uuid.uuid4().hex
    assert {sign_up(server, key)[1].status for _ in range(3)} == {201}


def test_racers_with_one_key_sign_up_once(server):
    key, body = uuid.uuid4().hex, {"email": new_address(), "password": "a long password"}
    answers = together(6, lambda _: again(server, key, body))
    assert {answer.status for answer in answers} == {201}, answers
    assert len({answer.json["id"] for answer in answers}) == 1


def test_a_refused_sign_up_does_not_use_up_its_key(server, family):
    key = uuid.uuid4().hex
    body, taken = sign_up(server, key, email=family.email)
    assert taken.status == 409
    assert family.client.request("DELETE", "/v1/users/me").status == 204
    assert again(server, key, body).status == 201


def test_a_key_keeps_nothing_of_the_password_and_goes_with_the_parent(server):
    key, password = uuid.uuid4().hex, uuid.uuid4().hex
    body, first = sign_up(server, key, password=password)
    hashes = [hash_(text.encode()).hexdigest() for hash_ in (hashlib.sha256, hashlib.md5)
              for text in (password, json.dumps(body), json.dumps(body, separators=(",", ":")),
                           "/v1/users\n" + json.dumps(body, separators=(",", ":"), sort_keys=True))]
    assert rows_about(server.database, password, *hashes) == set()
    assert rows_about(server.database, key) == {"idempotency_keys"}
    assert client_of(server, "staff").request("DELETE", f"/v1/users/{first.json['id']}").status == 204
    assert rows_about(server.database, key, first.json["id"], body["email"]) == set()


def test_a_guessed_key_is_no_way_to_guess_passwords(template, tmp_path, database):
    server = Server(tmp_path / "root", database, env={"LEXICRAFT_LIMITS_LOGIN_ATTEMPTS": "5"}).start()
    try:
        body, first = sign_up(server, "1")
        assert first.status == 201
        answers = [again(server, "1", body, password=f"a guess {n}") for n in range(8)]
        assert [answer.status for answer in answers] == 5 * [422] + 3 * [429]
        assert log_in_to(server, body["email"], "a guess").status == 429
    finally:
        server.stop(expect=None)


# Where a parent is logged in.

def sessions_of(client):
    answer = client.get("/v1/sessions")
    assert answer.status == 200, answer
    return answer.json["items"]


def test_a_parent_sees_and_ends_sessions(server, family):
    other = Family(server)
    tablet = log_in(family).json
    listed = sessions_of(family.client)
    (there,) = [item for item in listed if not item["is_current"]]
    assert len(listed) == 2 and there["id"] == tablet["refresh_token"].split(".")[0]
    assert there["address"] == "127.0.0.1" and "secret" not in json.dumps(listed)
    assert len(sessions_of(other.client)) == 1
    path = f"/v1/sessions/{there['id']}"
    assert other.client.request("DELETE", path).status == 404
    assert family.client.request("DELETE", path).status == 204
    assert family.client.request("DELETE", path).status == 404
    assert refresh(family, tablet["refresh_token"]).status == 401
    assert [item["is_current"] for item in sessions_of(family.client)] == [True]


@pytest.mark.parametrize("which, left", [("this", [True, True, False]), ("others", [False, False, True]), ("all", 3 * [False])])
def test_logging_out_here_or_elsewhere(server, family, which, left):
    stranger = log_in(Family(server)).json if which == "all" else None
    sessions = [log_in(family).json for _ in range(3)]
    client = family.server.client(sessions[2]["access_token"])
    assert client.request("DELETE", f"/v1/sessions?which={which}").status == 204
    assert [refresh(family, one["refresh_token"]).status == 200 for one in sessions] == left
    assert stranger is None or refresh(family, stranger["refresh_token"]).status == 200


def test_an_expired_session_is_not_listed(family):
    log_in(family)
    family.server.database.sql(f"update sessions set expires_at = now() - interval '1 second' where user_id = '{family.user['id']}'")
    assert sessions_of(family.client) == []


# Moving.

def test_a_family_moves_once_a_week(family):
    def move(zone, **more):
        return family.client.request("PATCH", "/v1/users/me", {"time_zone": zone, **more}, headers={"If-Match": "*"})
    moved = move("Africa/Cairo")
    assert [moved.status, move("Africa/Cairo").status, move("Moon/Base").status] == [200, 200, 400]
    refused = move("Africa/Lagos", name="Lin")
    assert (refused.status, refused.json["code"]) == (409, "time_zone_changed")
    left = datetime.datetime.fromisoformat(refused.json["changeable_at"]) - datetime.datetime.fromisoformat(moved.json["updated_at"])
    assert left == datetime.timedelta(days=7)
    me = move("Africa/Cairo", phone="123").json
    assert (me["time_zone"], me["name"], me["phone"]) == ("Africa/Cairo", "Parent", "123")
    family.server.advance(days=6, seconds=86000)
    assert move("Asia/Taipei").status == 409
    family.server.advance(seconds=500)
    assert [move(zone).status for zone in ("Asia/Taipei", "Africa/Lagos")] == [200, 409]


# Guessing.

def log_in_to(server, email, password):
    return server.client().post("/v1/sessions", {"email": email, "password": password})


@pytest.fixture
def strict(template, tmp_path, database):
    """A server with few attempts for each account."""
    mine = Server(tmp_path / "root", database, env={"LEXICRAFT_LIMITS_LOGIN_ATTEMPTS": "5",
                                                    "LEXICRAFT_LIMITS_LOGIN_ATTEMPTS_PER_ADDRESS": "40"}).start()
    yield mine
    mine.stop(expect=None)


def test_attempts_are_counted_by_account_known_or_not(strict):
    family = Family(strict)
    for email in (family.email, new_address()):
        answers = [log_in_to(strict, email, "wrong password") for _ in range(8)]
        assert [answer.status for answer in answers][:5] == 5 * [401]
        refused = [answer for answer in answers if answer.status == 429]
        assert refused and refused[-1].json["code"] == "rate_limited" and int(refused[-1].headers["Retry-After"]) >= 1
    assert log_in_to(strict, family.email, family.password).status == 429, "the right password tells nothing either"


def test_other_letters_are_no_more_attempts(strict):
    # Each is the same address in lower case: a capital of ASCII, one beyond, and the sign for kelvin.
    local = f"ké{uuid.uuid4().hex}"
    created = strict.client().post("/v1/users", {"email": f"{local}@example.org", "password": "a long password"})
    assert created.status == 201
    spellings = [local, local.upper(), "K" + local[1:], "\u212a" + local[1:], "kÉ" + local[2:], "\u212aÉ" + local[2:]]
    same = [one for one in spellings
            if strict.database.sql(f"select lower('{one}') = '{local}'") == "t"]
    assert len(same) >= 5
    statuses = [log_in_to(strict, f"{same[n % len(same)]}@example.org", "wrong password").status for n in range(12)]
    assert statuses.count(401) <= 6 and statuses[-1] == 429


def test_sign_ups_are_counted_by_client_address_too(strict):
    before = strict.database.sql("select count(*) from users")
    answers = [strict.client().post("/v1/users", {"email": new_address(), "password": "a long password"}) for _ in range(45)]
    refused = [answer for answer in answers if answer.status != 201]
    assert 1 <= len(refused) <= 5
    assert all(one.json["code"] == "rate_limited" and int(one.headers["Retry-After"]) >= 1 for one in refused)
    after = strict.database.sql("select count(*) from users")
    assert int(after) - int(before) == len(answers) - len(refused)


def test_attempts_are_counted_by_client_address(strict):
    statuses = [log_in_to(strict, new_address(), "wrong password").status for _ in range(45)]
    assert statuses[:40] == 40 * [401] and 429 in statuses[40:]


def test_who_has_many_addresses_has_no_more_attempts(strict):
    strict.stop()
    strict.extra_env["LEXICRAFT_HTTP_TRUSTED_PROXIES"] = "127.0.0.1"
    strict.start()
    statuses = [strict.client().post("/v1/sessions", {"email": new_address(), "password": "wrong password"},
                                     headers={"X-Forwarded-For": f"2001:db8::{n:x}"}).status for n in range(45)]
    assert statuses[:40] == 40 * [401] and 429 in statuses[40:]


def test_guessing_elsewhere_locks_nobody_out_at_home(strict):
    family, stranger = Family(strict), Family(strict)

    def attempt(email, password, address):
        host, port = strict.api.split(":")
        wire = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S, source_address=(address, 0))
        wire.request("POST", "/v1/sessions", json.dumps({"email": email, "password": password}),
                     {"Content-Type": "application/json"})
        status = wire.getresponse().status
        wire.close()
        return status
    while attempt(family.email, "wrong password", "127.0.0.2") != 429:
        pass
    assert attempt(family.email, family.password, "127.0.0.3") == 429
    assert attempt(family.email, family.password, "127.0.0.1") == 200
    # Home is where there is a session: not where another parent has one, and not for ever.
    assert attempt(family.email, stranger.password, "127.0.0.3") == 429
    assert family.client.request("DELETE", "/v1/sessions?which=all").status == 204
    assert attempt(family.email, family.password, "127.0.0.1") == 429


def test_who_is_logged_in_stays_so_while_others_guess(strict):
    family = Family(strict)
    session = log_in(family).json["refresh_token"]
    while log_in_to(strict, family.email, "wrong password").status != 429:
        pass
    answer = refresh(family, session)
    assert answer.status == 200
    assert strict.client(answer.json["access_token"]).get("/v1/users/me").status == 200


def test_guessing_the_present_password_is_limited_whatever_it_is_for(strict):
    family = Family(strict)
    tries = [change_email(family, new_address(), "a guess") if n % 2 else change_password(family, "a guess", "another password")
             for n in range(7)]
    assert [answer.status for answer in tries][:5] == 5 * [403] and tries[-1].status == 429
    assert int(tries[-1].headers["Retry-After"]) >= 1


# Staff, services, operators.

def test_who_works_for_the_platform_sees_all_children_of_a_parent(server, family):
    sister = family.add_child("Lin")
    childless = server.client().post("/v1/users", {"email": new_address(), "password": "a long password"}).json
    for role in ("service", "staff", "operator"):
        client = client_of(server, role)
        path = f"/v1/users/{family.user['id']}/children"
        assert client.get(path).json == family.client.get("/v1/children").json, role
        assert [item["id"] for item in client.get(path).json["items"]] == [family.child["id"], sister["id"]]
        assert client.get(f"/v1/users/{childless['id']}/children").json == {"items": []}
        assert client.get(f"/v1/users/{NOWHERE}/children").status == 404
        assert client.get(family.base).json == family.client.get(family.base).json
        assert client.get(f"/v1/users/{family.user['id']}").json["email"] == family.email
    for path in ("", "/children"):
        assert family.client.get(f"/v1/users/{family.user['id']}{path}").status == 403


def erased_by(server, what, id_):
    return wait_for(lambda: [line for line in server.log_lines() if line["msg"] == f"{what} erased"
                             and line[f"{what}_id"] == id_], f"the log to tell who has erased the {what}")


def test_staff_erase_a_family(server, family):
    give(family, 100)
    process(family, withdraw(family, 10), "processing", "completed", transaction_id=f"BANK-{uuid.uuid4().hex}")
    pending = withdraw(family, 20)
    add_device(family)
    path = f"/v1/users/{family.user['id']}"
    for role in ("service", "operator"):
        assert client_of(server, role).request("DELETE", path).status == 403
    assert client_of(server, "staff").request("DELETE", path).status == 204
    assert rows_about(server.database, family.user["id"], family.child["id"], family.email) == set()
    assert server.database.sql(f"select count(*) from withdrawal_requests where id = {pending['id']}") == "0"
    assert log_in(family).status == 401 and family.client.get("/v1/users/me").status == 404
    assert client_of(server, "staff").request("DELETE", path).status == 404
    (line,) = erased_by(server, "user", family.user["id"])
    assert (line["role"], line["by"]) == ("staff", "the staff")


def test_staff_erase_a_child(server, family):
    sister = family.add_child("Lin")
    give(family, 100)
    withdraw(family, 20)
    staff = client_of(server, "staff")
    assert staff.request("DELETE", family.base).status == 204
    assert rows_about(server.database, family.child["id"]) == set()
    assert [item["id"] for item in family.client.get("/v1/children").json["items"]] == [sister["id"]]
    assert staff.request("DELETE", family.base).status == 404
    (line,) = erased_by(server, "child", family.child["id"])
    assert (line["role"], line["by"]) == ("staff", "the staff")


def test_staff_erase_nothing_while_money_is_on_its_way(server, family):
    give(family, 100)
    waiting, moving = withdraw(family, 10), withdraw(family, 20)
    process(family, moving, "processing")
    for path in (family.base, f"/v1/users/{family.user['id']}"):
        answer = client_of(server, "staff").request("DELETE", path)
        assert (answer.status, answer.json["code"]) == (409, "withdrawal_processing")
    assert family.client.get(f"{family.base}/withdrawals/{waiting['id']}").json["status"] == "pending"


def test_a_parent_and_staff_erasing_at_once(server):
    for _ in range(4):
        family = Family(server)
        give(family, 100)
        withdraw(family, 10)
        staff = client_of(server, "staff").token
        jobs = [lambda c: c(family.client.token).request("DELETE", "/v1/users/me"),
                lambda c: c(staff).request("DELETE", f"/v1/users/{family.user['id']}"),
                lambda c: c(staff).request("DELETE", family.base),
                lambda c: c(family.client.token).request("DELETE", family.base),
                lambda c: ask(family, 10, client=c(family.client.token))]
        answers = together(5, lambda n: jobs[n](server.client))
        assert {answer.status for answer in answers} <= {201, 204, 404}, answers
        assert [answer.status for answer in answers[:2]].count(204) == 1
        assert rows_about(server.database, family.user["id"], family.child["id"]) == set()


# Changes to what has been seen.

@pytest.mark.parametrize("path", ["/v1/users/me", "{base}"])
@pytest.mark.parametrize("form, status", [
    ("{tag}", 200), ("*", 200), (' "x" , {tag}', 200), ('{tag},"x"', 200), ('"x"', 412), ("W/{tag}", 412), ('W/{tag}, "x"', 412),
    ('"*"', 412), ("", 412), ("{bare}", 412),
])
def test_if_match(family, path, form, status):
    path = path.format(base=family.base)
    tag = family.client.get(path).headers["ETag"]
    answer = family.client.request("PATCH", path, {"name": "New"}, headers={"If-Match": form.format(tag=tag, bare=tag[1:-1])})
    assert answer.status == status, answer
    assert (family.client.get(path).headers["ETag"] == tag) == (status != 200)


# Bodies that want more than they should.

FORBIDDEN = {
    "id": NOWHERE, "parent_id": NOWHERE, "user_id": NOWHERE, "role": "staff", "password_hash": "x", "created_at": "2020-01-01T00:00:00Z",
    "updated_at": "2020-01-01T00:00:00Z", "is_admin": True, "sub": "x", "expires_at": "2099-01-01T00:00:00Z", "total_earned": 100,
    "available_points": 100, "__index": {}, "token": "x", "": 1, "Name": "x", "password ": "x",
}


@pytest.mark.parametrize("method, path, body", [
    ("POST", "/v1/users", {"email": "{address}", "password": "a long password"}),
    ("POST", "/v1/sessions", {"email": "{email}", "password": "correct horse battery"}),
    ("PATCH", "/v1/users/me", {"name": "X"}), ("PUT", "/v1/users/me/email",
                                               {"email": "{address}", "current_password": "correct horse battery"}),
    ("PUT", "/v1/users/me/password", {"new_password": "another password", "current_password": "correct horse battery"}),
    ("POST", "/v1/children", {"name": "X"}), ("PATCH", "{base}", {"name": "X"}), ("POST", "{base}/devices", {"name": "X"}),
])
def test_no_body_sets_what_is_not_its_to_set(family, method, path, body):
    body = {name: value.format(address=new_address(), email=family.email) for name, value in body.items()}
    path = path.format(base=family.base)
    before = family.client.get("/v1/users/me").json, family.client.get("/v1/children").json
    for name, value in FORBIDDEN.items():
        if name == "token" and "sessions" in path:
            continue
        answer = family.client.request(method, path, {**body, name: value}, headers={"If-Match": "*"})
        assert answer.status == 400, (name, answer)
        assert [fault["pointer"] for fault in answer.json["errors"]] == [f"/{name}"]
    assert (family.client.get("/v1/users/me").json, family.client.get("/v1/children").json) == before
    assert family.client.get(f"{family.base}/devices").json["items"] == []


@pytest.mark.parametrize("text", INJECTIONS + ["名" * 100, "👩‍👧", "e\u0301", "\u202eevil", "<script>alert(1)</script>", "\u00a0x"])
def test_texts_are_kept_as_they_are(family, text):
    tag = {"If-Match": "*"}
    user = family.client.request("PATCH", "/v1/users/me", {"name": text, "phone": text[:40]}, headers=tag)
    child = family.client.request("PATCH", family.base, {"name": text}, headers=tag)
    device = family.client.post(f"{family.base}/devices", {"name": text})
    assert (user.json["name"], user.json["phone"], child.json["name"], device.json["name"]) == (text, text[:40], text, text)
    assert family.client.get("/v1/users/me").json == user.json
    assert family.client.get(f"{family.base}/devices").json["items"][0]["name"] == text


@pytest.mark.parametrize("text", ["", " ", "x" * 101, "名" * 101, "a\nb", "a\x00b", "\x7f", "a\x1b[31m", 7, [], {}])
def test_texts_that_are_none(family, text):
    before = family.client.get("/v1/users/me").json, family.client.get(family.base).json
    for method, path, body in [("PATCH", "/v1/users/me", {"name": text}), ("PATCH", family.base, {"name": text}),
                               ("POST", "/v1/children", {"name": text}), ("POST", f"{family.base}/devices", {"name": text}),
                               ("POST", "/v1/users", {"email": new_address(), "password": "a long password", "name": text})]:
        answer = family.client.request(method, path, body, headers={"If-Match": "*"})
        assert answer.status == 400 and answer.json["code"] in ("invalid_body", "invalid_json"), (path, answer)
    assert (family.client.get("/v1/users/me").json, family.client.get(family.base).json) == before


@pytest.mark.parametrize("text", INJECTIONS + ["a" * 254, "é" * 127, "\u2028", "👩‍👧@x"])
def test_sql_finds_and_opens_nothing(server, family, text):
    assert log_in_to(server, text, text).status == 401
    assert client_of(server, "staff").get(f"/v1/users?email={urllib.parse.quote(text)}").json == {"items": []}
    answer = change_email(family, f"{text}@example.org".replace(" ", ""))
    assert answer.status in (200, 400, 409)
    reset = server.client().post("/v1/password-resets/completion", {"token": text[:200] or "x", "new_password": "another password"})
    assert reset.status in (400, 422)
    assert family.client.get("/v1/children").json["items"][0]["id"] == family.child["id"]


@pytest.mark.parametrize("query", ["email=%00", "email=a%00b@example.org", "email=%ff", "email=" + "a" * 255, "email=a&email=b"])
def test_queries_that_are_none(server, query):
    answer = client_of(server, "staff").get(f"/v1/users?{query}")
    assert answer.status == 400, answer


@pytest.mark.parametrize("id_", ["x", "1", "%27or%201=1", "00000000-0000-0000-0000-00000000000g", "me", "00000000000000000000000000000000",
                                 "%7b00000000-0000-0000-0000-000000000000%7d", "..", "%00"])
def test_ids_that_are_none(server, family, id_):
    staff = client_of(server, "staff")
    for client, method, path in [(staff, "GET", f"/v1/users/{id_}/children"), (staff, "DELETE", f"/v1/children/{id_}"),
                                 (family.client, "DELETE", f"/v1/sessions/{id_}"),
                                 (family.client, "DELETE", f"{family.base}/devices/{id_}")]:
        assert client.request(method, path).status in (400, 404, 405), path
    assert family.client.get(family.base).status == 200


def test_an_id_in_capitals_is_the_same_id(server, family):
    base = f"/v1/children/{family.child['id'].upper()}"
    assert family.client.get(base).json == family.client.get(family.base).json
    assert client_of(server, "staff").get(f"/v1/users/{family.user['id'].upper()}/children").json["items"]
    session = sessions_of(family.client)[0]["id"].upper()
    assert family.client.request("DELETE", f"/v1/sessions/{session}").status == 204
    assert family.client.request("DELETE", base).status == 204
    assert family.client.get(family.base).status == 404


def test_devices_of_one_child_are_not_another_ones(family):
    sister = family.add_child("Lin")
    device, _ = add_device(family)
    assert family.client.request("DELETE", f"/v1/children/{sister['id']}/devices/{device['id']}").status == 404
    assert family.client.get(f"/v1/children/{sister['id']}/devices").json == {"items": []}
    assert len(family.client.get(f"{family.base}/devices").json["items"]) == 1
    assert patch(family.client, f"/v1/children/{sister['id']}", {"name": "X"}, "*").status == 200
