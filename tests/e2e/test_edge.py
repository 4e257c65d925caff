"""What stands around every request: trace ids, headers given twice, cross-origin calls, rate limits."""

import json

import pytest

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
