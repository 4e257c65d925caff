"""Children who learn for months, in minutes: every request by HTTP to the real program on a real PostgreSQL.

    script/simulate [CHILDREN [DAYS]]

LEXICRAFT_TEST_PG names the cluster, LEXICRAFT_BINARY the program, as for the end-to-end tests."""

import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import checks  # noqa: E402
import support  # noqa: E402
from wire import Unexpected  # noqa: E402
from world import ENVIRONMENT, World  # noqa: E402

SHOWN_OF_EACH = 5
REPORT_EVERY_S = 10
GREEDY_DAYS = 30  # after which those who take all there is have enough of it


def start_server(root):
    """A server with all words on a database of its own."""
    support.ensure_roles()
    server = support.Server(root, support.Database(), env=ENVIRONMENT, with_words=True)
    try:
        server.command("migrate", "up")
        server.command("words", "load")
        return server.start()
    except BaseException:
        server.database.drop()
        raise


def live(world, days):
    reported = time.monotonic()
    for day in range(days):
        world.live(day)
        if time.monotonic() - reported > REPORT_EVERY_S:
            reported = time.monotonic()
            print(f"  day {day + 1} of {days}: {sum(world.line.requests.values())} requests", file=sys.stderr, flush=True)


def line(name, value):
    print(f"  {name:<48} {value:>10}")


def report(world, found, seconds):
    requests = sum(world.line.requests.values())
    print("\nWhat happened")
    for name, count in sorted(world.tally.counts.items()):
        line(name, count)
    line("most new points of a child in a day", checks.most_by_day(world.children.values(), "begun"))
    line("most tests of a child in a day", checks.most_by_day(world.children.values(), "tested"))
    line("rows of the ledger", world.server.database.sql("select count(*) from points_transactions"))
    print("\nWhat was refused")
    for code, count in sorted(world.line.refusals.items()):
        line(code, count)
    print("\nWhat must not be")
    for name, faults in found.items():
        line(name, len(faults))
        for fault in faults[:SHOWN_OF_EACH]:
            print(f"    {str(fault)[:400]}")
    print(f"\n{requests} requests in {seconds:.0f} s, {requests / seconds:.0f} a second")


def main(arguments):
    children, days = [int(text) for text in arguments[:2]] + [1000, 90][len(arguments):]
    with tempfile.TemporaryDirectory() as root:
        server = start_server(root)
        try:
            began = time.monotonic()
            world = World(server, children, GREEDY_DAYS)
            print(f"{len(world.families)} parents, {len(world.children)} children, {days} days", file=sys.stderr)
            live(world, days)
            seconds = time.monotonic() - began
            world.close()
            found = checks.check(world)
            report(world, found, seconds)
        finally:
            server.stop(expect=None)
            server.database.drop()
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Unexpected as err:
        sys.exit(f"simulate: {err}")
