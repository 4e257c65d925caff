"""The command line: exit codes, check, migrate, token, lua, help, and a graceful stop."""

import signal
import socket
import subprocess
import threading

import pytest

from support import (BINARY, PROJECT, Database, Family, Server, account_held, exchange, free_port, wait_for,
                     waits_for_lock)

COMMANDS = ["serve", "check", "config", "migrate", "reload", "token", "lua", "version"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    done = subprocess.run([BINARY, command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("usage: lexicraft " + command), done


def test_the_program_itself_has_help_and_lists_every_command():
    done = subprocess.run([BINARY, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    for command in COMMANDS:
        assert command in done.stdout


def test_unknown_words_are_a_usage_error(own_server):
    for words in (["nonsense"], ["serve", "--nonsense"], ["migrate", "sideways"], ["token"], ["config", "get"], ["lua"], []):
        done = own_server.command(*words, check=False)
        assert done.returncode == 2, (words, done)
        assert "usage" in done.stderr.lower(), (words, done)


def test_check_says_all_is_well(own_server):
    assert own_server.command("check").returncode == 0


@pytest.mark.parametrize("path, old, new", [
    ("config.lua", "statement_ms = 5000", "statement_ms = 'soon'"),
    ("config.lua", "statement_ms = 5000", "statement_ms = = 1"),
    ("config.lua", "return {", "while true do end return {"),
    ("lua/rules/schedule.lua", "return schedule", "return schedul"),
    ("lua/store/children.lua", "from children", "frm children"),
    ("lua/lib/validate.lua", "return ", "retrun "),
])
def test_check_names_file_line_and_reason(own_server, path, old, new):
    own_server.edit(path, old, new)
    done = own_server.command("check", check=False)
    assert done.returncode == 78, done
    said = done.stdout + done.stderr
    assert f"{path}:" in said and said.split(f"{path}:")[1].split(":")[0].isdigit(), said


def test_check_refuses_bitwise_operators(own_server):
    with open(own_server.root / "lua/lib/validate.lua", "r+") as file:
        text = file.read()
        file.seek(0)
        file.write("local flags = 1 | 2\n" + text)
    done = own_server.command("check", check=False)
    assert done.returncode == 78 and "lua/lib/validate.lua:1:" in done.stdout + done.stderr


def test_serve_needs_a_secret_and_a_database(own_server):
    (own_server.root / "var/secret").unlink()
    done = own_server.command("serve", check=False)
    assert done.returncode == 78 and "secret" in done.stderr
    (own_server.root / "var/secret").write_text("too short")
    done = own_server.command("serve", check=False)
    assert done.returncode == 78
    (own_server.root / "var/secret").write_text("x" * 40)
    done = own_server.command("serve", check=False, env={"DATABASE_URL": ""})
    assert done.returncode == 78 and "database.url" in done.stderr


def test_serve_on_a_taken_port(server, own_server):
    own_server.api = server.api
    own_server.extra_env["LEXICRAFT_ADMIN_LISTEN"] = server.admin
    done = own_server.command("serve", check=False)
    assert done.returncode not in (0, 2), done


def test_migrate_does_not_wait_for_a_database_that_says_nothing(own_server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none"
        done = own_server.command("migrate", "status", check=False,
                                  env={"DATABASE_URL": url, "LEXICRAFT_MIGRATION_URL": url})
    assert done.returncode == 69 and "5000 ms" in done.stderr, done


def test_migrations_apply_once_and_are_verified(template, tmp_path):
    fresh = Database()
    host = Server(tmp_path / "root", fresh)
    try:
        pending = host.command("migrate", "status").stdout
        assert "0001" in pending and "pending" in pending
        first = host.command("migrate", "up").stdout
        assert "0001" in first
        host.command("migrate", "up")
        assert "pending" not in host.command("migrate", "status").stdout
        host.command("migrate", "verify")
        path = sorted((host.root / "migrations").glob("0001_*.sql"))[0]
        text = path.read_text()
        path.write_text("-- another comment\n\n" + text)
        host.command("migrate", "verify")
        path.write_text(text + "\ncreate table surprise (id int);\n")
        changed = host.command("migrate", "verify", check=False)
        assert changed.returncode == 1 and path.name in changed.stdout + changed.stderr
    finally:
        fresh.drop()


def test_two_nodes_migrating_at_once_apply_each_once(template, tmp_path):
    fresh = Database()
    hosts = [Server(tmp_path / f"root{n}", fresh) for n in range(2)]
    try:
        runs = [subprocess.Popen([BINARY, "migrate", "up"], cwd=host.root, env=host.env(), stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True) for host in hosts]
        for run in runs:
            output, _ = run.communicate()
            assert run.returncode == 0, output
        files = len(list((hosts[0].root / "migrations").glob("*.sql")))
        assert int(fresh.sql("select count(*) from schema_migrations")) == files
    finally:
        fresh.drop()


def test_a_failing_migration_leaves_nothing_behind(template, tmp_path):
    fresh = Database()
    host = Server(tmp_path / "root", fresh)
    try:
        last = len(list((host.root / "migrations").glob("*.sql")))
        bad = host.root / "migrations" / f"{last + 1:04d}_bad.sql"
        bad.write_text("create table half (id int);\nselect 1/0;\n")
        done = host.command("migrate", "up", check=False)
        assert done.returncode == 1 and bad.name in done.stdout + done.stderr
        assert fresh.sql("select to_regclass('half') is null") == "t"
        assert int(fresh.sql("select count(*) from schema_migrations")) == last
    finally:
        fresh.drop()


def test_a_tool_script_reads_the_database(own_server):
    script = own_server.root / "count.lua"
    script.write_text('local db = require "db"\n'
                      'local row = db.one("select count(*) as n, $1::text as said from learning_points", arg[1])\n'
                      'print(row.n, row.said, #arg)\nos.exit(3)\n')
    done = own_server.command("lua", "count.lua", "hello", "world", check=False)
    assert (done.returncode, done.stdout) == (3, "210\thello\t2\n"), done


def test_a_failing_tool_script_says_where(own_server):
    (own_server.root / "bad.lua").write_text("local x = 1\nerror('no luck')\n")
    done = own_server.command("lua", "bad.lua", check=False)
    assert done.returncode == 1 and "bad.lua:2: no luck" in done.stderr


def test_specs_of_plain_lua_need_neither_database_nor_program():
    # As CONTRIBUTING.md and lua/README.md promise.
    specs = ["spec/rules", "spec/lib", "spec/actions/ledger_spec.lua"]
    done = subprocess.run(["lua5.4", "/usr/bin/busted", *specs], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


def test_version():
    done = subprocess.run([BINARY, "version"], capture_output=True, text=True)
    assert done.returncode == 0 and "lexicraft" in done.stdout and "Lua 5.4" in done.stdout


def test_sigterm_answers_what_runs_and_stops(own_server):
    own_server.start()
    family = Family(own_server)
    verification = family.learn("t1_1")["next_verification"]["id"]
    with account_held(own_server, family.child["id"]):
        answers = []
        slow = threading.Thread(target=lambda: answers.append(family.report(verification)))
        slow.start()
        wait_for(lambda: waits_for_lock(own_server), "the report to wait")
        own_server.process.send_signal(signal.SIGTERM)

        def refuses():
            try:
                return exchange(own_server.api, b"GET /v1/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") == b""
            except OSError:
                return True

        wait_for(refuses, "the server to stop accepting")
    slow.join()
    assert answers[0].status == 200, answers
    own_server.stop()


def test_the_api_port_is_shared_by_every_worker(own_server):
    own_server.extra_env["LEXICRAFT_API_WORKERS"] = "4"
    own_server.start()
    for _ in range(50):
        assert own_server.client().get("/v1/health").status == 200
    answer = own_server.reload()
    assert len(answer.json["workers"]) == 4
