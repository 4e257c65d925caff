"""Fixtures: one migrated template database per run, one server per module, fresh families per test."""

import pytest

import support


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """The name of a migrated database with sample learning points; databases are copies of it."""
    support.ensure_roles()
    database = support.Database()
    host = support.Server(tmp_path_factory.mktemp("migrate"), database)
    host.command("migrate", "up")
    support.load_sample(database)
    yield database.name
    database.drop()


@pytest.fixture(scope="session")
def cloud_template(template, tmp_path_factory):
    """The name of a database with all the words that `lexicraft words load` puts there, besides the sample ones."""
    database = support.Database(template)
    support.Server(tmp_path_factory.mktemp("cloud"), database, with_words=True).command("words", "load")
    yield database.name
    database.drop()


@pytest.fixture
def database(template):
    """A migrated database for one test."""
    copy = support.Database(template)
    yield copy
    copy.drop()


@pytest.fixture(scope="module")
def server(template, tmp_path_factory):
    """A running server shared by the tests of a module; tests must not depend on each other's data."""
    copy = support.Database(template)
    running = support.Server(tmp_path_factory.mktemp("server"), copy).start()
    yield running
    running.stop()
    assert support.audit(copy) == []
    copy.drop()


@pytest.fixture
def own_server(database, tmp_path):
    """A server (not started) of this test alone."""
    mine = support.Server(tmp_path / "root", database)
    yield mine
    mine.stop(expect=None)
    assert support.audit(database) == []


@pytest.fixture
def family(server):
    return support.Family(server)
