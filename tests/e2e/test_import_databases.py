"""`lexicraft import` from databases whose text is not UTF-8, of very much, of bonuses, and into one that is not ready."""

import pytest

from original import Original
from support import Database, Server


@pytest.mark.parametrize("encoding", ("LATIN1", "SQL_ASCII"))
def test_text_of_another_encoding(database, tmp_path, encoding):
    """What the old database knows the encoding of is converted; where it does not, that is said, and nothing is copied."""
    source = Original(encoding)
    try:
        _, child = source.family()
        source.sql(f"set client_encoding = {encoding}; update children set name = convert_from('\\x4ae972', '{encoding}')")
        done = Server(tmp_path / "root", database).command("import", "--from", source.url, check=False)
    finally:
        source.drop()
    if encoding == "LATIN1":
        assert (done.returncode, database.sql(f"select name from children where id = '{child}'")) == (0, "Jér")
    else:
        assert done.returncode == 1 and "docs/moving-in.md" in done.stderr, done.stderr
        assert database.sql("select count(*) from children") == "0"


def test_much_of_one_child(database, tmp_path):
    """More of one table than one statement takes; the numbers keep their order."""
    source = Original()
    try:
        _, child = source.family()
        progress = source.learn(child, "t1_1", 1, "learning", [], [1])
        source.learn(child, "t1_2", 1, "learning", [], [1])
        source.sql(f"""
            insert into verification_schedule (child_id, learning_progress_id, test_day, scheduled_date, completed,
                                               completed_at, passed, questions)
            select '{child}', {progress} + n % 2, 1, current_date, true, now(), false, jsonb_build_array(repeat('q', 9000))
            from generate_series(1, 2500) n""")
        Server(tmp_path / "root", database).command("import", "--from", source.url)
    finally:
        source.drop()
    in_order = "count(*), bool_and(o) from (select original_id >= lag(original_id, 1, 0::bigint) over (order by id) as o"
    assert database.sql(f"select {in_order} from verification_schedule) v") == "2502|t"


def test_a_database_that_is_not_migrated(tmp_path):
    source, empty = Original(), Database()
    try:
        done = Server(tmp_path / "root", empty).command("import", "--from", source.url, check=False)
    finally:
        source.drop()
        empty.drop()
    assert done.returncode == 1 and "migrate up" in done.stderr, done.stderr


def test_bonuses_paid_there_have_the_subjects_they_have_here(database, tmp_path):
    database.sql("""
        insert into relationships (source_id, target_id, type, kind, affix, origin)
        values ('t1_2', 't1_1', 'MORPHOLOGICAL', 'prefix', 'un-', 'test'),
               ('t1_3', 't1_1', 'MORPHOLOGICAL', 'suffix', '-able', 'test')""")
    source = Original()
    try:
        _, child = source.family()
        progress = source.learn(child, "t1_1", 1, "verified")
        for kind in ("context_mastery", "pattern_mastery", "phrase_completion"):
            source.add("points_transactions", child_id=child, learning_progress_id=progress, transaction_type="bonus",
                       points=20, bonus_type=kind)
        host = Server(tmp_path / "root", database)
        host.command("import", "--from", source.url)
    finally:
        source.drop()
    assert [tuple(row.values()) for row in database.rows("select bonus_type, bonus_subject from moved_bonuses order by 1, 2")] == [
        ("context_mastery", "word 1 1"), ("pattern_mastery", "-able"), ("pattern_mastery", "un-"), ("phrase_completion", "t1_1")]
    host.command("audit")
