"""Parents, their children and how they live: who learns how often and how well, who is greedy, hasty, or goes away."""

import collections
import random
import threading
import uuid

# What an honest child may run into.
START_REFUSALS = ("daily_limit", "too_early", "too_many_starts", "no_questions", "already_completed", "under_review")
ANSWER_REFUSALS = ("daily_limit", "already_completed")
BEGIN_REFUSALS = ("daily_limit", "already_learning")
WITHDRAWAL_REFUSALS = ("in_deficit", "insufficient_points", "tests_overdue", "below_minimum", "daily_limit")

TIME_ZONES = ("Asia/Taipei", "Asia/Taipei", "Asia/Taipei", "Asia/Taipei", "Europe/London", "America/New_York")
CHILDREN_MOST = 4         # of one parent; less than the limit
UNDER_WAY_MOST = 3        # words that a child learns at the same time, unless it is greedy
COMES = 0.1, 0.3          # how often it opens the app
GREEDY_EVERY = 250        # one child of so many comes every day and takes all there is
GREEDY_BEGINS = 22        # more than a day allows
GREEDY_STARTS = 52        # the same
FORGETS, IMPATIENT, WRONG_TWICE = 0.02, 0.03, 0.3  # how often


class Child:
    """One child with two devices. What it does is decided by its own random numbers."""

    def __init__(self, family, number):
        self.family, self.line, self.words, self.tally = family, family.line, family.words, family.tally
        self.random = random.Random(f"{family.seed} {number}")
        child = self.line.call("POST", "/v1/children", family.token, {"name": f"Child {number}", "age": 6 + number % 9})
        self.id = child["id"]
        self.base = f"/v1/children/{self.id}"
        self.tokens = [self.line.call("POST", f"{self.base}/devices", family.token, {"name": name})["token"]
                       for name in ("phone", "tablet")]
        self.greedy_days = family.greedy_days if number % GREEDY_EVERY == 0 else 0
        self.is_hasty = number % 29 == 3
        self.has_two_devices = number % 17 == 5
        self.is_struggling = number % 11 == 7
        self.stays_days = self.random.randrange(20, 60) if number % 23 == 9 else None
        self.skill = 0.45 if self.is_struggling else 1 - 0.35 * self.random.random()
        self.comes = self.random.uniform(*COMES)
        self.under_way = set()  # points that are learned and not known yet
        self.started = []       # (id of the test, learning point, questions)
        self.has_unpaid = False
        self.begun, self.tested = collections.Counter(), collections.Counter()  # by day

    def opens_app(self, day):
        if day < self.greedy_days:
            return True
        return (self.stays_days is None or day < self.stays_days) and self.random.random() < self.comes

    def call(self, method, path, body=None, allowed=(), device=0):
        return self.line.call(method, self.base + path, self.tokens[device], body, allowed=allowed)

    def study(self, day):
        """Start what is due, begin something new, start that as well. Who is hasty answers at once."""
        for test in self.call("GET", f"/verifications?due=true&limit={GREEDY_STARTS}")["items"]:
            if not test["flagged_at"]:
                self.start(test["id"], test["learning_point_id"])
        self.begin(day)
        if self.is_hasty and self.random.random() < 0.5:
            self.tally.add("hasty visits")
            self.answer(day)

    def begin(self, day):
        wanted = min(self.random.choice((0, 1, 1, 2)), UNDER_WAY_MOST - len(self.under_way))
        if day < self.greedy_days:
            wanted = GREEDY_BEGINS
        if wanted <= 0:
            return
        points = [item["learning_point"]["id"] for item in self.call("GET", f"/suggestions?limit={wanted}")["items"]]
        while len(points) < wanted:
            points.append(self.random.choice(self.words.ids))
        for point in points:
            begun = self.call("POST", "/progress", {"learning_point_id": point}, BEGIN_REFUSALS)
            if begun:
                self.begun[day] += 1
                self.under_way.add(point)
                self.start(begun["next_verification"]["id"], point)

    def start(self, test, point):
        started = self.call("POST", f"/verifications/{test}/start", allowed=START_REFUSALS)
        if started and self.random.random() >= FORGETS:
            self.started.append((test, point, started["questions"]))
        return started

    def answer(self, day):
        """Answer what was started, as well as the child knows."""
        for test, point, questions in self.started:
            answers, known = self.choose(questions, point)
            answered = self.send(test, answers)
            if not answered:
                continue
            self.tally.add(f"tests {answered['status']}")
            if [question["is_right"] for question in answered["questions"]] != known:
                self.tally.add("questions judged otherwise")
            if answered["status"] == "completed":
                self.tested[day] += 1
                self.learn_from(answered["outcome"])
        self.started = []

    def choose(self, questions, point):
        answers, known = [], []
        for question in questions:
            right = self.words.answer_to(question, point)
            if not right:
                self.tally.add("questions without an answer")
            knows = bool(right) and self.random.random() < self.skill
            others = [option["id"] for option in question["options"] if option["id"] != right]
            answers.append({"question_id": question["id"], "option_id": right if knows else self.random.choice(others)})
            known.append(knows)
        return {"answers": answers}, known

    def send(self, test, answers):
        """From one device, or from both at once: the same answers or, sometimes, others from the second one."""
        path = f"/verifications/{test}/answers"
        if not self.has_two_devices:
            return self.call("POST", path, answers, ANSWER_REFUSALS)
        self.tally.add("tests answered twice at once")
        second, results = answers, [None, None]
        if self.random.random() < WRONG_TWICE:
            second = {"answers": answers["answers"][:-1] + [{**answers["answers"][-1], "option_id": "nothing"}]}

        def from_second():
            results[1] = self.call("POST", path, second, (*ANSWER_REFUSALS, "invalid_answers"), device=1)

        other = threading.Thread(target=from_second)
        other.start()
        results[0] = self.call("POST", path, answers, ANSWER_REFUSALS)
        other.join()
        if results[0] and results[1] and results[0] != results[1]:
            self.tally.add("devices told otherwise")
        return results[0]

    def learn_from(self, outcome):
        """What a completed test has led to."""
        progress, point = outcome["progress"], outcome["verification"]["learning_point_id"]
        self.tally.add("tests passed" if outcome["verification"]["passed"] else "tests failed")
        if progress["status"] in ("verified", "failed"):
            self.under_way.discard(point)
        self.tally.add("discoveries", len(outcome["discoveries"]))
        for bonus in outcome["bonuses"]:
            self.tally.add("bonuses held back" if bonus["refusal"] else "bonuses paid at once")
            self.has_unpaid = self.has_unpaid or bool(bonus["refusal"])
        if outcome["next_verification"] and self.random.random() < IMPATIENT:
            if self.call("POST", f"/verifications/{outcome['next_verification']['id']}/start", allowed=("too_early",)):
                self.tally.add("tests given too early")


class Family:
    """A parent with children."""

    def __init__(self, world, first_number, count):
        self.line, self.words, self.tally = world.line, world.words, world.tally
        self.seed, self.greedy_days = world.seed, world.greedy_days
        self.random = random.Random(f"{world.seed} family {first_number}")
        credentials = {"email": f"{uuid.uuid4().hex}@example.org", "password": uuid.uuid4().hex}
        self.line.call("POST", "/v1/users", body={**credentials, "time_zone": self.random.choice(TIME_ZONES)})
        self.token = self.line.call("POST", "/v1/sessions", body=credentials)["access_token"]
        self.children = [Child(self, first_number + n) for n in range(count)]

    def look_after(self):
        """Look at a child's points; ask for them, now and then twice, or for more than there is; change one's mind."""
        for child in self.children:
            if self.random.random() > 0.08:
                continue
            available = self.line.call("GET", f"{child.base}/account", self.token)["available_points"]
            self.line.call("GET", f"{child.base}/summary", self.token)
            points = max(1, round(available * self.random.choice((0.3, 0.6, 0.6, 1, 1, 1.1))))
            for _ in range(self.random.choice((1, 1, 2))):
                self.withdraw(child, points)

    def withdraw(self, child, points):
        body = {"points_amount": points, "bank_account": "812-0012345678901"}
        asked = self.line.call("POST", f"{child.base}/withdrawals", self.token, body, uuid.uuid4().hex, WITHDRAWAL_REFUSALS)
        if asked:
            self.tally.add("withdrawals requested")
            if self.random.random() < 0.1:
                self.line.call("POST", f"{child.base}/withdrawals/{asked['id']}/cancellation", self.token)
                self.tally.add("withdrawals cancelled")
