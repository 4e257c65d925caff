"""The days: the clock moves on, children come, parents ask for money, staff and operators do their work."""

import collections
import concurrent.futures
import random
import threading
import uuid

from families import CHILDREN_MOST, Family
from support import PATIENT
from wire import Line
from words import Words

DAY_S, HOUR_S, MINUTE_S = 86400, 3600, 60
READING_S = 10 * MINUTE_S    # between start and answers
WANDER_S = 2 * HOUR_S        # a day's visits come so much earlier or later than the day before: 24 hours are not a day
THREADS = 8                  # children who use the app at the same moment
UNPAID_EVERY_DAYS = 7        # staff look at bonuses that were held back
PAGE = 200

# One token for the whole run; connections and statements that wait for their turn, however busy the machine.
ENVIRONMENT = PATIENT | {
    "LEXICRAFT_AUTH_ACCESS_TOKEN_S": str(DAY_S),
    "LEXICRAFT_HTTP_IDLE_MS": str(HOUR_S * 1000),
}


class Tally:
    """Counts that threads share."""

    def __init__(self):
        self.lock, self.counts = threading.Lock(), collections.Counter()

    def add(self, name, count=1):
        with self.lock:
            self.counts[name] += count


class World:
    """All families, on one server whose clock is moved."""

    def __init__(self, server, children, greedy_days, seed=1):
        self.server, self.greedy_days, self.seed, self.random = server, greedy_days, seed, random.Random(seed)
        self.line, self.tally, self.words = Line(server.api), Tally(), Words(server.database)
        self.staff, self.operator = (server.token(role, sub=f"the {role}", ttl="24h") for role in ("staff", "operator"))
        self.pool = concurrent.futures.ThreadPoolExecutor(THREADS)
        counts = []
        while sum(counts) < children:
            counts.append(min(self.random.randint(1, CHILDREN_MOST), children - sum(counts)))
        firsts = [sum(counts[:n]) for n in range(len(counts))]
        self.families = self.all_of(lambda given: Family(self, *given), zip(firsts, counts))
        self.children = {child.id: child for family in self.families for child in family.children}
        self.elapsed_s = 0

    def all_of(self, job, things):
        """Do something with each, several at a time."""
        return list(self.pool.map(job, things))

    def move(self, seconds):
        """Business time goes on; real time hardly counts."""
        self.server.advance(seconds=seconds)
        self.elapsed_s += seconds

    def live(self, day):
        visits_at_s = day * DAY_S + self.random.randint(0, WANDER_S)
        self.move(visits_at_s - self.elapsed_s)
        visitors = [child for child in self.children.values() if child.opens_app(day)]
        self.tally.add("visits", len(visitors))
        self.all_of(lambda child: child.study(day), visitors)
        self.move(READING_S)
        self.all_of(lambda child: child.answer(day), visitors)
        self.all_of(Family.look_after, self.families)
        self.operate()
        self.review()
        if day % UNPAID_EVERY_DAYS == UNPAID_EVERY_DAYS - 1:
            self.all_of(self.pay_unpaid, [child for child in self.children.values() if child.has_unpaid])

    def pages(self, path, token):
        """All items of a list, a page at a time."""
        cursor = ""
        while cursor is not None:
            found = self.line.call("GET", f"{path}{'&' if '?' in path else '?'}limit={PAGE}{cursor}", token)
            yield from found["items"]
            cursor = f"&cursor={found['next_cursor']}" if found["next_cursor"] else None

    def operate(self):
        """What waits for the bank is taken up; what was taken up is paid, or comes back."""
        for status in ("processing", "pending"):
            for withdrawal in list(self.pages(f"/v1/withdrawals?status={status}", self.operator)):
                self.move_on(withdrawal, status)

    def move_on(self, withdrawal, status):
        body = {"status": "processing"}
        if status == "processing":
            is_paid = self.random.random() < 0.85
            body = {"status": "completed", "transaction_id": uuid.uuid4().hex} if is_paid else {"status": "failed"}
            self.tally.add(f"withdrawals {body['status']}")
        path = f"/v1/children/{withdrawal['child_id']}/withdrawals/{withdrawal['id']}/status"
        self.line.call("POST", path, self.operator, body)

    def review(self):
        """Staff decide about answers that came too fast."""
        for item in list(self.pages("/v1/flagged-verifications", self.staff)):
            test, decision = item["verification"], self.random.choice(("accept", "reject"))
            path = f"/v1/children/{test['child_id']}/verifications/{test['id']}/review"
            decided = self.line.call("POST", path, self.staff, {"decision": decision, "reason": "looked at it"})
            self.tally.add(f"reviews: {decision}")
            if decided and decided["outcome"]:
                self.children[test["child_id"]].learn_from(decided["outcome"])

    def pay_unpaid(self, child):
        for bonus in list(self.pages(f"{child.base}/bonuses?awarded=false", self.staff)):
            if bonus["refusal"] != "nothing_to_pay" and child.random.random() < 0.5:
                paid = self.line.call("POST", f"{child.base}/bonuses/{bonus['id']}/payment", self.staff,
                                      allowed=("nothing_to_pay",))
                self.tally.add("bonuses paid by staff" if paid else "bonuses above the most of a word")

    def close(self):
        self.pool.shutdown()
