"""What a child that has learned its words knows: not which option is right, but what words mean, and their opposites."""

import collections


def tidy(text):
    """As texts are compared: case, white space and the punctuation at the end say nothing."""
    return " ".join(text.split()).rstrip(" .;:,!").lower()


class Words:
    """All learning points of a database."""

    def __init__(self, database):
        self.points = {row["id"]: row for row in database.rows("select id, word, definition, tier from learning_points")}
        self.opposites = collections.defaultdict(set)
        for row in database.rows("select source_id, target_id from relationships where type = 'OPPOSITE_OF'"):
            self.opposites[row["source_id"]].add(row["target_id"])
            self.opposites[row["target_id"]].add(row["source_id"])
        self.ids = sorted(id_ for id_, row in self.points.items() if row["tier"] <= 4)

    def answer_to(self, question, point_id):
        """The option that knowledge of the point leads to; None if no option or several look right."""
        point = self.points[point_id]
        if question["type"] == "meaning":
            right = {tidy(point["definition"])}
        elif question["type"] == "opposite":
            right = {tidy(self.points[id_]["word"]) for id_ in self.opposites[point_id]}
        else:
            right = {tidy(point["word"])}
        found = [option["id"] for option in question["options"] if tidy(option["text"]) in right]
        return found[0] if len(found) == 1 else None
