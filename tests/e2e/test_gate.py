"""Raw-socket malformed and smuggling requests: each refused with exactly one response or a close, none reaches a handler."""

import socket
import threading
import time

import pytest

from support import Family, PATIENCE_S, exchange, wait_for

CANARY = "/v1/health"


def request(first, *headers, body=b""):
    return ("\r\n".join([first, *headers]) + "\r\n\r\n").encode("latin-1") + body


def get(*headers, path=CANARY, body=b""):
    return request(f"GET {path} HTTP/1.1", *headers, body=body)


def post(*headers, body=b""):
    return request("POST /v1/sessions HTTP/1.1", "Host: a", "Content-Type: application/json", *headers, body=body)


SMUGGLED = b"GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n"

REFUSED = {
    "TE and CL": post("Transfer-Encoding: chunked", "Content-Length: 3", body=b"0\r\n\r\n" + SMUGGLED),
    "CL and TE": post("Content-Length: 3", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED),
    "same CL twice": post("Content-Length: 2", "Content-Length: 2", body=b"{}" + SMUGGLED),
    "two CLs": post("Content-Length: 0", "Content-Length: 38", body=SMUGGLED),
    "CL list": post("Content-Length: 2, 2", body=b"{}"),
    "negative CL": post("Content-Length: -1", body=b"{}"),
    "signed CL": post("Content-Length: +2", body=b"{}"),
    "hex CL": post("Content-Length: 0x2", body=b"{}"),
    "empty CL": post("Content-Length:", body=b"{}"),
    "CL with garbage": post("Content-Length: 2x", body=b"{}"),
    "enormous CL": post("Content-Length: 99999999999999999999", body=b"{}"),
    "unknown TE": post("Transfer-Encoding: gzip", body=b"0\r\n\r\n"),
    "TE list": post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "chunked twice": post("Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "two TEs": post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "TE identity": post("Transfer-Encoding: identity", body=b"{}"),
    "TE with a tab": post("Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "two hosts": get("Host: a", "Host: b"),
    "no host": get("Accept: */*"),
    "space before the colon": get("Host: a", "X-A : b"),
    "CL with space before the colon": post("Content-Length : 40", body=SMUGGLED),
    "folded header": get("Host: a", "X-A: b", " folded"),
    "bare LF in a header": b"GET /v1/health HTTP/1.1\r\nHost: a\nX-B: c\r\n\r\n",
    "bare LF everywhere": b"GET /v1/health HTTP/1.1\nHost: a\n\n",
    "bare CR in a value": get("Host: a", "X-A: b\rX-C: d"),
    "NUL in a value": get("Host: a", "X-A: b\x00c"),
    "NUL in a name": get("Host: a", "X-\x00A: b"),
    "control byte in a value": get("Host: a", "X-A: b\x01c"),
    "control byte in the method": request("GE\x01T /v1/health HTTP/1.1", "Host: a"),
    "unknown method": request("BREW /v1/health HTTP/1.1", "Host: a"),
    "lower-case method": request("get /v1/health HTTP/1.1", "Host: a"),
    "percent NUL": get("Host: a", path="/v1/health%00"),
    "percent NUL in the query": get("Host: a", path="/v1/health?a=%00"),
    "raw control byte in the path": get("Host: a", path="/v1/hea\x01lth"),
    "raw high byte in the path": get("Host: a", path="/v1/health\xff"),
    "HTTP/0.9": b"GET /v1/health\r\n\r\n",
    "HTTP/3.0": request("GET /v1/health HTTP/3.0", "Host: a"),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /v1/health \r\nHost: a\r\n\r\n",
    "empty header name": get("Host: a", ": b"),
    "header without colon": get("Host: a", "nonsense"),
    "name with a space": get("Host: a", "X A: b"),
    "name with a slash": get("Host: a", "X/A: b"),
}


def count_responses(received):
    return received.count(b"HTTP/1.1 ") + received.count(b"HTTP/1.0 ")


def handled(server):
    try:
        return server.metric("lexicraft_http_requests_total", code="200") + server.metric("lexicraft_http_requests_total", code="401")
    except AssertionError:
        return 0


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_one_response_or_a_close(server, name):
    received = exchange(server.api, REFUSED[name], shutdown=True)
    assert count_responses(received) <= 1, received
    assert received == b"" or received.split(b" ")[1][:1] in (b"4", b"5"), received
    assert b'"status":"ok"' not in received


@pytest.mark.parametrize("name", ["bad chunk size", "negative chunk", "chunk without end", "huge chunk size", "chunk too short"])
def test_bad_chunking(server, name):
    body = {
        "bad chunk size": b"zz\r\n{}\r\n0\r\n\r\n",
        "negative chunk": b"-2\r\n{}\r\n0\r\n\r\n",
        "chunk without end": b"2\r\n{}",
        "huge chunk size": b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "chunk too short": b"2\r\n{}X\r\n0\r\n\r\n",
    }[name]
    received = exchange(server.api, post("Transfer-Encoding: chunked", body=body), shutdown=True)
    assert count_responses(received) <= 1, received
    assert received == b"" or received.split(b" ")[1][:1] == b"4", received


def test_a_clean_chunked_body_is_fine(server):
    body = b'{"email":"a@example.org","password":"x"}'
    chunked = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    received = exchange(server.api, post("Transfer-Encoding: chunked", "Connection: close", body=chunked))
    assert count_responses(received) == 1 and received.split(b" ")[1] in (b"400", b"401"), received


def test_pipelined_requests_are_each_answered_in_order(server):
    payload = b"".join(get("Host: a", f"X-Request-Id: n{n}", *(["Connection: close"] if n == 9 else [])) for n in range(10))
    received = exchange(server.api, payload)
    assert count_responses(received) == 10
    positions = [received.index(f"X-Request-Id: n{n}\r\n".encode()) for n in range(10)]
    assert positions == sorted(positions)


def test_header_block_over_the_limit(server):
    for headers in (["X-Big: " + "x" * 9000], [f"X-{n}: {n}" for n in range(2000)]):
        received = exchange(server.api, get("Host: a", *headers))
        assert count_responses(received) <= 1
        assert received == b"" or received.split(b" ")[1] in (b"431", b"400", b"413"), received[:200]


def test_uri_over_the_limit(server):
    received = exchange(server.api, get("Host: a", path="/v1/" + "x" * 16000))
    assert count_responses(received) <= 1
    assert received == b"" or received.split(b" ")[1] in (b"414", b"431"), received[:200]


@pytest.mark.parametrize("chunked", [False, True])
def test_body_over_the_limit(server, chunked):
    size = 65537
    body = b"{" + b" " * (size - 2) + b"}"
    if chunked:
        payload = post("Transfer-Encoding: chunked", "Connection: close",
                       body=f"{size:x}\r\n".encode() + body + b"\r\n0\r\n\r\n")
    else:
        payload = post(f"Content-Length: {size}", "Connection: close", body=body)
    received = exchange(server.api, payload)
    assert count_responses(received) == 1 and received.split(b" ")[1] == b"413", received[:200]
    assert b"body_too_large" in received


def test_expect_continue(server):
    host, port = server.api.split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as wire:
        wire.sendall(post("Content-Length: 2", "Expect: 100-continue", "Connection: close"))
        assert wire.recv(4096).startswith(b"HTTP/1.1 100 ")
        wire.sendall(b"{}")
        received = b""
        while chunk := wire.recv(4096):
            received += chunk
        assert received.startswith(b"HTTP/1.1 400 ")


def drip(address, head, drop, patience_s):
    """Send head, then drop again and again until the server closes; returns the seconds that took."""
    host, port = address.rsplit(":", 1)
    began = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=0.05) as wire:
        wire.sendall(head)
        while time.monotonic() - began < patience_s:
            try:
                wire.sendall(drop)
                if wire.recv(4096) == b"":
                    return time.monotonic() - began
            except TimeoutError:
                continue
            except OSError:
                return time.monotonic() - began
    return None


def test_dripping_clients_are_cut(own_server):
    own_server.extra_env.update(LEXICRAFT_HTTP_HEADER_MS="500", LEXICRAFT_HTTP_BODY_MS="500")
    own_server.start()
    assert drip(own_server.api, b"GET /v1/health HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n", PATIENCE_S) is not None
    assert drip(own_server.api, post("Content-Length: 60000"), b" ", PATIENCE_S) is not None
    assert drip(own_server.api, b"", b"", PATIENCE_S) is not None


def test_slow_clients_do_not_hold_up_others(own_server):
    own_server.start()
    host, port = own_server.api.split(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(200)]
    for wire in slow:
        wire.sendall(b"GET /v1/health HTTP/1.1\r\nHost: a\r\nX-A:")
    assert all(own_server.client().get("/v1/health").status == 200 for _ in range(20))
    for wire in slow:
        wire.close()


def test_the_connection_limit_and_recovery(own_server):
    own_server.extra_env.update(LEXICRAFT_HTTP_CONNECTIONS_MAX="20", LEXICRAFT_API_WORKERS="1")
    own_server.start()
    host, port = own_server.api.split(":")
    held = [socket.create_connection((host, int(port))) for _ in range(40)]
    for wire in held:
        wire.close()

    def answers():
        try:
            return own_server.client().get("/v1/health").status == 200
        except OSError:
            return False

    wait_for(answers, "the server to accept again")


def test_a_client_that_leaves_cancels_its_request(own_server):
    """The waiting report of a client that left is not answered; the worker and its connections stay healthy."""
    own_server.start()
    family = Family(own_server)
    stop = threading.Event()
    for _ in range(30):
        host, port = own_server.api.split(":")
        wire = socket.create_connection((host, int(port)))
        wire.sendall(get("Host: a", f"Authorization: Bearer {family.client.token}", path=f"{family.base}/account"))
        wire.close()
    stop.set()
    assert family.account()["total_earned"] == 0
    wait_for(lambda: own_server.metric("lexicraft_db_connections", lane="exclusive", state="busy") == 0, "idle lanes")
