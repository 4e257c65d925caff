"""A small cloud of learning points for tests: meanings with twins, opposites, kinds, families of words. Made up, but with
everything that real ones have."""

import itertools
import json

KINDS = ["animal", "plant", "tool", "place", "food", "colour", "vehicle", "garment", "sound", "game"]
SYLLABLES = ["ba", "do", "fi", "gu", "ka", "le", "mo", "nu", "pi", "ra", "se", "tu"]
FILLERS = ["river", "winter", "paper", "music", "garden", "market", "silver", "window", "summer", "bridge", "candle", "forest",
           "island", "kitchen", "ladder", "mirror", "needle", "orange", "pillow", "rocket", "saddle", "tunnel", "velvet"]


def points():
    """A hundred words: ten kinds of ten; within a kind two of one meaning, two with a second meaning each."""
    made = []
    syllables = itertools.permutations(SYLLABLES, 3)
    for k, kind in enumerate(KINDS):
        for n in range(10):
            word = "".join(next(syllables)) + "xyz"[n % 3]
            number = k * 10 + n
            synset = f"{number - 1 if n == 1 else number:08d}-n"
            words = [FILLERS[(number * step + k + step) % len(FILLERS)] for step in (3, 5, 7)]
            others = [f"9{number:07d}-n"] if n in (2, 3) else []
            made.append({
                "id": f"{word}.n.1", "word": word, "type": "word", "tier": 1 + n % 2, "part_of_speech": "noun",
                "definition": f"{'some' if n % 2 else 'any'} {words[0]} beside {words[1]} and {words[2]};" if n != 1
                else made[-1]["definition"],
                "example": f"They had never seen a {word} before in their town." if n % 3 == 0 else None,
                "frequency_rank": 100 + number * 40, "band": 10 + k * 5, "contexts": [kind], "synset": synset,
                "word_synsets": [synset, *others], "metadata": {"synonyms": []},
            })
        made[-9]["metadata"]["synonyms"] = [made[-10]["word"]]
        made[-10]["metadata"]["synonyms"] = [made[-9]["word"]]
    return made


def relationships(made):
    """(source, target, type, kind): the first of each kind is broader than the others; opposites between kinds."""
    edges = []

    def undirected(a, b, name, kind=None):
        if a > b:
            a, b, kind = b, a, {"broader": "narrower", "narrower": "broader"}.get(kind, kind)
        edges.append((a, b, name, kind))

    for k in range(len(KINDS)):
        ids = [point["id"] for point in made[k * 10:k * 10 + 10]]
        undirected(ids[0], ids[1], "RELATED_TO", "synonym")
        undirected(ids[2], ids[3], "RELATED_TO", "similar")
        for narrow in ids[4:]:
            undirected(narrow, ids[0], "RELATED_TO", "broader")
        undirected(ids[5], made[(k * 10 + 15) % 100]["id"], "OPPOSITE_OF")
        undirected(ids[6], ids[7], "COLLOCATES_WITH")
    return sorted(set(edges))


def load(database):
    """Put the cloud into a database; returns the points by id."""
    made = points()
    rows = json.dumps(made).replace("'", "''")
    edges = json.dumps([dict(zip(("s", "t", "n", "k"), edge)) for edge in relationships(made)])
    database.sql(f"""
        insert into learning_points (id, word, type, tier, definition, example, frequency_rank, contexts, metadata,
                                     part_of_speech, band, synset, word_synsets)
        select id, word, type, tier, definition, example, frequency_rank, contexts, metadata, part_of_speech, band, synset,
               word_synsets
        from jsonb_to_recordset('{rows}') as given (
          id text, word text, type text, tier integer, definition text, example text, frequency_rank integer,
          contexts text[], metadata jsonb, part_of_speech text, band integer, synset text, word_synsets text[]);
        insert into relationships (source_id, target_id, type, kind, origin)
        select s, t, n, k, 'test' from jsonb_to_recordset('{edges}') as given (s text, t text, n text, k text)""")
    return {point["id"]: point for point in made}


def kept(server, test):
    """The questions with their key, as the database has them."""
    return json.loads(server.database.sql(f"select questions from verification_schedule where id = {test}"))


def answers_to(server, test, right=99):
    """So many right answers, then wrong ones."""
    given = []
    for n, question in enumerate(kept(server, test)):
        wrong = next(option["id"] for option in question["options"] if option["id"] != question["right"])
        given.append({"question_id": question["id"], "option_id": question["right"] if n < right else wrong})
    return {"answers": given}
