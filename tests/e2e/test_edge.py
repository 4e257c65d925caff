"""What stands around every request: trace ids, headers given twice, cross-origin calls, rate limits."""

import json

import pytest

import support
from support import exchange, wait_for

TRACE = "0af7651916cd43dd8448eb211c80319c"


def line_of(server, request_id):
    """The access log line of a request, which is written after its answer."""
    def find():
        return [line for line in server.log_lines() if line["msg"] == "request" and line["request_id"] == request_id]
    return wait_for(find, "the log line")[0]


def raw(server, *headers, method="GET", path="/v1/health", body=b""):
    """The answer to a request with exactly these headers: status, fields by lower-case name, body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: a", "Connection: close", *headers, "", ""]
    head, _, rest = exchange(server.api, "\r\n".join(lines).encode() + body).partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    return int(first.split()[1]), {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}, rest


@pytest.mark.parametrize("headers, expected", {
    "a trace": ([f"traceparent: 00-{TRACE}-b7ad6b7169203331-01"], TRACE),
    "capitals in the name": ([f"TraceParent: 00-{TRACE}-b7ad6b7169203331-00", "tracestate: a=b"], TRACE),
    "none": ([], None),
    "malformed": (["traceparent: 00-zz-b7ad6b7169203331-01"], None),
    "two": ([f"traceparent: 00-{TRACE}-b7ad6b7169203331-01"] * 2, None),
}.values())
def test_a_trace_goes_on_in_the_log(server, request, headers, expected):
    request_id = f"trace-{abs(hash(request.node.name)) % 10**9}"
    status, _, _ = raw(server, f"X-Request-Id: {request_id}", *headers)
    assert status == 200
    assert line_of(server, request_id)["trace_id"] == expected


PAGE = "https://app.example"


@pytest.fixture(scope="module")
def open_server(template, tmp_path_factory):
    """A server that pages of PAGE may call."""
    copy = support.Database(template)
    env = {"LEXICRAFT_HTTP_CORS_ORIGINS": f"https://other.example,{PAGE}", "LEXICRAFT_HTTP_BODY_BYTES_MAX": "1000",
           "LEXICRAFT_HTTP_BODY_MS": "300"}
    running = support.Server(tmp_path_factory.mktemp("open"), copy, env).start()
    yield running
    running.stop()
    copy.drop()


BIG = b"x" * 1001
TOKEN_NEEDED = "A bearer token is needed."
# What is refused where, with the detail a client can show.
PROBLEMS = {
    "404": (dict(path="/nowhere"), 404, "There is nothing here."),
    "404 of a parameter": (dict(path="/v1/children/1"), 404, "There is nothing here."),
    "405": (dict(method="PUT"), 405, "Allow names the methods that are known here."),
    "401": (dict(path="/v1/children"), 401, TOKEN_NEEDED),
    "413": (dict(method="POST", path="/v1/users", body=BIG, headers=["Content-Length: 1001"]), 413,
            "The body must have at most 1000 bytes."),
    "413 before the body": (dict(method="POST", path="/v1/users", headers=["Content-Length: 999999999"]), 413,
                            "The body must have at most 1000 bytes."),
    "415": (dict(method="POST", path="/v1/users", body=b"{}", headers=["Content-Length: 2"]), 415,
            "The body must be application/json."),
    "408": (dict(method="POST", path="/v1/users", headers=["Content-Length: 10"]), 408, "the body took too long"),
    "501": (dict(method="BREW"), 501, "the method is not known here"),
    "400": (dict(path="/v1/health?a=%zz"), 400, "the request target has a broken percent escape"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_page_can_read_every_problem(open_server, name):
    request, status, detail = PROBLEMS[name]
    headers = request.get("headers", [])
    rest = {key: value for key, value in request.items() if key != "headers"}
    got, fields, body = raw(open_server, f"Origin: {PAGE}", *headers, **rest)
    problem = json.loads(body)
    assert (got, problem["status"], problem["detail"]) == (status, status, detail), body
    assert problem["request_id"] == fields["x-request-id"]
    assert fields["access-control-allow-origin"] == PAGE
    assert fields["vary"] == "Origin"
    shown = fields["access-control-expose-headers"].split(", ")
    assert {"ETag", "Link", "Location", "Retry-After", "X-Request-Id", "WWW-Authenticate", "RateLimit"} <= set(shown)
    for others in (["Origin: https://evil.example"], ["Origin: null"], [f"Origin: {PAGE}.evil.example"], []):
        _, fields, _ = raw(open_server, *others, *headers, **rest)
        assert "access-control-allow-origin" not in fields and fields["vary"] == "Origin"


@pytest.mark.parametrize("path, methods", {
    "/v1/users/me": "GET, HEAD, POST, PATCH, DELETE",
    "/v1/children/1": "GET, POST, PUT, PATCH, DELETE",
}.items())
def test_a_browser_that_asks_first_is_told(open_server, path, methods):
    """Also where there is nothing: else a page could not read that."""
    asked = [f"Origin: {PAGE}", "Access-Control-Request-Method: PATCH", "Access-Control-Request-Headers: authorization,if-match"]
    status, fields, body = raw(open_server, *asked, method="OPTIONS", path=path)
    assert (status, body) == (204, b"")
    assert fields["access-control-allow-origin"] == PAGE
    assert set(fields["access-control-allow-methods"].split(", ")) == set(methods.split(", "))
    assert {"authorization", "content-type", "idempotency-key", "if-match"} <= set(
        fields["access-control-allow-headers"].lower().split(", "))
    assert fields["access-control-max-age"] == "600"
    asked[0] = "Origin: https://evil.example"
    status, fields, _ = raw(open_server, *asked, method="OPTIONS", path=path)
    assert status in (404, 405) and "access-control-allow-origin" not in fields


def test_without_the_setting_no_page_is_answered(server):
    for method in ("GET", "OPTIONS"):
        _, fields, _ = raw(server, f"Origin: {PAGE}", "Access-Control-Request-Method: GET", method=method)
        assert "vary" not in fields and not [name for name in fields if name.startswith("access-control")]


def test_a_fault_says_where_to_look(open_server):
    open_server.edit("lua/api/health.lua", "function health.get()", "function health.get()\n  error('secret words')")
    assert open_server.reload().status == 200
    status, fields, body = raw(open_server, f"Origin: {PAGE}")
    problem = json.loads(body)
    assert (status, fields["access-control-allow-origin"]) == (500, PAGE)
    assert "log" in problem["detail"] and "secret" not in body.decode()


@pytest.mark.parametrize("first, second", [
    ("Authorization: Bearer {}", "Authorization: Bearer {}"),
    ("Authorization: Bearer {}", "authorization: Bearer other"),
    ("Authorization:", "AUTHORIZATION: Bearer {}"),
    ("Idempotency-Key: a", "Idempotency-Key: b"),
    ("If-Match: *", 'If-Match: "a"'),
    ("Content-Type: application/json", "Content-Type: text/plain"),
])
def test_what_is_said_twice_is_not_heard(server, family, first, second):
    token = family.client.token
    two = [first.replace("{}", token), second.replace("{}", token)]
    status, fields, body = raw(server, *two, path="/v1/children")
    assert status == 400 and fields["connection"] == "close"
    assert json.loads(body)["detail"] == f"more than one {first.split(':')[0]}"


@pytest.mark.parametrize("coding, status", [("gzip", 415), ("br, gzip", 415), ("Identity", 201)])
def test_a_body_is_taken_as_it_is(server, family, coding, status):
    answer = family.client.post("/v1/children", {"name": "Mei"}, headers={"Content-Encoding": coding})
    assert answer.status == status
    assert answer.headers["Accept-Encoding"] == (None if status == 201 else "identity")


PER_MINUTE = 6


@pytest.fixture(scope="module")
def limited_server(template, tmp_path_factory):
    """Six requests a minute for each caller, behind trusted proxies."""
    copy = support.Database(template)
    env = {"LEXICRAFT_LIMITS_REQUESTS_PER_MINUTE": str(PER_MINUTE),
           "LEXICRAFT_HTTP_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8, 2001:db8:1::/48"}
    running = support.Server(tmp_path_factory.mktemp("limited"), copy, env).start()
    yield running
    running.stop()
    copy.drop()


def left(fields):
    name, amount = fields["ratelimit"].split(";")[:2]
    assert name == '"requests"'
    return int(amount.removeprefix("r="))


def test_a_caller_is_told_what_is_left_and_when_to_come_again(limited_server):
    def ask(token, path="/v1/users/me"):
        return raw(limited_server, f"Authorization: Bearer {token}", path=path)
    token = limited_server.token("staff", sub="busy")
    for n in reversed(range(PER_MINUTE)):
        status, fields, _ = ask(token)
        assert (status, left(fields)) == (403, n), "refused requests count, too"
        assert fields["ratelimit-policy"] == f'"requests";q={PER_MINUTE};w=60'
    status, fields, body = ask(token)
    assert (status, json.loads(body)["code"], left(fields)) == (429, "rate_limited", 0)
    assert 1 <= int(fields["retry-after"]) <= 60 / PER_MINUTE
    assert fields["ratelimit"].endswith(f";t={fields['retry-after']}")
    # Somebody else at the same address is not affected, nor is who has no token.
    assert left(ask(limited_server.token("staff", sub="calm"))[1]) == PER_MINUTE - 1
    assert ask(limited_server.token("service", sub="busy"))[0] != 429
    assert raw(limited_server, "X-Forwarded-For: 192.0.2.77")[0] == 200


def test_bad_tokens_count_for_their_address(limited_server):
    answers = [raw(limited_server, "X-Forwarded-For: 192.0.2.99", f"Authorization: Bearer {n}", path="/v1/children")
               for n in range(PER_MINUTE + 1)]
    assert [answer[0] for answer in answers] == [401] * PER_MINUTE + [429]


@pytest.mark.parametrize("one, other, is_same", [
    (["192.0.2.1"], ["192.0.2.1"], True),
    (["192.0.2.2"], ["192.0.2.3"], False),
    (["192.0.2.4"], ["1.2.3.4, 192.0.2.4"], True),  # whatever a client has written itself
    (["192.0.2.5"], ["192.0.2.5, 10.1.2.3"], True),
    (["192.0.2.6"], ["192.0.2.6 ,\t10.1.2.3 , 10.0.0.1"], True),
    (["192.0.2.7"], ["192.0.2.7", "10.1.2.3"], True),  # two fields are one list
    (["192.0.2.8"], ["192.0.2.8", "192.0.2.9"], False),
    (["192.0.2.10"], ["192.0.2.10, 11.0.0.1"], False),
    (["10.2.0.1"], ["nonsense, 10.2.0.1"], True),
    (["::ffff:192.0.2.11"], ["192.0.2.11"], True),
    (["2001:DB8::1"], ["2001:db8:0::1"], True),
    (["2001:db8:2::1"], ["2001:db8:2::1, 2001:db8:1:ff::2"], True),
    (["192.0.2.12"], ["192.0.2.12" + ", 10.0.0.1" * 300], True),
    (["2001:db8:3::1"], ["2001:db8:3::ffff:1:2:3"], True),  # one household has all of a /64
    (["2001:db8:4::1"], ["2001:db8:4:1::1"], False),
])
def test_who_asks_is_found_behind_trusted_proxies(limited_server, one, other, is_same):
    """Seen by the number of requests left."""
    def ask(values):
        status, fields, _ = raw(limited_server, *[f"X-Forwarded-For: {value}" for value in values])
        assert status == 200
        return left(fields)
    first = ask(one)
    assert ask(other) == (first - 1 if is_same else PER_MINUTE - 1)


def test_the_word_of_a_stranger_is_nothing(own_server):
    own_server.extra_env = {"LEXICRAFT_LIMITS_REQUESTS_PER_MINUTE": "6", "LEXICRAFT_HTTP_TRUSTED_PROXIES": "10.0.0.0/8"}
    own_server.start()
    seen = [left(raw(own_server, f"X-Forwarded-For: 192.0.2.{n}")[1]) for n in range(3)]
    assert seen == [5, 4, 3]


def test_malformed_networks_are_refused(own_server):
    for text in ("10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "localhost", "1.2.3.4:80"):
        done = own_server.command("config", check=False, env={"LEXICRAFT_HTTP_TRUSTED_PROXIES": text})
        assert done.returncode != 0 and "IP addresses and networks" in done.stderr, text


def test_a_limit_may_be_as_large_as_its_setting(own_server):
    own_server.extra_env = {"LEXICRAFT_LIMITS_REQUESTS_PER_MINUTE": "100000000"}
    own_server.start()
    assert left(raw(own_server)[1]) == 99999999


def test_a_setting_written_wrongly_is_told(own_server):
    own_server.extra_env = {"LEXICRAFT_LIMITS_REQUEST_PER_MINUTE": "5"}
    own_server.start()
    warning = [line for line in own_server.log_lines() if line["msg"] == "variables that are no settings"]
    assert [line["names"] for line in warning] == ["LEXICRAFT_LIMITS_REQUEST_PER_MINUTE"]
    (own_server.root / ".env").write_text("LEXICRAFT_LIMITS_REQUEST_PER_MINUTE=5\n")
    refused = own_server.reload()
    assert refused.status == 422 and "LEXICRAFT_LIMITS_REQUEST_PER_MINUTE is not a setting" in refused.body.decode()


def test_a_token_for_a_role_that_nobody_has_is_not_made(server):
    for role in ("operater", "admin", "authenticated"):
        done = server.command("token", "--role", role, "--sub", "me", check=False)
        assert done.returncode != 0 and not done.stdout
        assert f'no role "{role}"' in done.stderr and "operator" in done.stderr
    assert server.command("token", "--role", "operator", "--sub", "me").stdout.count(".") == 2
