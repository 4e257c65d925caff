"""Access tokens as the program issues them, checked with the standard library: the claims, or None."""

import base64
import hashlib
import hmac
import json
import os
import time

KEY = os.environ["LEXICRAFT_AUTH_KEY"].encode()


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified(header):
    if not header or not header.startswith("Bearer "):
        return None
    try:
        signed, signature = header[7:].rsplit(".", 1)
        if not hmac.compare_digest(hmac.digest(KEY, signed.encode(), hashlib.sha256), decoded(signature)):
            return None
        claims = json.loads(decoded(signed.split(".", 1)[1]))
    except ValueError:
        return None
    return claims if claims["exp"] > time.time() else None
