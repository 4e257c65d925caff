// A parent and a child live the story by nothing but the generated client: its names, its types, its answers. It prints
// what has become of them; the first answer that is not as it should be ends it.
import { client } from "./client/client.gen.js";
import * as api from "./client/index.js";

declare const process: { argv: string[]; env: Record<string, string | undefined> };

const [base = "", admin = ""] = process.argv.slice(2);
const service = process.env.SERVICE_TOKEN ?? "";

interface Result<T> {
  data?: T;
  error?: unknown;
  response?: Response;
}

/** What was answered, when it was answered well. */
function good<T>(result: Result<T>): NonNullable<T> {
  if (!result.response?.ok || result.data === undefined || result.data === null) {
    throw new Error(`${result.response?.url} ${result.response?.status}: ${JSON.stringify(result.error)}`);
  }
  return result.data;
}

function isDone(result: Result<unknown>): void {
  equal(result.response?.status, 204);
}

/** The code of the problem that was to be expected. */
function code(result: Result<unknown> & { error?: api.Problem }): string {
  if (result.error === undefined) {
    throw new Error(`${result.response?.url} was to fail, and did not`);
  }
  equal(result.error.status, result.response?.status);
  return result.error.code;
}

function equal<T>(actual: T, expected: T): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) {
    throw new Error(`${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
  }
}

function first<T>(list: T[]): T {
  const [item] = list;
  if (item === undefined) {
    throw new Error("there is none");
  }
  return item;
}

async function nextDay(): Promise<void> {
  const moved = await fetch(`${admin}/clock`, { method: "POST", body: '{"advance_seconds": 86400}' });
  equal(moved.status, 200);
}

async function signUp(): Promise<api.Session> {
  const email = `${crypto.randomUUID()}@example.org`;
  const password = "correct horse battery";
  const user = good(await api.signUp({ body: { email, password, name: "Pat", time_zone: "Asia/Taipei" } }));
  equal(code(await api.signUp({ body: { email, password } })), "email_taken");
  const wrong = await api.logIn({ body: { email, password: "wrong horse battery" } });
  equal(code(wrong), "invalid_credentials");
  const session = good(await api.logIn({ body: { email, password } }));
  equal(session.user_id, user.id);
  return session;
}

/** An update says what it has seen: the ETag. */
async function rename(name: string): Promise<void> {
  const read = await api.getMe();
  good(read);
  const seen = read.response?.headers.get("ETag") ?? "";
  equal(good(await api.updateMe({ body: { name }, headers: { "If-Match": seen } })).name, name);
  equal(code(await api.updateMe({ body: { name: "Nobody" }, headers: { "If-Match": seen } })), "precondition_failed");
}

/** Two pages of one each, the second by the cursor of the first. */
async function twoPoints(): Promise<api.LearningPoint[]> {
  const query = { tier: 4, limit: 1 };
  const page = good(await api.listLearningPoints({ query }));
  const cursor = page.next_cursor;
  if (cursor === null) {
    throw new Error("there is no second page");
  }
  const second = good(await api.listLearningPoints({ query: { ...query, cursor } }));
  return [first(page.items), first(second.items)];
}

async function learn(path: { child_id: string }, point: api.LearningPoint): Promise<api.Progress> {
  const request = { path, body: { learning_point_id: point.id }, headers: { "Idempotency-Key": crypto.randomUUID() } };
  const progress = good(await api.beginLearning(request));
  equal(good(await api.beginLearning(request)).id, progress.id);
  equal(code(await api.beginLearning({ path, body: request.body })), "already_learning");
  equal(progress.status, "learning");
  return progress;
}

/** What the child is advised to begin with, why, and what is near it. */
async function advise(path: { child_id: string }): Promise<void> {
  const best = first(good(await api.listSuggestions({ path, query: { limit: 1 } })).items);
  equal(best.reasons.map((reason) => reason.code), ["frequent"]);
  const id = best.learning_point.id;
  equal(good(await api.listRelatedPoints({ path: { id }, query: { degrees: 3 } })).items, []);
  equal(good(await api.listKnownRelations({ path: { ...path, id } })).items, []);
}

/** Day by day until a test is due, then the result that the service reports. */
async function verify(path: { child_id: string }, token: () => Promise<void>): Promise<api.Outcome> {
  for (let day = 0; day < 14; day++) {
    const [test] = good(await api.listVerifications({ path, query: { due: true } })).items;
    if (test !== undefined) {
      const body = { passed: true, score: 92.5, questions: [{ ask: "What does it mean?" }], answers: ["b"] };
      return good(await api.completeVerification({ auth: service, path: { ...path, id: test.id }, body }));
    }
    await nextDay();
    await token();
  }
  throw new Error("no test became due");
}

async function withdraw(path: { child_id: string }, points: number): Promise<api.Withdrawal> {
  const body = { points_amount: points, bank_account: "012-345-6789012" };
  const request = { path, body, headers: { "Idempotency-Key": crypto.randomUUID() } };
  const withdrawal = good(await api.requestWithdrawal(request));
  equal(good(await api.requestWithdrawal(request)).id, withdrawal.id);
  return withdrawal;
}

async function live(): Promise<object> {
  client.setConfig({ baseUrl: base });
  equal(good(await api.getHealth()).status, "ok");
  let session = await signUp();
  client.setConfig({ auth: () => session.access_token });
  const refresh = async () => {
    session = good(await api.refreshSession({ body: { refresh_token: session.refresh_token } }));
  };
  await rename("Pat Lin");
  const child = good(await api.addChild({ body: { name: "Mei", age: 9 } }));
  const path = { child_id: child.id };
  await advise(path);
  const [known, other] = await twoPoints();
  const progress = await learn(path, known!);
  await learn(path, other!);
  const outcome = await verify(path, refresh);
  equal(outcome.progress.tier, progress.tier);
  equal(code(await api.requestWithdrawal({
    path, headers: { "Idempotency-Key": "more" },
    body: { points_amount: outcome.account.available_points + 1, bank_account: "012-345-6789012" },
  })), "insufficient_points");
  const both = await verify(path, refresh);
  const paid = await withdraw(path, 10);
  const kept = await withdraw(path, 20);
  const cancelled = good(await api.cancelWithdrawal({ path: { ...path, id: kept.id } }));
  equal(code(await api.cancelWithdrawal({ path: { ...path, id: kept.id } })), "wrong_status");
  equal(code(await api.getChild({ path: { child_id: crypto.randomUUID() } })), "not_found");
  const transactions = good(await api.listTransactions({ path, query: { limit: 100 } }));
  const account = good(await api.getAccount({ path }));
  isDone(await api.logOut());
  return { account, before: both.account, paid, cancelled, moves: transactions.items.map((move) => move.transaction_type) };
}

console.log(JSON.stringify(await live()));
