"""A client that a public generator makes of /openapi.json: its types are right, and the whole story can be lived with it."""

import collections
import json
import os
import subprocess

from support import PATIENCE_S, PROJECT


def test_a_generated_client_lives_the_story(server, tmp_path):
    done = subprocess.run([PROJECT / "tests/client/run", tmp_path, f"http://{server.api}", f"http://{server.admin}"],
                          env={**os.environ, "SERVICE_TOKEN": server.service_token()}, text=True, capture_output=True,
                          timeout=PATIENCE_S * 20)
    assert done.returncode == 0, done.stdout + done.stderr
    story = json.loads(done.stdout.splitlines()[-1])
    balances = ("total_earned", "available_points", "locked_points", "withdrawn_points", "deficit_points")
    assert [story["before"][name] for name in balances] == [200, 60, 140, 0, 0]
    assert [story["account"][name] for name in balances] == [200, 50, 140, 10, 0]
    assert (story["paid"]["status"], story["paid"]["amount_ntd"]) == ("pending", 10)
    assert (story["cancelled"]["status"], story["cancelled"]["points_amount"]) == ("cancelled", 20)
    assert collections.Counter(story["moves"]) == {"earned": 2, "unlocked": 2, "withdrawn": 3}
