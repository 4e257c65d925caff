"""Questions about real words. The test reads WordNet itself and has its own idea of what could be right as well."""

import collections
import pathlib
import random
import re

import pytest

from cloud import kept
from support import PROJECT, Database, Family, Server

WORDNET = pathlib.Path("/usr/share/wordnet")
PARTS = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
TESTS = 500
NEAR = {"@", "~", "&"}


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A server with all words."""
    database = Database()
    server = Server(tmp_path_factory.mktemp("real"), database)
    (server.root / "data").symlink_to(PROJECT / "data")
    server.command("migrate", "up")
    server.command("words", "load")
    server.start()
    yield server
    server.stop()
    database.drop()


@pytest.fixture(scope="module")
def senses():
    """word → its synsets in every part of speech."""
    found = collections.defaultdict(set)
    for letter, part in PARTS.items():
        for line in (WORDNET / f"index.{part}").read_text().splitlines():
            if not line.startswith(" "):
                fields = line.split()
                found[fields[0].replace("_", " ")] |= {(letter, offset) for offset in fields[-int(fields[2]):]}
    return found


@pytest.fixture(scope="module")
def pointers():
    """synset → synsets that are broader, narrower or similar."""
    found = collections.defaultdict(lambda: collections.defaultdict(set))
    for letter, part in PARTS.items():
        for line in (WORDNET / f"data.{part}").read_text().splitlines():
            if line.startswith(" "):
                continue
            fields = line.split(" | ")[0].split()
            first = 5 + 2 * int(fields[3], 16)
            for n in range(first, first + 4 * int(fields[first - 1]), 4):
                if fields[n] in NEAR:
                    found[letter, fields[0]][fields[n]].add((letter, fields[n + 1]))
    return found


def near(pointers, synset):
    """Within two steps up, down or aside; not up and down again: those are of the same kind, and wrong."""
    found = {synset}
    for sign, one in [(sign, one) for sign, ones in pointers[synset].items() for one in ones]:
        found.add(one)
        for again, others in pointers[one].items():
            if {sign, again} != {"@", "~"}:
                found |= others
    return found


def akin(pointers, synset):
    """Similar to the same head as this one, as lavender and chestnut are to chromatic: of the same kind, mostly wrong."""
    return {other for head in pointers[synset]["&"] for other in pointers[head]["&"]} - pointers[synset]["&"]


def synset_of(point):
    """The cloud's name of a meaning ends in its part of speech and has its offset in it."""
    offset, letter = re.search(r"\d{8}", point["synset"]), re.search(r"[nvar]", point["synset"])
    return letter and offset and (letter[0], offset[0])


def test_no_answer_about_real_words_is_right_twice(real, senses, pointers):
    points = {row["id"]: row for row in real.database.rows("select * from learning_points order by id")}
    chosen = random.Random(5).sample([id_ for id_, row in points.items() if row["type"] not in ("prefix", "suffix")], TESTS)
    positions, kinds, longest, sizes, faults = collections.Counter(), collections.Counter(), 0, collections.Counter(), []
    for first in range(0, TESTS, 20):
        family = Family(real)
        for id_ in chosen[first:first + 20]:
            test = family.learn(id_)["next_verification"]["id"]
            started = family.client.post(f"{family.base}/verifications/{test}/start")
            assert started.status == 200, (id_, started)
            questions = kept(real, test)
            texts = [option["text"] for option in questions[0]["options"]]
            positions[[option["id"] for option in questions[0]["options"]].index(questions[0]["right"])] += 1
            for question in questions:
                faults += inspect(points, senses, pointers, question, [one["prompt"] for one in questions])
                kinds[question["type"]] += 1
                sizes[len(question["options"])] += 1
                real_texts = [option["text"] for option in question["options"] if option["role"] != "unknown"]
                right = next(option["text"] for option in question["options"] if option["id"] == question["right"])
                longest += len(right) == max(map(len, real_texts)) and question is questions[0]
            assert len(set(texts)) == len(texts)
    # Where hardly any definition is as short or as long, the nearest ones have to do.
    odd = [fault for fault in faults if fault[0] == "much longer or shorter"]
    assert len(odd) < 0.02 * sum(kinds.values()) * 4, odd
    # Heads that are not in the list of words are not known to the cloud.
    same_head = [fault for fault in faults if fault[0] == "similar to the same head"]
    assert len(same_head) < 0.002 * sum(kinds.values()) * 4, same_head
    faults = [fault for fault in faults if fault not in odd + same_head]
    assert not faults, faults[:5]
    assert sum((positions[n] - TESTS / 6) ** 2 / (TESTS / 6) for n in range(6)) < 30.9, positions
    # One in five, were it chance alone; twice that would be worth knowing for a guesser.
    assert longest < 0.4 * TESTS
    assert set(kinds) == {"meaning", "word", "opposite", "gap"}, kinds
    # Six options; one less where hardly anything is there that could not be right as well.
    assert set(sizes) <= {6, 5} and sizes[5] < 0.01 * sum(sizes.values()), sizes


def inspect(points, senses, pointers, question, prompts):
    key = next(option for option in question["options"] if option["id"] == question["right"])
    right = points[key["point"]]
    if re.search(rf"\b{re.escape(right['word'].lower())}\b", question["prompt"].lower()) and key["text"] == right["word"]:
        yield "the prompt has the answer", question
    if key["text"] in prompts:
        yield "another prompt is the answer", question
    close = near(pointers, synset_of(right)) if synset_of(right) else set()
    alike = akin(pointers, synset_of(right)) if synset_of(right) else set()
    for option in question["options"]:
        wrong = points.get(option.get("point"))
        if not wrong or option is key:
            continue
        if senses[right["word"].lower()] & senses[wrong["word"].lower()]:
            yield "they share a meaning", right["id"], wrong["id"]
        if synset_of(wrong) in alike:
            yield "similar to the same head", right["id"], wrong["id"]
        elif synset_of(wrong) in close:
            yield "broader, narrower or similar", right["id"], wrong["id"]
        if wrong["part_of_speech"] != right["part_of_speech"]:
            yield "another part of speech", right["id"], wrong["id"]
        if not 0.5 <= len(option["text"]) / len(key["text"]) <= 2 and question["type"] == "meaning":
            yield "much longer or shorter", key["text"], option["text"]
