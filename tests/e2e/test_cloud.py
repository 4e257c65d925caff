"""The cloud of learning points: lists with any filters, relationships, what is near, what a child knows of it, and what it
should learn next. And that none of it costs more the more neighbours a point has."""

import json
import re
import urllib.parse

import pytest

from support import PROJECT, Database, Family, cursor_of, psql, wait_for

# id, word, type, tier, difficulty, rank, band
POINTS = """
kind            word    1 A1    10  10
unkind          word    1 A2   400  20
kindness        word    2 A2   500  20
happiness       word    2 B1   300  20
happy           word    1 A1    20  10
unhappy         word    1 A2   350  35
sadness         word    5 B1   700  35
sad             word    1 A1    30  10
gentle          word    1 A2   200  20
tender          word    2 B2   900  40
soft            word    1 A1    40  10
rock            word    1 A1    50  10
stone           word    1 A1    60  10
boulder         word    2 B2  2000  50
kind_at_heart   phrase  3 B1  3000  -
heart           word    1 A1    70  10
at              word    1 A1     5  10
soft_rock       phrase  3 B2  4000  50
un-             prefix  5 -   5000  -
-ness           suffix  5 -   5001  -
lonely          word    1 C2  9000  95
"""
# source, type, target, kind, affix
EDGES = """
kind       PREREQUISITE_OF  kindness
happy      PREREQUISITE_OF  happiness
kindness   PREREQUISITE_OF  tender
gentle     PREREQUISITE_OF  tender
kind       MORPHOLOGICAL    unkind      prefix  un-
happy      MORPHOLOGICAL    unhappy     prefix  un-
kind       MORPHOLOGICAL    kindness    suffix  -ness
happy      MORPHOLOGICAL    happiness   suffix  -ness
sad        MORPHOLOGICAL    sadness     suffix  -ness
happy      OPPOSITE_OF      sad
kind       OPPOSITE_OF      unkind
gentle     RELATED_TO       kind        similar
gentle     RELATED_TO       soft        similar
boulder    RELATED_TO       rock        broader
rock       RELATED_TO       stone       synonym
soft       COLLOCATES_WITH  soft_rock
at         PART_OF          kind_at_heart
heart      PART_OF          kind_at_heart
kind       PART_OF          kind_at_heart
soft       PART_OF          soft_rock
rock       PART_OF          soft_rock
kind       FREQUENCY_RANK   gentle
kind       FREQUENCY_RANK   lonely
"""
UNDIRECTED = ("OPPOSITE_OF", "RELATED_TO", "COLLOCATES_WITH")


def quoted(value):
    return "null" if value in (None, "-") else f"'{value}'"


def identifier(name):
    """Ids begin with a letter or digit; a suffix is written the way the loader does."""
    return {"un-": "un.prefix", "-ness": "ness.suffix"}.get(name, name)


def load(database):
    points, edges = [], []
    for line in POINTS.split("\n")[1:-1]:
        name, kind, tier, difficulty, rank, band = line.split()
        word = name if name.endswith("-") or name.startswith("-") else name.replace("_", " ")
        band = "null" if band == "-" else band
        points.append(f"('{identifier(name)}','{word}','{kind}',{tier},'it means {word}',{quoted(difficulty)},{rank},{band})")
    for line in EDGES.split("\n")[1:-1]:
        source, name, target, *more = line.split()
        kind, affix = (more + [None, None])[:2]
        if name in UNDIRECTED and source > target:
            source, target, kind = target, source, {"broader": "narrower"}.get(kind, kind)
        edges.append(f"('{source}','{name}','{target}',{quoted(kind)},{quoted(affix)},'test')")
    database.sql("delete from learning_points;"
                 "insert into learning_points (id, word, type, tier, definition, difficulty, frequency_rank, band) values "
                 + ",".join(points)
                 + "; insert into relationships (source_id, type, target_id, kind, affix, origin) values " + ",".join(edges))


@pytest.fixture(scope="module", autouse=True)
def cloud(server):
    load(server.database)


def know(family, *points, status="verified"):
    """As if every test had been passed: what is known is what counts here."""
    values = ",".join(
        f"('{family.child['id']}','{point}',1,now(),current_date,'{status}',"
        f"{'now()' if status == 'verified' else 'null'},now(),now())" for point in points)
    family.server.database.sql(
        "insert into learning_progress (child_id, learning_point_id, tier, learned_at, learned_on, status, verified_at,"
        f" created_at, updated_at) values {values}")


def pages(client, path, limit=2, **query):
    """All items, page by page as Link leads."""
    found, asked = [], f"{path}?{urllib.parse.urlencode({**query, 'limit': limit})}"
    while asked:
        answer = client.get(asked)
        assert answer.status == 200, answer
        assert len(answer.json["items"]) <= limit
        found += answer.json["items"]
        asked = re.match(r"<(.*)>", answer.headers.get("Link", "<>"))[1]
    return found


def ids(items):
    return [item.get("learning_point", item)["id"] for item in items]


@pytest.mark.parametrize("query, expected", [
    ({"prefix": "kind"}, ["kind", "kind_at_heart", "kindness"]),
    ({"suffix": "ness"}, ["ness.suffix", "sadness", "kindness", "happiness"]),
    ({"suffix": "NESS", "type": "word", "difficulty": "B1"}, ["sadness", "happiness"]),
    ({"suffix": "ness", "prefix": "k"}, ["kindness"]),
    ({"affix": "un-"}, ["unhappy", "unkind"]),
    ({"affix": "-ness"}, ["happiness", "kindness", "sadness"]),
    ({"affix": "-ness", "difficulty": "B1", "prefix": "s", "suffix": "ss", "tier": 5, "band": 35}, ["sadness"]),
    ({"affix": "-less"}, []),
    ({"type": "phrase"}, ["kind_at_heart", "soft_rock"]),
    ({"type": "phrase", "band": 50}, ["soft_rock"]),
    ({"type": "word", "tier": 2}, ["boulder", "happiness", "kindness", "tender"]),
    ({"type": "word", "tier": 2, "difficulty": "B2"}, ["boulder", "tender"]),
    ({"type": "word", "tier": 2, "difficulty": "B2", "band": 40, "prefix": "t"}, ["tender"]),
    ({"band": 10, "prefix": "s"}, ["sad", "soft", "stone"]),
    ({"band": 20, "tier": 1, "type": "word"}, ["gentle", "unkind"]),
    ({"difficulty": "A2", "tier": 1}, ["gentle", "unhappy", "unkind"]),
    ({"difficulty": "C2", "band": 95}, ["lonely"]),
    ({"tier": 5}, ["ness.suffix", "sadness", "un.prefix"]),
    ({"tier": 5, "type": "suffix"}, ["ness.suffix"]),
])
def test_lists_are_narrowed_by_any_filters_at_once(family, query, expected):
    for limit in (1, 2, 50):
        assert ids(pages(family.client, "/v1/learning-points", limit, **query)) == expected


def test_one_point_tells_how_common_it_is(family):
    point = family.client.get("/v1/learning-points/gentle").json
    assert (point["band"], point["difficulty"], point["part_of_speech"]) == (20, "A2", None)


def relations(items):
    return [(item["relationship_type"], item["direction"], item["kind"], item["learning_point"]["id"]) for item in items]


def test_relationships_have_types_directions_and_kinds_as_seen_from_the_point(family):
    path = "/v1/learning-points/kind/relationships"
    every = [
        ("FREQUENCY_RANK", "out", None, "gentle"), ("FREQUENCY_RANK", "out", None, "lonely"),
        ("MORPHOLOGICAL", "out", "suffix", "kindness"), ("MORPHOLOGICAL", "out", "prefix", "unkind"),
        ("OPPOSITE_OF", "both", None, "unkind"), ("PART_OF", "out", None, "kind_at_heart"),
        ("PREREQUISITE_OF", "out", None, "kindness"), ("RELATED_TO", "both", "similar", "gentle"),
    ]
    for limit in (1, 3, 50):
        assert relations(pages(family.client, path, limit)) == every
    assert relations(pages(family.client, path, type="MORPHOLOGICAL")) == every[2:4]
    assert relations(pages(family.client, path, direction="both")) == [every[4], every[7]]
    assert relations(pages(family.client, path, 1, direction="out", type="PART_OF")) == [every[5]]
    assert relations(pages(family.client, path, direction="in")) == []
    tender = pages(family.client, "/v1/learning-points/tender/relationships", direction="in")
    assert relations(tender) == [("PREREQUISITE_OF", "in", None, "gentle"), ("PREREQUISITE_OF", "in", None, "kindness")]
    # It is kept once, and has another name at its other end.
    assert relations(pages(family.client, "/v1/learning-points/boulder/relationships")) == [
        ("RELATED_TO", "both", "broader", "rock")]
    assert ("RELATED_TO", "both", "narrower", "boulder") in relations(
        pages(family.client, "/v1/learning-points/rock/relationships"))


def test_collocations_are_found_from_both_ends(family):
    for one, other in (("soft", "soft_rock"), ("soft_rock", "soft")):
        assert ids(pages(family.client, f"/v1/learning-points/{one}/collocations")) == [other]


def test_prerequisites_are_all_the_way_down_and_tell_what_the_child_knows(family):
    found = family.client.get("/v1/learning-points/tender/prerequisites").json["items"]
    assert [(item["distance"], item["learning_point"]["id"]) for item in found] == [
        (1, "gentle"), (1, "kindness"), (2, "kind")]
    know(family, "kind")
    know(family, "gentle", status="learning")
    for client in (family.client, family.server.client(device_token(family))):
        found = client.get(f"{family.base}/learning-points/tender/prerequisites").json["items"]
        assert [(item["learning_point"]["id"], item["status"], item["is_known"]) for item in found] == [
            ("gentle", "learning", False), ("kindness", None, False), ("kind", "verified", True)]


def device_token(family):
    return family.client.post(f"{family.base}/devices", {"name": "tablet"}).json["token"]


def test_what_is_near_comes_nearest_first_then_most_frequent(family):
    path = "/v1/learning-points/soft/related"
    by_distance = [(1, "gentle"), (1, "soft_rock"), (2, "kind"), (2, "rock"), (2, "tender"), (3, "stone"), (3, "unkind"),
                   (3, "kindness"), (3, "boulder"), (3, "kind_at_heart")]
    for degrees in (1, 2, 3):
        expected = [each for each in by_distance if each[0] <= degrees]
        for limit in (1, 3, 50):
            found = pages(family.client, path, limit, degrees=degrees)
            assert [(item["distance"], item["learning_point"]["id"]) for item in found] == expected
    assert ids(pages(family.client, path)) == ["gentle", "soft_rock"]
    # Being more common joins nothing.
    assert pages(family.client, "/v1/learning-points/lonely/related", degrees=3) == []


def test_what_the_child_knows_near_a_point_and_how_it_is_related(family):
    know(family, "kindness", "stone", "unkind")
    know(family, "soft_rock", "heart", status="learning")
    path = f"{family.base}/learning-points/soft/known-relations"
    assert pages(family.client, path) == [] == pages(family.client, path, degrees=2)
    found = pages(family.client, path, 1, degrees=3)
    assert [(item["distance"], item["learning_point"]["id"]) for item in found] == [
        (3, "stone"), (3, "unkind"), (3, "kindness")]
    assert [step["learning_point_id"] for step in found[0]["path"]] == ["soft_rock", "rock", "stone"]
    steps = [[(each["relationship_type"], each["direction"]) for each in step["relationships"]] for step in found[0]["path"]]
    assert [sorted(step) for step in steps] == [
        [("COLLOCATES_WITH", "both"), ("PART_OF", "out")], [("PART_OF", "in")], [("RELATED_TO", "both")]]
    assert [step["learning_point_id"] for step in found[2]["path"]] == ["gentle", "kind", "kindness"]
    # All ways in which two points are related.
    near = pages(family.client, f"{family.base}/learning-points/kind/known-relations")
    assert ids(near) == ["unkind", "kindness"]
    assert sorted((each["relationship_type"], each["direction"], each["kind"], each["affix"])
                  for each in near[1]["path"][0]["relationships"]) == [
        ("MORPHOLOGICAL", "out", "suffix", "-ness"), ("PREREQUISITE_OF", "out", None, None)]


@pytest.mark.parametrize("path", ["relationships", "collocations", "prerequisites", "related"])
def test_around_what_is_not_there_is_nothing(family, path):
    assert family.client.get(f"/v1/learning-points/no_such/{path}").status == 404
    assert family.client.get(f"/v1/learning-points/lonely/{path}").status == 200


def test_more_than_three_steps_or_a_cursor_of_something_else_are_refused(family):
    for query in ("degrees=4", "degrees=0", "cursor=00", "limit=0"):
        assert family.client.get(f"/v1/learning-points/kind/related?{query}").status == 400
    most = str(2**63 - 1)
    for path in ("/v1/learning-points/kind/related", f"{family.base}/learning-points/kind/known-relations"):
        answer = family.client.get(f"{path}?cursor={cursor_of(path, most, most, 'x')}")
        assert (answer.status, answer.json["items"]) == (200, [])


# Suggestions.

def suggested(family, limit=50, client=None):
    answer = (client or family.client).get(f"{family.base}/suggestions?limit={limit}")
    assert answer.status == 200, answer
    return {item["learning_point"]["id"]: item for item in answer.json["items"]}


def codes(item):
    return {reason["code"] for reason in item["reasons"]}


def test_beginners_get_the_most_frequent_words_of_tier_1(family):
    found = suggested(family)
    assert list(found)[:4] == ["at", "kind", "happy", "sad"]
    assert all(item["learning_point"]["tier"] == 1 for item in found.values())
    assert codes(found["at"]) == {"frequent", "at_level"}
    assert list(suggested(family, limit=2)) == ["at", "kind"]


KNOWN = ["kind", "happy", "heart", "at", "soft"]


def test_suggestions_follow_what_is_known_and_say_why(family):
    know(family, *KNOWN)
    know(family, "rock", status="learning")
    know(family, "sad", status="failed")
    found = suggested(family)
    # Never what is known or under way.
    assert not set(found) & {*KNOWN, "rock"}
    scores = [item["score"] for item in found.values()]
    assert scores == sorted(scores, reverse=True)
    assert list(found)[0] == "kind_at_heart"
    assert codes(found["kind_at_heart"]) == {"completes_phrase", "related"}
    assert codes(found["kindness"]) >= {"prerequisites_met", "related"}
    assert "failed_before" in codes(found["sad"])
    assert "related_to_current" in codes(found["stone"])
    assert codes(found["sadness"]) & {"two_steps"}
    # What it builds on is not known: gentle and kindness.
    assert "tender" not in found
    # "soft" is known, "rock" is not yet.
    assert "completes_phrase" not in codes(found["soft_rock"])
    text = {reason["code"]: reason["text"] for reason in found["kind_at_heart"]["reasons"]}
    assert text["completes_phrase"] == "The child knows every word of it."
    assert 'It contains "kind".' in text["related"]
    named = [reason for reason in found["sad"]["reasons"] if reason["code"] == "related"][0]["learning_points"]
    assert named == [{"id": "happy", "word": "happy"}]
    # The child may ask for itself, and for nobody else.
    child = family.server.client(device_token(family))
    assert suggested(family, client=child) == found
    assert child.get(f"{Family(family.server).base}/suggestions").status == 404


def test_words_with_an_affix_that_is_known_are_suggested(family):
    know(family, "kindness", "kind", "at", "heart", "rock")
    found = suggested(family)
    assert codes(found["sadness"]) >= {"same_affix"}
    reason = [reason for reason in found["sadness"]["reasons"] if reason["code"] == "same_affix"][0]
    assert reason["text"] == 'It is made with -ness, as "kindness" is.'


def test_staff_change_what_counts(database, tmp_path, own_server):
    load(database)
    family = Family(own_server.start())
    know(family, *KNOWN)
    assert list(suggested(family))[0] == "kind_at_heart"
    own_server.edit("lua/rules/suggestion.lua", "completes_phrase = 300", "completes_phrase = 0")
    own_server.edit("lua/rules/suggestion.lua", "at_level = 120", "at_level = 1000")
    own_server.reload()
    first = list(suggested(family).values())[0]
    assert first["learning_point"]["difficulty"] == "A1" and "at_level" in codes(first)


# Cost. Rows and pages are counted, as times depend on the machine.

SYNTHETIC = """
    delete from learning_points;
    insert into learning_points (id, word, type, tier, definition, frequency_rank, difficulty, band)
    select 'p' || n, substr(md5(n::text), 1, 6) || case n % 7 when 0 then 'ness' else '' end,
           case when n % 100 = 0 then 'idiom' when n % 10 = 0 then 'phrase' else 'word' end, 1 + n % 7, 'meaning ' || n, n,
           (array['A1', 'A2', 'B1', 'B2', 'C1', 'C2'])[1 + n * 6 / 20001], 10 + n % 9 * 10
    from generate_series(1, 20000) n;
    insert into relationships (source_id, type, target_id, kind, affix, origin)
    select 'p' || n, (array['PREREQUISITE_OF', 'PART_OF', 'MORPHOLOGICAL'])[1 + k],
           'p' || 1 + (n::bigint * (k * 7919 + 104729)) % 20000, case k when 2 then 'suffix' end, case k when 2 then '-ness' end,
           'test'
    from generate_series(1, 20000) n, generate_series(0, 2) k
    where n <> 1 + (n::bigint * (k * 7919 + 104729)) % 20000 and (k < 2 or n % 3 = 0)
    on conflict do nothing;
    -- Hubs: two thousand neighbours each, many of them the same ones.
    insert into relationships (source_id, type, target_id, origin)
    select least('p' || h, 'p' || n), 'RELATED_TO', greatest('p' || h, 'p' || n), 'test'
    from generate_series(1, 20) h, generate_series(1000, 2999) n
    on conflict do nothing;
"""
HUB, LEAF = "p1", "p10017"


def is_vacuumed(database):
    database.sql("checkpoint")
    database.sql("vacuum analyze learning_points, relationships")
    return database.sql("""select bool_and(relallvisible >= relpages * 0.9)
                           from pg_class where relname in ('learning_points', 'relationships')""") == "t"


@pytest.fixture(scope="module")
def synthetic(template):
    database = Database(template)
    database.sql(SYNTHETIC)
    # As long as the log of what was written is not on disk, vacuum can mark no page as seen by all; and plans for tables that
    # were just filled differ from those a day later.
    wait_for(lambda: is_vacuumed(database), "pages that all can see")
    yield database
    database.drop()


def statement(store, name):
    text = (PROJECT / f"lua/store/{store}.lua").read_text()
    return re.search(rf"\nlocal {name} = db\.sql \[\[(.*?)\]\]", text, re.S)[1]


def cost(database, store, name, arguments):
    """(pages, most rows of one node, sequential scans) of a statement, in the plan that serves any values."""
    done = psql(database.superuser_url, f"""
        set plan_cache_mode = force_generic_plan;
        prepare asked as {statement(store, name)};
        explain (analyze, buffers, costs off, timing off, format json) execute asked({arguments})""")
    plan = json.loads(done)[0]["Plan"]
    rows, scans, nodes = 0, 0, [plan]
    while nodes:
        node = nodes.pop()
        rows = max(rows, node["Actual Rows"] * node["Actual Loops"])
        scans += node["Node Type"] == "Seq Scan"
        nodes += node.get("Plans", [])
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], rows, scans


@pytest.mark.parametrize("place", ["0, 0, ''", "2, 2147483647, ''"])
@pytest.mark.parametrize("point", [HUB, LEAF])
def test_what_is_near_a_hub_costs_no_more_than_its_bound(synthetic, point, place):
    pages_read, rows, scans = cost(synthetic, "neighbours", "related", f"'{point}', 3, {place}, 51, 1000")
    # Three steps of a thousand relationships, and of each neighbour its rank: three pages.
    assert pages_read < 3 * (1000 * 3 + 1000 * 3) and rows <= 3001 and scans == 0


@pytest.mark.parametrize("point", [HUB, LEAF])
def test_what_is_known_near_a_hub_costs_no_more_than_its_bound(synthetic, point):
    pages_read, rows, scans = cost(synthetic, "neighbours", "known",
                                   f"'{point}', 3, 0, 0, '', 51, 1000, '00000000-0000-4000-8000-000000000000', array['RELATED_TO']")
    assert pages_read < 3 * (1000 * 3 + 1000 * 3 + 1000 * 3) and rows <= 3001


def test_a_page_of_a_hubs_relationships_costs_a_page(synthetic):
    pages_read, rows, scans = cost(synthetic, "neighbours", "relationships",
                                   f"'{HUB}', 'RELATED_TO', 'p2500', 'out', 51, array['RELATED_TO'], array['RELATED_TO']")
    assert pages_read < 300 and rows <= 104 and scans == 0


def test_a_short_step_needs_no_further_ones(synthetic):
    far, _, _ = cost(synthetic, "neighbours", "related", f"'{LEAF}', 3, 0, 0, '', 51, 1000")
    near, _, _ = cost(synthetic, "neighbours", "related", f"'{LEAF}', 1, 0, 0, '', 51, 1000")
    hub, _, _ = cost(synthetic, "neighbours", "related", f"'{HUB}', 3, 0, 0, '', 51, 1000")
    hub_near, _, _ = cost(synthetic, "neighbours", "related", f"'{HUB}', 1, 0, 0, '', 51, 1000")
    assert near < far
    # A hub's own neighbours fill the page.
    assert hub == hub_near


@pytest.mark.parametrize("name, arguments", [
    ("list_of_tier", "'', '', '~', 51, 3, 'idiom'"),
    ("list_of_type", "'', '', '~', 51, 3, 'idiom', 'C2', 30"),
    ("list_of_difficulty", "'', '', '~', 51, 3, 'word', 'C2', 33"),
    ("list_of_band", "'', '', '~', 51, 3, 'prefix', 30"),
    ("list_of_ending", "'ssen', '', 'ssen~', 51, 3, 'prefix', 'C2', 30, 'zz'"),
])
def test_a_list_that_finds_nothing_reads_one_slice(synthetic, name, arguments):
    pages_read, rows, scans = cost(synthetic, "learning_point_lists", name, arguments)
    assert scans == 0 and pages_read < 20000 / 6 * 1.2, "the largest slice, a level, is a sixth of all"


def test_suggestions_cost_no_more_for_who_knows_thousands(synthetic):
    synthetic.sql("""
        insert into users (id, email, password_hash, name, country, time_zone, created_at, updated_at)
        values ('00000000-0000-4000-8000-000000000001', 'a@example.org', 'x', 'A', 'TW', 'Asia/Taipei', now(), now());
        insert into children (id, parent_id, name, created_at, updated_at)
        select ('00000000-0000-4000-8000-0000000001' || lpad(n::text, 2, '0'))::uuid,
               '00000000-0000-4000-8000-000000000001', 'C', now(), now()
        from generate_series(1, 10) n;
        insert into learning_progress (child_id, learning_point_id, tier, learned_at, learned_on, status, verified_at,
                                       created_at, updated_at)
        select c.id, 'p' || n, 1, now(), current_date, 'verified', now(), now(), now()
        from children c, generate_series(1, 3000) n
        where n <= 40 or c.id = '00000000-0000-4000-8000-000000000101'""")
    synthetic.sql("vacuum analyze learning_progress, children")
    pages_of = {}
    for child in ("101", "102"):
        pages_of[child], rows, scans = cost(synthetic, "suggestions", "candidates",
                                            f"'00000000-0000-4000-8000-000000000{child}', 40, 10")
        assert scans == 0
    assert max(pages_of.values()) < 20000, pages_of
