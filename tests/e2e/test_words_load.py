"""`lexicraft words`: the real words in a real database, loaded again, changed, and a publisher's own list beside them."""

import json

import pytest

import support

EDGE_TYPES = {"PREREQUISITE_OF", "COLLOCATES_WITH", "RELATED_TO", "PART_OF", "OPPOSITE_OF", "MORPHOLOGICAL",
              "REGISTER_VARIANT", "FREQUENCY_RANK"}


@pytest.fixture(scope="module")
def words(cloud_template, tmp_path_factory):
    """A root with the project's lists, and a database in which they are loaded."""
    database = support.Database(cloud_template)
    yield support.Server(tmp_path_factory.mktemp("words"), database, with_words=True)
    database.drop()


@pytest.fixture
def own_words(cloud_template, tmp_path):
    database = support.Database(cloud_template)
    mine = support.Server(tmp_path / "root", database, with_words=True)
    yield mine
    mine.stop(expect=None)
    database.drop()


def load(words, *options):
    return json.loads(words.command("words", "load", "--json", *options).stdout)


def import_(words, name, text, *options, code=0):
    path = words.root / name
    path.write_text(text, encoding="utf-8")
    done = words.command("words", "import", str(path), *options, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def point(words, id_):
    return words.database.rows(f"select * from learning_points where id = '{id_}'")[0]


def edges_of(words, id_):
    rows = words.database.rows(f"select * from relationships where '{id_}' in (source_id, target_id)")
    return {(row["source_id"], row["type"], row["target_id"]): row for row in rows}


def test_loads_points_of_every_tier_and_relationships_of_every_type(words):
    tiers = words.database.rows("select tier, count(*) as n from learning_points where band is not null group by tier")
    assert {row["tier"] for row in tiers} == set(range(1, 8))
    assert 18000 < sum(row["n"] for row in tiers) < 25000
    types = words.database.rows("select type, count(*) as n from relationships group by type")
    assert {row["type"] for row in types} == EDGE_TYPES
    assert 45000 < sum(row["n"] for row in types) < 70000
    assert words.database.rows("select 1 from relationships where origin = ''") == []


def test_keeps_the_words_that_were_chosen_by_hand(words):
    apple, idiom = point(words, "apple.n.1"), point(words, "beat_around_the_bush")
    assert (apple["tier"], apple["difficulty"], apple["part_of_speech"]) == (1, "A1", "noun")
    assert apple["synset"] in apple["word_synsets"] and len(apple["word_synsets"]) == 2
    assert (idiom["tier"], idiom["type"], idiom["register"]) == (4, "idiom", "informal")


def test_ranks_are_one_order_without_gaps(words):
    found = words.database.rows("""select count(*) as n, count(distinct frequency_rank) as ranks, max(frequency_rank) as last
                                   from learning_points where band is not null""")[0]
    assert found["n"] == found["ranks"] == found["last"]


def test_prerequisites_have_no_circle(words):
    assert words.database.rows("""
        with recursive way as (
          select source_id, target_id from relationships
          where type = 'PREREQUISITE_OF' and source_id in ('happy.a.1', 'run.v.1', 'animal.n.1', 'beat.v.1')
          union
          select r.source_id, r.target_id from way
          join relationships r on r.source_id = way.target_id and r.type = 'PREREQUISITE_OF')
        cycle source_id set is_circle using path
        select source_id from way where is_circle""") == []
    assert words.database.rows("""
        select 1 from relationships r
        join learning_points s on s.id = r.source_id join learning_points t on t.id = r.target_id
        where r.type = 'PREREQUISITE_OF' and s.frequency_rank >= t.frequency_rank""") == []


def test_relates_real_words_as_one_expects(words):
    happy = edges_of(words, "happy.a.1")
    assert happy["happy.a.1", "OPPOSITE_OF", "unhappy.a.1"]["origin"] == "wordnet:antonym"
    assert happy["happy.a.1", "MORPHOLOGICAL", "happiness.n.1"]["affix"] == "-ness"
    assert ("happy.a.1", "PREREQUISITE_OF", "happiness.n.1") in happy
    idiom = edges_of(words, "beat_around_the_bush")
    assert {key[0] for key in idiom if key[1] == "PART_OF"} == {"beat.v.1", "around.r.1", "bush.n.1"}
    assert ("un.prefix", "PART_OF", "unhappy.a.1") in edges_of(words, "un.prefix")


def test_loading_again_changes_nothing(words):
    assert load(words)["is_unchanged"]
    again = load(words, "--force")
    for name in ("points_changed", "points_removed", "points_of_others", "relationships_changed", "edges_removed"):
        assert again.get(name, 0) == 0, name
    assert load(words, "--dry-run")["points"] == again["points"]


def test_what_the_lists_name_no_more_goes_unless_a_child_learns_it(own_words):
    server = own_words.start()
    family = support.Family(server)
    family.learn("banjo.n.1")
    heads = server.root / "data" / "head_words.txt"
    kept = [line for line in heads.read_text().splitlines() if line not in ("banjo nv", "banjo n", "ostrich n")]
    heads.write_text("\n".join(kept) + "\n")
    report = load(server)
    assert report["points_held"] == ["banjo.n.1"]
    assert report["points_removed"] >= 1
    assert server.database.rows("select id from learning_points where id in ('banjo.n.1', 'ostrich.n.2')") == [
        {"id": "banjo.n.1"}]
    assert load(server)["is_unchanged"]


def test_names_line_and_reason_of_a_wrong_list(own_words):
    heads = own_words.root / "data" / "head_words.txt"
    heads.write_text(heads.read_text() + "zzyzx n\n")
    done = own_words.command("words", "load", check=False)
    assert done.returncode == 1
    assert "data/head_words.txt:" in done.stderr and "WordNet has no zzyzx n" in done.stderr
    heads.write_text("murder n\n")
    assert "stands in denied_words.txt" in own_words.command("words", "load", check=False).stderr


def test_imports_definitions_and_translations_over_loaded_words(own_words):
    csv = ('\ufeffid,word,type,tier,definition,translation.zh-TW,contexts\r\n'
           'apple.n.1,,,,"a round fruit, red or green",蘋果,food|plant\r\n'
           'night_market,night market,phrase,3,a market that opens in the evening,夜市,\r\n')
    edges = own_words.root / "edges.csv"
    edges.write_text("source,target,type,kind,affix\nnight_market,market.n.1,RELATED_TO,place,\n"
                     "night.n.1,night_market,PREREQUISITE_OF,,\n")
    before = point(own_words, "apple.n.1")
    assert "nothing was written" in import_(own_words, "a.csv", csv, "--relationships", str(edges), "--dry-run")
    assert point(own_words, "apple.n.1") == before
    import_(own_words, "a.csv", csv, "--relationships", str(edges), "--source", "A Publisher")
    apple = point(own_words, "apple.n.1")
    assert apple["definition"] == "a round fruit, red or green"
    assert apple["metadata"]["translations"] == {"zh-TW": "蘋果"} and apple["metadata"]["source"] == "A Publisher"
    assert (apple["tier"], apple["synset"], apple["contexts"]) == (1, before["synset"], ["food", "plant"])
    assert ("market.n.1", "RELATED_TO", "night_market") in edges_of(own_words, "night_market")
    again = json.loads(import_(own_words, "a.csv", csv, "--relationships", str(edges), "--source", "A Publisher", "--json"))
    assert (again["points_changed"], again["relationships_changed"]) == (0, 0)
    report = load(own_words, "--force")
    assert (report["points_of_others"], report["points_changed"], report["edges_removed"]) == (1, 0, 0)
    assert point(own_words, "apple.n.1") == apple
    assert len(edges_of(own_words, "night_market")) == 2


def test_imports_json_lines_with_relationships(own_words):
    line = {"id": "bubble_tea", "word": "bubble tea", "type": "phrase", "tier": 3, "definition": "tea with tapioca",
            "translations": {"zh-TW": "珍珠奶茶"}, "contexts": ["food"], "difficulty": "A2",
            "relationships": [{"type": "PART_OF", "target": "bubble_tea_shop"}]}
    shop = {"id": "bubble_tea_shop", "word": "bubble tea shop", "type": "phrase", "tier": 3, "definition": "where it is sold"}
    import_(own_words, "a.jsonl", f"{json.dumps(line, ensure_ascii=False)}\n\n{json.dumps(shop)}\n")
    assert point(own_words, "bubble_tea")["metadata"]["translations"]["zh-TW"] == "珍珠奶茶"
    assert list(edges_of(own_words, "bubble_tea")) == [("bubble_tea", "PART_OF", "bubble_tea_shop")]


def test_tells_all_that_is_wrong_and_writes_nothing(words):
    out = import_(words, "bad.csv", "id,word,type,tier,definition,band\napple.n.1,,wurd,9,,\nBad Id,x,word,1,d,0\n"
                                    "new_one,x,word,1,,\nnew_two,x,word,1,d,\nnew_two,y,word,1,d,\n", code=1)
    for expected in ("bad.csv:2: type: must be one of", "bad.csv:2: tier: must be", "bad.csv:3: id: must be",
                     "bad.csv:3: band: must be", "bad.csv:4: definition: is missing", "bad.csv:6: id: new_two is on line 5"):
        assert expected in out, out
    assert words.database.rows("select 1 from learning_points where id = 'new_two'") == []
    for name, text, expected in [
        ("a.csv", "id,wurd\napple.n.1,x\n", "a.csv:1: wurd: no such column"),
        ("b.csv", 'id,word\n"apple.n.1"x,y\n', "b.csv:2: field 1:"),
        ("c.csv", "id,word\napple.n.1\n", "c.csv:2: has 1 fields, not 2"),
        ("d.jsonl", '{"id": "apple.n.1"}\n{"id": \n', "d.jsonl:2:"),
        ("e.jsonl", '{"id": "apple.n.1", "relationships": [{"type": "LIKES", "target": "dog.n.1"}]}\n', "e.jsonl:1: type:"),
        ("f.jsonl", '{"id": "apple.n.1", "colour": "red"}\n', "f.jsonl:1: colour: no such member"),
    ]:
        assert expected in import_(words, name, text, code=1)
    many = "id,tier\n" + "".join(f"x{n},9\n" for n in range(500))
    out = import_(words, "many.csv", many, code=1)
    assert out.count("\n") == 102 and "… and" in out


def test_refuses_prerequisites_in_a_circle_and_unknown_ends(words):
    edges = words.root / "edges.csv"
    header = "source,target,type,kind,affix\n"
    for text, expected in [
        ("happiness.n.1,happy.a.1,PREREQUISITE_OF,,\n", "in a circle"),
        ("happy.a.1,nope,RELATED_TO,,\n", "edges.csv:2: target: there is no learning point nope"),
        ("happy.a.1,dog.n.1,MORPHOLOGICAL,,\n", "edges.csv:2: kind: must be prefix or suffix"),
        ("happy.a.1,dog.n.1,RELATED_TO,,\ndog.n.1,happy.a.1,RELATED_TO,,\n", "edges.csv:3: says the same as line 2"),
    ]:
        edges.write_text(header + text)
        assert expected in import_(words, "a.csv", "id\napple.n.1\n", "--relationships", str(edges), code=1)
    edges.write_text(header + "bubble_tea,dog.n.1,RELATED_TO,,\n")
    both = {"id": "bubble_tea", "word": "bubble tea", "type": "phrase", "tier": 3, "definition": "tea with tapioca",
            "relationships": [{"type": "RELATED_TO", "target": "dog.n.1"}]}
    out = import_(words, "both.jsonl", json.dumps(both) + "\n", "--relationships", str(edges), code=1)
    assert "edges.csv:2: says the same as line 1 of the learning points" in out
    circle = "".join(json.dumps({
        "id": id_, "word": id_, "type": "word", "tier": 1, "definition": "one of two",
        "relationships": [{"type": "PREREQUISITE_OF", "target": other}],
    }) + "\n" for id_, other in [("first_one", "second_one"), ("second_one", "first_one")])
    assert "circle.jsonl:1: type: PREREQUISITE_OF in a circle" in import_(words, "circle.jsonl", circle, code=1)


def test_says_how_it_is_used(words):
    assert "load [--wordnet DIR]" in words.command("words", "--help").stdout
    assert "--relationships FILE" in words.command("words", "import", "--help").stdout
    for arguments in [(), ("nonsense",), ("load", "--nonsense"), ("import",)]:
        assert words.command("words", *arguments, check=False).returncode == 2, arguments
    assert words.command("words", "import", "/nowhere", check=False).returncode == 1
    folder = words.command("words", "import", str(words.root), check=False)
    assert folder.returncode == 1 and "Is a directory" in folder.stderr and "traceback" not in folder.stderr
