"""What an HTTP client meets: errors by field, roles, lists, idempotency, CORS."""

import base64
import json

import pytest

from support import Family, together


def fault_pointers(answer):
    return {fault["pointer"] for fault in answer.json["errors"]}


def test_health_needs_nothing(server):
    answer = server.client().get("/v1/health")
    assert answer.status == 200
    assert answer.json["status"] == "ok" and len(answer.json["rule_version"]) == 64


def test_signing_up_twice(server, family):
    again = server.client().post("/v1/users", {"email": family.email.upper(), "password": "another password"})
    assert (again.status, again.json["code"]) == (409, "email_taken")


def test_sign_up_never_shows_the_password_or_its_hash(server, family):
    me = family.client.get("/v1/users/me")
    assert me.status == 200 and "password" not in me.body.decode()
    assert me.json["country"] == "TW" and me.json["time_zone"] == "Asia/Taipei"


def test_log_in_with_a_wrong_password(server, family):
    wrong = server.client().post("/v1/sessions", {"email": family.email, "password": "wrong password"})
    unknown = server.client().post("/v1/sessions", {"email": "nobody@example.org", "password": "wrong password"})
    assert wrong.status == unknown.status == 401
    assert wrong.json["code"] == unknown.json["code"] == "invalid_credentials"


@pytest.mark.parametrize("body, pointers", [
    ({}, {"/email", "/password"}),
    ({"email": "x", "password": "short"}, {"/email", "/password"}),
    ({"email": "a@example.org", "password": "long enough", "admin": True}, {"/admin"}),
    ({"email": "a@example.org", "password": "long enough", "country": "Taiwan"}, {"/country"}),
    ({"email": "a@example.org", "password": "long enough", "time_zone": "Moon/Base"}, {"/time_zone"}),
    ({"email": 7, "password": None}, {"/email", "/password"}),
])
def test_every_fault_of_a_body_is_named_at_once(server, body, pointers):
    answer = server.client().post("/v1/users", body)
    assert (answer.status, answer.json["code"]) == (400, "invalid_body")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert fault_pointers(answer) == pointers


def test_every_fault_of_a_query_is_named_at_once(family):
    query = "limit=1&limit=2&type=gift&cursor=x&from=%fe&%ff=1&colour=red"
    answer = family.client.get(f"{family.base}/transactions?{query}")
    assert (answer.status, answer.json["code"]) == (400, "invalid_query")
    assert fault_pointers(answer) == {"/", "/limit", "/type", "/from", "/colour"}


@pytest.mark.parametrize("raw", [
    b"", b"{", b"{} {}", b'{"a":1,"a":2}', b'{"name":"\\u0000"}', b'{"name":"\xff"}', b'{"age":9007199254740993}',
    b"[" * 100 + b"]" * 100, b'{"age":1e999}', b'{"name":"\\ud800"}', b"\xef\xbb\xbf{}",
])
def test_malformed_json_is_refused(family, raw):
    answer = family.client.post("/v1/children", raw=raw)
    assert (answer.status, answer.json["code"]) == (400, "invalid_json"), answer


@pytest.mark.parametrize("body", [[], "x", 1, None, True])
def test_a_body_that_is_no_object_is_refused(family, body):
    answer = family.client.post("/v1/children", raw=json.dumps(body).encode())
    assert (answer.status, answer.json["code"]) == (400, "invalid_body"), answer


def test_a_body_of_another_content_type_is_refused(family):
    answer = family.client.post("/v1/children", raw=b"name=Mei", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 415


@pytest.mark.parametrize("body", [
    {"passed": "yes", "score": 100, "questions": [], "answers": []},
    {"passed": True, "score": 101, "questions": [], "answers": []},
    {"passed": True, "score": -1, "questions": [], "answers": []},
    {"passed": True, "score": 99.999, "questions": [], "answers": []},
    {"passed": True, "score": 100, "questions": {}, "answers": []},
    {"passed": True, "score": 100, "questions": [], "answers": [], "points": 500},
    {"score": 100, "questions": [], "answers": []},
])
def test_a_malformed_report_changes_nothing(family, body):
    verification = family.learn("t1_1")["next_verification"]["id"]
    answer = family.service.post(f"{family.base}/verifications/{verification}/completion", body)
    assert (answer.status, answer.json["code"]) == (400, "invalid_body"), answer
    assert family.balances() == (0, 0, 0, 0, 0)
    assert not family.due()[0]["completed"]


def test_no_token_and_bad_tokens(server, family):
    path = f"{family.base}/account"
    head, body, signature = family.client.token.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    for header in [None, "", "Bearer", "Bearer x", f"Basic {family.client.token}", f"Bearer {none}.{body}.",
                   f"Bearer {none}.{body}.{signature}", f"Bearer {head}.{body}.", f"Bearer {head}.{body}.{signature}x",
                   f"Bearer {head}.{body}.{signature[:-2]}", f"Bearer {head}.{body}"]:
        headers = {} if header is None else {"Authorization": header}
        answer = server.client().get(path, headers=headers)
        assert (answer.status, answer.json["code"]) == (401, "unauthorized"), header
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_expired_token_is_refused(server):
    token = server.token("service", ttl="1s")
    client = server.client(token)
    from support import wait_for
    wait_for(lambda: client.get("/v1/learning-points").status == 401, "the token to expire")


def test_learning_points_by_page(family):
    seen, path = [], "/v1/learning-points?tier=2&limit=7"
    for _ in range(10):
        answer = family.client.get(path)
        assert answer.status == 200
        seen += [item["id"] for item in answer.json["items"]]
        assert all(item["tier"] == 2 for item in answer.json["items"])
        if not answer.json["next_cursor"]:
            assert "Link" not in answer.headers
            break
        link = answer.headers["Link"]
        assert link.endswith('rel="next"')
        path = link[link.index("<") + 1:link.index(">")]
    assert len(seen) == len(set(seen)) == 30


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=100000", "tier=8", "nonsense=1", "cursor=abc",
                                   "tier=1&tier=2", "prefix=%ff", "type=verb"])
def test_bad_queries_are_refused(family, query):
    answer = family.client.get(f"/v1/learning-points?{query}")
    assert (answer.status, answer.json["code"]) == (400, "invalid_query"), answer


def test_transactions_by_page_newest_first(family):
    for n in range(1, 5):
        family.learn(f"t2_{n}")
    for item in family.due():
        assert family.report(item["id"]).status == 200
    whole = [row["sequence"] for row in family.transactions()]
    assert whole == list(range(8, 0, -1))
    paged, path = [], f"{family.base}/transactions?limit=3"
    while path:
        answer = family.client.get(path)
        paged += [row["sequence"] for row in answer.json["items"]]
        cursor = answer.json["next_cursor"]
        path = cursor and f"{family.base}/transactions?limit=3&cursor={cursor}"
    assert paged == whole


def test_paths_that_do_not_exist(server, family):
    for path in ("/", "/v1", "/v1/health/", "/v1//health", "/v1/children/not-a-uuid/account", "/v1/health%2f",
                 f"{family.base}/progress/01", f"{family.base}/progress/99999999999999999999", "/v1/%68ealth%00"):
        answer = family.client.get(path)
        assert answer.status in (400, 404), path
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_wrong_method_names_the_right_ones(family):
    answer = family.client.request("DELETE", f"{family.base}/account")
    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"


def test_head_is_get_without_the_body(family):
    answer = family.client.request("HEAD", f"{family.base}/account")
    assert answer.status == 200 and answer.body == b""
    assert int(answer.headers["Content-Length"]) == len(family.client.get(f"{family.base}/account").body)


def test_the_request_id_is_echoed_or_made(server):
    client = server.client()
    assert client.get("/v1/health", headers={"X-Request-Id": "abc-123"}).headers["X-Request-Id"] == "abc-123"
    made = client.get("/v1/health", headers={"X-Request-Id": "no spaces allowed"}).headers["X-Request-Id"]
    assert len(made) == 36
    problem = client.get("/v1/users/me", headers={"X-Request-Id": "xyz"})
    assert problem.json["request_id"] == "xyz"


def test_a_lost_answer_repeated_with_the_same_key_is_the_same_answer(family):
    headers = {"Idempotency-Key": "learn-1"}
    body = {"learning_point_id": "t1_1"}
    first = family.client.post(f"{family.base}/progress", body, headers=headers)
    again = family.client.post(f"{family.base}/progress", body, headers=headers)
    assert first.status == again.status == 201
    assert first.json == again.json
    assert first.headers["Location"] == again.headers["Location"]
    other = family.client.post(f"{family.base}/progress", {"learning_point_id": "t1_2"}, headers=headers)
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")
    assert len(family.client.get(f"{family.base}/progress").json["items"]) == 1


def test_a_key_belongs_to_its_caller_and_route(server, family):
    other = Family(server)
    headers = {"Idempotency-Key": "shared"}
    mine = family.client.post("/v1/children", {"name": "A"}, headers=headers)
    theirs = other.client.post("/v1/children", {"name": "A"}, headers=headers)
    assert mine.status == theirs.status == 201 and mine.json["id"] != theirs.json["id"]
    learned = family.client.post(f"{family.base}/progress", {"learning_point_id": "t1_1"}, headers=headers)
    assert learned.status == 201


def test_a_refused_request_does_not_use_up_its_key(family):
    headers = {"Idempotency-Key": "second-try"}
    refused = family.client.post(f"{family.base}/progress", {"learning_point_id": "no_such"}, headers=headers)
    assert refused.status == 422
    accepted = family.client.post(f"{family.base}/progress", {"learning_point_id": "t1_1"}, headers=headers)
    assert accepted.status == 201


def test_racers_on_one_key_get_one_answer(server, family):
    headers = {"Idempotency-Key": "race"}
    answers = together(10, lambda _: server.client(family.client.token).post("/v1/children", {"name": "One"}, headers=headers))
    assert {answer.status for answer in answers} == {201}, answers
    assert len({answer.json["id"] for answer in answers}) == 1
    assert len(family.client.get("/v1/children").json["items"]) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "caf\u00e9"])
def test_a_malformed_key_is_refused(family, key):
    answer = family.client.post("/v1/children", {"name": "A"}, headers={"Idempotency-Key": key.encode("latin-1")})
    assert answer.status == 400, answer


def test_sql_in_parameters_is_only_text(family):
    for text in ("'; drop table users; --", "' or 1=1 --", "%27%20or%20true"):
        assert family.client.get(f"/v1/learning-points?prefix={__import__('urllib.parse').parse.quote(text)}").json["items"] == []
    child = family.client.post("/v1/children", {"name": "Robert'); DROP TABLE children;--"})
    assert child.status == 201 and child.json["name"] == "Robert'); DROP TABLE children;--"
