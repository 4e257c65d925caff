"""HTTP over connections that stay open: one for each thread. Leaner than http.client, which would be half of the run."""

import collections
import json
import socket
import threading

PATIENCE_S = 120


class Wire:
    """One connection. Understands what LexiCraft Server answers with: a Content-Length or no body."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def request(self, method, path, token=None, body=None, key=None):
        """Status and what the body holds."""
        content = b"" if body is None else json.dumps(body).encode()
        head = [f"{method} {path} HTTP/1.1", "Host: simulation", f"Content-Length: {len(content)}"]
        head += [f"Authorization: Bearer {token}"] if token else []
        head += [f"Idempotency-Key: {key}"] if key else []
        head += ["Content-Type: application/json"] if content else []
        self.socket.sendall("\r\n".join([*head, "", ""]).encode() + content)
        status_line, length = self.reader.readline(), 0
        while (line := self.reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        answer = self.reader.read(length)
        return int(status_line.split()[1]), json.loads(answer) if answer else None


class Unexpected(Exception):
    """An answer that nobody should get. The rest of the run would tell nothing."""


class Line:
    """What everybody in the simulation speaks through. Counts requests and refusals."""

    def __init__(self, address):
        self.address = address
        self.local = threading.local()
        self.lock = threading.Lock()
        self.requests = collections.Counter()  # by status
        self.refusals = collections.Counter()  # by code

    def call(self, method, path, token=None, body=None, key=None, allowed=()):
        """What is answered, None if it is refused with one of the allowed codes; anything else ends the run."""
        if not hasattr(self.local, "wire"):
            self.local.wire = Wire(self.address)
        status, answer = self.local.wire.request(method, path, token, body, key)
        code = answer.get("code") if status >= 400 and isinstance(answer, dict) else None
        with self.lock:
            self.requests[status] += 1
            if code:
                self.refusals[code] += 1
        if status >= 400 and code not in allowed:
            raise Unexpected(f"{method} {path}: {status} {answer}")
        return answer if status < 400 else None
