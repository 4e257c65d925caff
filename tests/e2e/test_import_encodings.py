"""`lexicraft import` from databases whose text is not UTF-8."""

import pytest

from original import Original
from support import Server


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
