"""PgBouncer in transaction mode, before a PostgreSQL that a test may stop."""

import os
import pathlib
import shutil
import subprocess
import tempfile
from urllib.parse import parse_qs, urlsplit

from support import OWNER, SERVING, wait_for

CONFIG = pathlib.Path(__file__).with_name("pgbouncer.ini")
SOCKET = ".s.PGSQL.6432"


def run_pooler(folder, socket):
    """Start PgBouncer with the settings in this folder; it is there once its socket is."""
    command = ["/usr/sbin/pgbouncer", "-q", str(folder / "ini")]
    if os.geteuid() == 0:  # which it refuses to run as
        shutil.chown(folder, "postgres", "postgres")
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", *command]
    with open(folder / "log", "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    wait_for(lambda: socket.exists() or process.poll() is not None, "the pooler's socket")
    assert process.poll() is None, (folder / "log").read_text()
    return process


class Pooler:
    """Reached through a socket in a folder of its own, and lets in who says that he is one of the test's roles."""

    def __init__(self, cluster_url, settings=""):
        place = {name: values[0] for name, values in parse_qs(urlsplit(cluster_url).query).items()}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lexi-pooler-"))
        (self.folder / "users").write_text("".join(f'"{role}" ""\n' for role in (OWNER, SERVING)))
        (self.folder / "ini").write_text(
            f"{CONFIG.read_text()}auth_file = {self.folder}/users\nunix_socket_dir = {self.folder}\n{settings}\n"
            f"[databases]\n* = host={place['host']} port={place.get('port', '5432')}\n")
        self.process = run_pooler(self.folder, self.folder / SOCKET)
        self.url = f"postgresql:///?host={self.folder}&port=6432"

    def remove(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)
