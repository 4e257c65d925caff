"""docs/supabase.md to the letter: its SQL, its settings, TLS of an authority that no system knows, a transaction pooler."""

import os
import re
import shutil
import subprocess

import pytest

from pooler import CONFIG, SOCKET, run_pooler
from support import BINARY, PROJECT, Family, Server, audit, free_port, load_sample, psql, wait_for
from test_faults import Cluster

GUIDE = (PROJECT / "docs" / "supabase.md").read_text()
PASSWORDS = {"lexicraft_owner": "owner's @:/?", "lexicraft": "serving @:/?"}
ENCODED = {"lexicraft_owner": "owner's %40%3A%2F%3F", "lexicraft": "serving %40%3A%2F%3F"}


def indented(start):
    """The block of the guide that begins so, without its indentation."""
    block = re.search(rf"\n\n((    .*\n)*?    {re.escape(start)}.*\n(    .*\n)*)", GUIDE)
    return re.sub(r"(?m)^    ", "", block[1])


def certify(folder):
    """An authority, and a certificate by it of this machine, as PostgreSQL and PgBouncer want them."""
    commands = f"""
        req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout {folder}/ca.key -out {folder}/ca.crt
        req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=another -keyout {folder}/other.key -out {folder}/other.crt
        req -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout {folder}/server.key
            -out {folder}/server.csr
        x509 -req -in {folder}/server.csr -CA {folder}/ca.crt -CAkey {folder}/ca.key -CAcreateserial -days 2
            -copy_extensions copy -out {folder}/server.crt"""
    for command in commands.replace("\n            ", " ").strip().splitlines():
        subprocess.run(["openssl", *command.split()], check=True, capture_output=True)
    (folder / "server.key").chmod(0o600)


class Supabase:
    """What matters here of a project: two addresses, nothing without TLS and password, a dashboard that is no superuser."""

    def __init__(self):
        self.cluster, self.port, self.pooler_port = Cluster(), free_port(), free_port()
        self.base = self.cluster.base
        certify(self.base)
        (self.cluster.data / "pg_hba.conf").write_text("local all all trust\nhostssl all all all scram-sha-256\n")
        psql(self.cluster.url, """
            create role dashboard login createrole; create role anon; create role authenticated;
            alter database postgres owner to dashboard;
            alter default privileges for role dashboard in schema public grant all on tables to anon, authenticated""")
        self.cluster.stop()
        self.cluster.options = (f" -c listen_addresses=127.0.0.1 -c port={self.port} -c ssl=on "
                                f"-c ssl_cert_file={self.base}/server.crt -c ssl_key_file={self.base}/server.key")
        self.own_files()
        self.cluster.start()
        self.sql_url = f"postgresql:///postgres?host={self.base}&port={self.port}"
        self.pooler = self.start_pooler()

    def start_pooler(self):
        (self.base / "users").write_text(f'"lexicraft.PROJECT" "{PASSWORDS["lexicraft"]}"\n')
        (self.base / "ini").write_text(
            re.sub("(?m)^(listen_addr|auth_type) =.*\n", "", CONFIG.read_text()) +
            f"""listen_addr = 127.0.0.1
listen_port = {self.pooler_port}
unix_socket_dir = {self.base}
auth_type = scram-sha-256
auth_file = {self.base}/users
client_tls_sslmode = require
client_tls_cert_file = {self.base}/server.crt
client_tls_key_file = {self.base}/server.key
server_tls_sslmode = verify-full
server_tls_ca_file = {self.base}/ca.crt
[databases]
postgres = host=localhost port={self.port} user=lexicraft password='{PASSWORDS["lexicraft"]}'
""")
        self.own_files()
        return run_pooler(self.base, self.base / SOCKET.replace("6432", str(self.pooler_port)))

    def own_files(self):
        if os.geteuid() == 0:
            for path in self.base.iterdir():
                shutil.chown(path, "postgres", "postgres")

    def here(self, text):
        """A text of the guide with the addresses of this project."""
        for name, password in ENCODED.items():
            text = re.sub(rf"//{name}(\.PROJECT)?:…@", lambda found, own=password: found[0].replace("…", own), text)
        return (text.replace("REGION.pooler.supabase.com:6543", f"localhost:{self.pooler_port}")
                .replace("db.PROJECT.supabase.co:5432", f"localhost:{self.port}")
                .replace("/etc/lexicraft/supabase.crt", str(self.base / "ca.crt")))

    def remove(self):
        self.pooler.terminate()
        self.pooler.wait()
        self.cluster.remove()


@pytest.fixture
def project():
    own = Supabase()
    yield own
    own.remove()


def follow_the_sql(project):
    sql = indented("create role lexicraft_owner")
    for name, password in PASSWORDS.items():
        sql = sql.replace(f"create role {name} login password '…'",
                          "create role {} login password '{}'".format(name, password.replace("'", "''")))
    assert "…" not in sql
    psql(f"{project.sql_url}&user=dashboard", sql)


def test_the_guide(project, tmp_path):
    follow_the_sql(project)
    server = Server(tmp_path / "root", None)
    settings = project.here(indented("DATABASE_URL="))
    assert "localhost" in settings and "…" not in settings and "supabase" not in settings
    (server.root / ".env").write_text(settings)
    for line in indented("build/lexicraft migrate up").splitlines():
        done = server.command(*line.split()[1:])
    assert "pending" not in done.stdout
    superuser = f"{project.sql_url}&user=postgres"
    open_to = psql(superuser, "select table_name, grantee from information_schema.role_table_grants "
                              "where table_schema = 'public' and grantee not in ('lexicraft', 'lexicraft_owner')")
    assert open_to == ""
    database = type("Database", (), {"sql": lambda _, text: psql(superuser, text)})()
    load_sample(database)
    try:
        server.start()
        family = Family(server)
        family.learn("t2_1")
        family.pass_next()
        assert family.balances() == (25, 8, 17, 0, 0)
        encrypted = "select bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'lexicraft'"
        assert psql(superuser, encrypted) == "t"
    finally:
        server.stop(expect=None)


def test_what_the_guide_says_of_failures(project, tmp_path):
    follow_the_sql(project)
    server = Server(tmp_path / "root", None)
    right = dict(line.split("=", 1) for line in project.here(indented("DATABASE_URL=")).splitlines())

    def says(text, *replaced):
        url = right["LEXICRAFT_MIGRATION_URL"]
        for old, new in replaced:
            assert old in url
            url = url.replace(old, new)
        done = server.command("migrate", "status", check=False, env={**right, "LEXICRAFT_MIGRATION_URL": url})
        assert done.returncode != 0 and re.search(text, done.stderr), done
        assert "@:" not in done.stderr and "%40" not in done.stderr, "a password is shown"

    says("certificate verify failed", ("ca.crt", "other.crt"))
    says("root certificate file .* does not exist", ("ca.crt", "none.crt"))
    says("server certificate for .+ does not match", ("localhost", "127.0.0.1"))
    psql(f"{project.sql_url}&user=postgres", "revoke all on schema public from lexicraft_owner cascade")
    done = server.command("migrate", "up", check=False, env=right)
    assert done.returncode != 0 and "permission denied for schema public" in done.stderr, done
