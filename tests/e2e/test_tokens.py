"""Tokens: ours and those that Supabase Auth issues, and what an attacker would send in their place."""

import base64
import hashlib
import hmac
import json
import time
import uuid

import pytest

import support
from support import Family

SUPABASE_KEY = "the JWT secret of a Supabase project, long enough"
ISSUER = "https://project.supabase.co/auth/v1"
HS256 = {"alg": "HS256", "typ": "JWT"}


@pytest.fixture(scope="module")
def server(template, tmp_path_factory):
    copy = support.Database(template)
    env = {"LEXICRAFT_AUTH_SUPABASE_KEY": SUPABASE_KEY, "LEXICRAFT_AUTH_SUPABASE_ISSUER": ISSUER}
    running = support.Server(tmp_path_factory.mktemp("server"), copy, env).start()
    yield running
    running.stop()
    assert support.audit(copy) == []
    copy.drop()


@pytest.fixture(scope="module")
def key(server):
    return (server.root / "var" / "secret").read_text()


def encode(content):
    raw = content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content)).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def sign(header, claims, key, digest=hashlib.sha256):
    text = f"{encode(header)}.{encode(claims)}"
    return f"{text}.{encode(hmac.new(key.encode(), text.encode(), digest).digest())}"


def own_claims(**changes):
    now = int(time.time())
    claims = {"iss": "lexicraft", "aud": "lexicraft-api", "sub": str(uuid.uuid4()), "role": "parent", "iat": now, "nbf": now,
              "exp": now + 600, **changes}
    return {name: value for name, value in claims.items() if value is not ...}


def supabase_claims(**changes):
    """As Supabase Auth writes them; ... takes a claim away."""
    now = int(time.time())
    id_ = str(uuid.uuid4())
    claims = {
        "iss": ISSUER, "sub": id_, "aud": "authenticated", "exp": now + 3600, "iat": now, "role": "authenticated",
        "email": f"{id_[:12]}@example.org", "phone": "", "aal": "aal1", "session_id": str(uuid.uuid4()), "is_anonymous": False,
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {"email_verified": True, "name": "Lính"},
        "amr": [{"method": "password", "timestamp": now}], **changes,
    }
    return {name: value for name, value in claims.items() if value is not ...}


def supabase_token(header=None, key=SUPABASE_KEY, **changes):
    return sign(header or {**HS256, "kid": "2gWcxw4xnQM4"}, supabase_claims(**changes), key)


def status_of(server, token):
    """What an operation that every parent may call answers: 200 for a good token."""
    client = server.client()
    answer = client.get("/v1/children", headers={"Authorization": f"Bearer {token}"})
    client.close()
    assert answer.status in (200, 401), answer
    if answer.status == 401:
        assert answer.json["code"] == "unauthorized" and 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    return answer.status


def test_a_parent_who_logs_in_at_supabase_signs_up_and_is_like_any_other(server):
    claims = supabase_claims()
    parent = server.client(sign({**HS256, "kid": "a"}, claims, SUPABASE_KEY))
    assert parent.get("/v1/users/me").status == 404
    assert parent.post("/v1/children", {"name": "Mei"}).status == 404
    joined = parent.post("/v1/users/me", {"name": "Lính", "time_zone": "Europe/Berlin"})
    assert joined.status == 200, joined
    assert (joined.json["id"], joined.json["email"], joined.json["name"]) == (claims["sub"], claims["email"], "Lính")
    assert joined.json["time_zone"] == "Europe/Berlin"
    assert parent.get("/v1/users/me").headers["ETag"] == joined.headers["ETag"]
    again = parent.post("/v1/users/me", {"name": "Other"})
    assert (again.status, again.json) == (200, joined.json)
    child = parent.post("/v1/children", {"name": "Mei"}).json
    assert child["parent_id"] == claims["sub"]
    assert parent.get(f"/v1/children/{child['id']}/account").status == 200
    assert Family(server).client.get(f"/v1/children/{child['id']}").status == 404
    # No password opens the account.
    for password in ("", "x", "password"):
        refused = server.client().post("/v1/sessions", {"email": claims["email"], "password": password})
        assert refused.status in (400, 401), refused
    assert parent.request("DELETE", "/v1/sessions").status == 204
    assert parent.request("DELETE", "/v1/users/me").status == 204
    assert parent.get("/v1/users/me").status == 404


def test_an_id_in_capitals_is_the_same_parent(server):
    claims = supabase_claims()
    assert server.client(sign(HS256, claims, SUPABASE_KEY)).post("/v1/users/me", {}).status == 200
    shouting = server.client(sign(HS256, {**claims, "sub": claims["sub"].upper()}, SUPABASE_KEY))
    assert shouting.get("/v1/users/me").json["id"] == claims["sub"]


def test_many_first_requests_at_once_sign_up_once(server):
    token = supabase_token()
    answers = support.together(8, lambda _: server.client(token).post("/v1/users/me", {"name": "A"}))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["id"] for answer in answers}) == 1


def test_nobody_becomes_somebody_else_by_an_address(server):
    family = Family(server)
    taken = server.client(supabase_token(email=family.email.upper())).post("/v1/users/me", {})
    assert (taken.status, taken.json["code"]) == (409, "email_taken")
    for email in ("", ..., None, 7, "no address", "a@b@c"):
        missing = server.client(supabase_token(email=email)).post("/v1/users/me", {})
        assert (missing.status, missing.json["code"]) == (422, "email_missing"), missing


def test_a_parent_of_ours_is_not_signed_up_anew(server):
    family = Family(server)
    shown = family.client.post("/v1/users/me", {"name": "Other"})
    assert (shown.status, shown.json) == (200, family.client.get("/v1/users/me").json)
    assert family.client.request("DELETE", "/v1/users/me").status == 204
    assert family.client.post("/v1/users/me", {}).status == 404


GOOD = {
    "without a key's name": lambda: supabase_token(HS256),
    "a path as the key's name": lambda: supabase_token({**HS256, "kid": "../../../dev/null"}),
    "SQL as the key's name": lambda: supabase_token({**HS256, "kid": "' union select 'x' --"}),
    "a list of audiences": lambda: supabase_token(aud=["other", "authenticated"]),
    "a deep profile": lambda: supabase_token(user_metadata={"a": [{"b": {"c": ["字" * 100]}}]}),
}


@pytest.mark.parametrize("name", GOOD)
def test_tokens_of_supabase_that_are_good(server, name):
    assert status_of(server, GOOD[name]()) == 200


def mangled(change):
    """Something done to the text of a good token."""
    return lambda: change(supabase_token())


NOW = int(time.time())
BAD = {
    "no algorithm": lambda: sign({"alg": "none"}, supabase_claims(), SUPABASE_KEY),
    "no algorithm and no signature": lambda: f"{encode({'alg': 'none'})}.{encode(supabase_claims())}.",
    "nOnE": lambda: sign({"alg": "nOnE"}, supabase_claims(), SUPABASE_KEY),
    "HS384": lambda: sign({"alg": "HS384"}, supabase_claims(), SUPABASE_KEY, hashlib.sha384),
    "HS512": lambda: sign({"alg": "HS512"}, supabase_claims(), SUPABASE_KEY, hashlib.sha512),
    "HS512 under the name HS256": lambda: sign(HS256, supabase_claims(), SUPABASE_KEY, hashlib.sha512),
    "RS256": lambda: sign({"alg": "RS256"}, supabase_claims(), SUPABASE_KEY),
    "ES256": lambda: sign({"alg": "ES256"}, supabase_claims(), SUPABASE_KEY),
    "another key": lambda: supabase_token(key=SUPABASE_KEY + "!"),
    "the empty key": lambda: supabase_token(key=""),
    "a key of its own": lambda: sign({**HS256, "jwk": {"kty": "oct", "k": encode("evil")}}, supabase_claims(), "evil"),
    "a key from elsewhere": lambda: supabase_token({**HS256, "jku": "https://evil.example/keys"}),
    "a critical extension": lambda: supabase_token({**HS256, "crit": ["exp"]}),
    "a key's name that is no text": lambda: supabase_token({**HS256, "kid": {"a": 1}}),
    "expired": lambda: supabase_token(exp=NOW - 1),
    "no expiry": lambda: supabase_token(exp=...),
    "an expiry that is text": lambda: supabase_token(exp="9999999999"),
    "an expiry beyond numbers": lambda: supabase_token(exp=1e300),
    "issued tomorrow": lambda: supabase_token(iat=NOW + 86400, exp=NOW + 90000),
    "not valid yet": lambda: supabase_token(nbf=NOW + 3600),
    "another audience": lambda: supabase_token(aud="other"),
    "our audience": lambda: supabase_token(aud="lexicraft-api"),
    "no audience": lambda: supabase_token(aud=...),
    "another issuer": lambda: supabase_token(iss="https://evil.supabase.co/auth/v1"),
    "our issuer": lambda: supabase_token(iss="lexicraft"),
    "no issuer": lambda: supabase_token(iss=...),
    "the anon key": lambda: supabase_token(role="anon"),
    "the service key": lambda: supabase_token(role="service_role"),
    "the keys as they are": lambda: sign(HS256, {"iss": "supabase", "ref": "project", "role": "service_role", "iat": NOW,
                                                  "exp": NOW + 10**8}, SUPABASE_KEY),
    "a role of ours": lambda: supabase_token(role="operator"),
    "no role": lambda: supabase_token(role=...),
    "roles": lambda: supabase_token(role=["authenticated"]),
    "a guest": lambda: supabase_token(is_anonymous=True),
    "a guest by text": lambda: supabase_token(is_anonymous="true"),
    "no subject": lambda: supabase_token(sub=...),
    "a subject that is no id": lambda: supabase_token(sub="admin"),
    "SQL as the subject": lambda: supabase_token(sub="' or true --"),
    "a subject and a NUL": lambda: supabase_token(sub=str(uuid.uuid4()) + "\0"),
    "claims given twice": lambda: sign(HS256, json.dumps(supabase_claims())[:-1] + f',"sub":"{uuid.uuid4()}"}}', SUPABASE_KEY),
    "a header given twice": lambda: sign('{"alg":"HS256","alg":"none"}', supabase_claims(), SUPABASE_KEY),
    "claims that are a list": lambda: sign(HS256, [supabase_claims()], SUPABASE_KEY),
    "claims with bytes behind": lambda: sign(HS256, json.dumps(supabase_claims()) + "x", SUPABASE_KEY),
    "claims that are no UTF-8": lambda: sign(HS256, json.dumps(supabase_claims()).encode()[:-1] + b',"a":"\xff"}', SUPABASE_KEY),
    "a byte behind": mangled(lambda token: token + "A"),
    "a dot behind": mangled(lambda token: token + "."),
    "padding": mangled(lambda token: token + "="),
    "two signatures": mangled(lambda token: token + "." + token.split(".")[2]),
    "no signature": mangled(lambda token: token.rpartition(".")[0] + "."),
    "two parts": mangled(lambda token: token.rpartition(".")[0]),
    "claims of another": mangled(lambda token: ".".join((token.split(".")[0], encode(supabase_claims()), token.split(".")[2]))),
    "dots": lambda: "..",
    "one character": lambda: "A",
    "large": lambda: supabase_token(user_metadata={"a": "x" * 3000}),
}


@pytest.mark.parametrize("name", BAD)
def test_tokens_that_are_no_good(server, name):
    token = BAD[name]()
    assert status_of(server, token) == 401
    joining = server.client(token).post("/v1/users/me", {})
    assert joining.status == 401, joining


def test_the_two_issuers_are_kept_apart(server, key):
    """A key is good for tokens of its own issuer, whatever they say of themselves."""
    assert status_of(server, sign(HS256, own_claims(), key)) == 200
    assert status_of(server, sign(HS256, own_claims(), SUPABASE_KEY)) == 401
    assert status_of(server, sign(HS256, supabase_claims(), key)) == 401
    assert status_of(server, sign({**HS256, "kid": "a"}, own_claims(), key)) == 401
    assert status_of(server, sign(HS256, own_claims(aud=["lexicraft-api"]), key)) == 401
    assert status_of(server, sign(HS256, own_claims(nbf=...), key)) == 401
    operator = server.client(sign(HS256, supabase_claims(role="operator", iss="lexicraft", aud="lexicraft-api"), SUPABASE_KEY))
    assert operator.get("/v1/withdrawals").status == 401


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER   {}"])
def test_headers_that_hold_a_token(server, key, header):
    token = sign(HS256, own_claims(), key)
    for _ in range(2):
        assert server.client().get("/v1/children", headers={"Authorization": header.format(token)}).status == 200


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "bearer  x y", "Basic {}", "Token {}", "{}", "Bearer {},Bearer {}",
                                    "Bearer {} {}", "Bearer\u00a0{}", "Bearer \u0130{}"])
def test_headers_that_hold_no_token(server, key, header):
    token = sign(HS256, own_claims(), key)
    client = server.client()
    answer = client.get("/v1/children", headers={"Authorization": header.replace("{}", token).encode("utf-8")})
    assert (answer.status, answer.json["code"]) == (401, "unauthorized"), answer


def test_a_token_of_32_kilobytes_is_a_header_too_large(server):
    answer = server.client().get("/v1/children", headers={"Authorization": "Bearer " + "A" * 32768})
    assert answer.status == 431, answer


def test_without_the_setting_supabase_is_nobody(own_server):
    own_server.start()
    assert status_of(own_server, supabase_token()) == 401
    assert status_of(own_server, supabase_token(key=(own_server.root / "var" / "secret").read_text())) == 401
    assert status_of(own_server, supabase_token(key="")) == 401


def test_a_key_that_is_also_ours_is_refused_at_the_start(own_server):
    secret = (own_server.root / "var" / "secret").read_text()
    done = own_server.command("serve", check=False, env={"LEXICRAFT_AUTH_SUPABASE_KEY": secret,
                                                         "LEXICRAFT_AUTH_SUPABASE_ISSUER": ISSUER})
    assert done.returncode == 78 and "must not be a signing key" in done.stderr
    assert secret not in done.stderr
