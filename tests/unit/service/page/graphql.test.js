// The page's only client of /graphql, and the session beside it: who asks, and what is done with each answer.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import "./browser.js";
import { Offline, Refused, SignedOut } from "../../../../service/page/errors.js";
import { readClicks, readCustomer, readCustomers, readNotes, readRow, readSent } from "../../../../service/page/customers/queries.js";
import { act } from "../../../../service/page/message/queries.js";
import { forgetSession, openSession, session, signIn, signOut } from "../../../../service/page/session.js";

let asked;
let answers;

const json = (body, status = 200) => new Response(JSON.stringify(body), { status });
const edge = (response) => ({ cursor: "c", node: { info: { response }, message: { id: "m" } } });
const page = (edges) => ({ edges, pageInfo: { hasNextPage: false, endCursor: null } });

globalThis.fetch = async (path, options = {}) => {
  asked.push({ path, ...options, ...(path === "/graphql" ? JSON.parse(options.body) : {}) });
  const answer = answers.shift();
  if (answer instanceof Error) throw answer;
  return answer;
};

beforeEach(() => {
  asked = [];
  answers = [];
  forgetSession();
});

test("a customer is found by its id, or by any reference that is none", async () => {
  for (const [reference, variables] of [
    ["Customer_42", { id: "Customer_42" }], ["Customer_4x", { ref: "Customer_4x" }], ["xCustomer_4", { ref: "xCustomer_4" }], ["Customer_", { ref: "Customer_" }],
  ]) {
    answers = [json({ data: { customer: { id: "x" } } })];
    assert.deepEqual(await readCustomer(reference), { id: "x" });
    assert.deepEqual(asked.at(-1).variables, variables);
  }
});

test("an empty search is none", async () => {
  answers = [json({ data: { customers: page([]) } }), json({ data: { customers: page([]) } })];
  await readCustomers({ search: "", first: 50, after: null });
  await readCustomers({ search: "ann", attention: true, first: 50, after: "c" });
  assert.deepEqual(asked.map(({ variables }) => variables), [
    { search: null, attention: null, first: 50, after: null }, { search: "ann", attention: true, first: 50, after: "c" },
  ]);
});

test("each list is asked for by its name, and a row keeps four hundred characters of the server's words", async () => {
  const long = "x".repeat(401);
  answers = [
    json({ data: { customer: { emails: { sent: page([edge({ text: long }), edge(null)]) } } } }),
    json({ data: { customer: { emails: { connectionNotes: page([edge({ text: "short" })]) } } } }),
    json({ data: { customer: { emails: { clicks: page([{ cursor: "c", node: { url: "https://x" } }]) } } } }),
    json({ data: { message: { id: "m", info: { response: { text: long } } } } }),
    json({ data: { message: null } }),
  ];
  const sent = await readSent("C-1", { first: 50, after: null });
  assert.deepEqual(sent.edges.map(({ node }) => node.info.response?.text.length), [400, undefined]);
  assert.equal((await readNotes("C-1", { first: 50, after: null })).edges[0].node.info.response.text, "short");
  assert.equal((await readClicks("C-1", { message: "m", machines: true, first: 100, after: "c" })).edges.length, 1);
  assert.deepEqual(asked[2].variables, { ref: "C-1", message: "m", machines: true, first: 100, after: "c" });
  assert.equal((await readRow("m")).info.response.text.length, 400);
  assert.equal(await readRow("m"), null);
});

test("of an unknown customer every list is empty; a list that failed alone is refused with what was wrong", async () => {
  answers = [
    json({ data: { customer: null } }),
    json({ data: { customer: { emails: { sent: null } } }, errors: [{ message: "x", extensions: { code: "BAD_INPUT", argument: "after" } }] }),
  ];
  assert.deepEqual(await readSent("C-1", {}), page([]));
  await assert.rejects(readSent("C-1", {}), (error) => error instanceof Refused && error.argument === "after" && error.code === "BAD_INPUT");
});

test("without a session the page is signed out, and forgets the one it had", async () => {
  answers = [json({ name: "ann", csrfToken: "t" }), json({}, 401)];
  await openSession();
  await assert.rejects(readCustomer("C-1"), SignedOut);
  assert.equal(session(), null);
});

test("a session that has ended is forgotten when it is read again", async () => {
  answers = [json({ name: "ann", csrfToken: "t" }), json({}, 401), json({}, 503)];
  await openSession();
  await assert.rejects(openSession(), SignedOut);
  assert.equal(session(), null);
  await assert.rejects(openSession(), Refused);
});

test("what is no answer of ours is a service that is away, or its status", async () => {
  answers = [new TypeError("fetch failed"), new Response("<html>", { status: 502 }), new Response("<html>", { status: 500 }), new Response("<html>", { status: 499 })];
  for (const kind of [Offline, Offline, Offline, Refused]) await assert.rejects(readCustomer("C-1"), kind);
  answers = [json({ errors: [{ message: "Too deep", extensions: { code: "LIMIT" } }] }), json({}, 418), Object.assign(new Error("stop"), { name: "AbortError" })];
  await assert.rejects(readCustomer("C-1"), (error) => error.message === "Too deep" && error.code === "LIMIT");
  await assert.rejects(readCustomer("C-1"), /418/);
  await assert.rejects(readCustomer("C-1"), { name: "AbortError" });
});

test("after another tab has signed in a request is repeated once with that session's token", async () => {
  const refused = () => json({ errors: [{ message: "no", extensions: { code: "CSRF_TOKEN_MISSING" } }] });
  answers = [json({ name: "ann", csrfToken: "old" }), refused(), json({ name: "ann", csrfToken: "new" }), json({ data: { customer: null } })];
  await openSession();
  assert.equal(await readCustomer("C-1"), null);
  assert.deepEqual(asked.map(({ path, headers }) => [path, headers?.["X-CSRF-Token"]]), [
    ["/session", undefined], ["/graphql", "old"], ["/session", undefined], ["/graphql", "new"],
  ]);
  answers = [refused(), json({ name: "ann", csrfToken: "new" }), refused()];
  await assert.rejects(readCustomer("C-1"), /no/);
  assert.equal(answers.length, 0, "once, not for ever");
});

test("an action sends the message's id, and its refusals are said together", async () => {
  answers = [json({ data: { done: { userErrors: [] } } }), json({ data: { done: { userErrors: [{ message: "One." }, { message: "Two." }] } } })];
  await act("RETRY", { messageId: "m1" });
  assert.deepEqual(asked[0].variables, { input: { messageId: "m1" } });
  await assert.rejects(act("CANCEL", { messageId: "m1" }), { message: "One. Two." });
});

test("signing in: a token that is not valid is refused, a service in trouble says so", async () => {
  answers = [json({}, 401), json({}, 503), json({ name: "ann", csrfToken: "t" }, 201)];
  await assert.rejects(signIn("x"), (error) => error instanceof Refused && error.code === "UNAUTHENTICATED");
  await assert.rejects(signIn("x"), Refused);
  assert.equal(session(), null);
  assert.equal((await signIn("secret")).name, "ann");
  assert.deepEqual([asked.at(-1).method, asked.at(-1).body, session().name], ["POST", '{"token":"secret"}', "ann"]);
});

test("signing out: done when the session is gone, repeated for another tab's session, else said", async () => {
  const signedIn = async () => {
    answers = [json({ name: "ann", csrfToken: "t" })];
    await openSession();
  };
  for (const after of [[new Response(null, { status: 204 })], [json({}, 401)], [json({}, 403), json({ csrfToken: "u" }), new Response(null, { status: 204 })], [json({}, 403), json({}, 401), json({}, 401)]]) {
    await signedIn();
    answers = after;
    await signOut();
    assert.deepEqual([session(), answers.length], [null, 0]);
  }
  assert.equal(asked.filter(({ path }) => path === "/logout").at(-3).headers["X-CSRF-Token"], "u");
  for (const [after, kind] of [[[json({}, 500)], Refused], [[json({}, 403), json({}, 503)], Refused], [[json({}, 403), new TypeError("away")], Offline]]) {
    await signedIn();
    answers = after;
    await assert.rejects(signOut(), kind);
    assert.notEqual(session(), null);
  }
});
