// The lists of addresses: what each row offers, what a plan says before it acts, and what becomes of a row that was dealt with.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { markup, newPage, settled } from "./browser.js";
import { Addresses } from "../../../../service/page/addresses/addresses.js";
import { correctionPlan, differing, suggestion } from "../../../../service/page/addresses/correction.js";
import { liftPlan } from "../../../../service/page/addresses/lift.js";
import { actionsOnBad, actionsOnSuppressed, badRow, optedOutRow, suppressedRow } from "../../../../service/page/addresses/rows.js";

const NOON = "2026-11-23T12:00:00Z";
const CUSTOMER = { id: "Customer_7", name: "Ann", externalRef: "C-1" };
const STANDS = { id: "S1", reason: "BAD_ADDRESS", scope: "ALL_MAIL", suppressedAt: NOON, by: "gateway", why: null, heldMessages: 2, message: { id: "m1", subject: "Offer" } };
const bad = (values = {}) => ({
  id: "B1", address: "ann@willowmial.example", failedAt: NOON, failingSince: NOON, cause: "BAD_DOMAIN", waitingMessages: 3, customer: CUSTOMER,
  message: { id: "m1", subject: "Offer", actions: ["RETRY"], info: { response: { code: 550, enhancedCode: "5.1.2", text: "5.1.2 no such domain" }, report: null } },
  suppression: null, solutions: [{ kind: "TYPO", text: "Is it willowmail.example?", address: "ann@willowmail.example" }], ...values,
});
const text = (shown) => markup(shown).replace(/<[^>]*>/g, "").replace(/\s+/g, " ").trim();

let api;
let app;
let undone;
let went;

globalThis.fetch = async (_, { body }) => {
  const { query, variables } = JSON.parse(body);
  const operation = /(?:query|mutation) (\w+)/.exec(query)[1];
  api.asked.push([operation, variables]);
  return new Response(JSON.stringify(api.answers[operation]?.(variables) ?? { data: { done: { retried: 3, released: 0, userErrors: [] } } }));
};

const page = (nodes) => ({ data: { list: { edges: nodes.map((node, place) => ({ cursor: `c${place}`, node })), pageInfo: { hasNextPage: false, endCursor: null } } } });
const count = (value) => ({ totalCount: { value, precision: "EXACT" } });

beforeEach(() => {
  newPage();
  [undone, went] = [[], []];
  api = { asked: [], answers: {
    BadAddresses: () => page([bad(), bad({ id: "B2", address: "bo@x.example", solutions: [] })]),
    Suppressed: () => page([]), OptedOut: () => page([]),
    AddressCounts: () => ({ data: { badAddresses: count(2), suppressions: count(3), customers: count(5) } }),
  } };
  app = {
    readOnly: false, offline: false, changed: () => {}, announce: () => {}, guard: (call) => call, to: () => () => {},
    query: (change) => went.push(change), undoable: (said, undo) => undone.push([said, undo]),
  };
});

/** The view at a tab, once its first rows are there. */
async function opened(tab = "bad", query = {}) {
  const place = { view: "addresses", path: [tab], query };
  const view = new Addresses(place, app);
  clearInterval(view.poll);
  view.arrive(place);
  await settled();
  return view;
}
const first = (view) => [...view.list.rows()][0];

test("a suggestion shows which letters change", () => {
  assert.deepEqual(differing("gmial.com", "gmail.com"), ["gm", "ai", "l.com"]);
  assert.deepEqual(differing("a.example", "a.example"), ["a.example", "", ""]);
  assert.deepEqual(differing("aa", "aaa"), ["aa", "a", ""]);
  assert.deepEqual(differing("aaa", "aa"), ["aa", "", ""]);
  assert.match(markup(suggestion("ann@gmial.com", "ann@gmail.com")), />gm<b>ai<\/b>l\.com</);
  // Another address altogether is shown whole
  assert.equal(text(suggestion("ann@x.example", "office@x.example")), "office@x.example");
});

test("what can be done about a bad address, the safest first", () => {
  const kinds = (values) => actionsOnBad(bad(values)).map(({ kind }) => kind);
  assert.deepEqual(kinds({}), ["use", "retry", "edit"]);
  assert.deepEqual(kinds({ suppression: STANDS, message: null }), ["use", "edit", "lift"]);
  assert.deepEqual(kinds({ solutions: [{ kind: "WAIT", text: "Wait.", address: null }] }), ["retry", "edit"]);
  assert.deepEqual(actionsOnSuppressed({ address: null }), [], "an erased address cannot be lifted");
});

test("a row of a bad address says whose, why, and in the server's words; who may only read has no button", () => {
  const shown = (values, readOnly = false) => badRow({ app, choose: () => {}, readOnly })({ cursor: "c", node: bad(values) });
  assert.match(text(shown({})), /Ann.*willowmial.*No such domain.*550 5\.1\.2 no such domain.*Use willowmail\.example/);
  assert.match(text(shown({ failingSince: "2026-11-12T12:00:00Z" })), /failing since/);
  assert.doesNotMatch(text(shown({})), /failing since/);
  assert.doesNotMatch(markup(shown({}, true)), /<button/);
  assert.match(text(shown({}, true)), /Is it willowmail/);
});

test("a suppressed address says why, since when, by whom and where the evidence is", () => {
  const shown = (values) => text(suppressedRow({ app, choose: () => {}, readOnly: false })({ cursor: "c", node: { ...STANDS, address: "a@b.example", customer: CUSTOMER, ...values } }));
  assert.match(shown({}), /No such mailbox · no mail at all since .*by the gateway.*the message.*Lift/);
  assert.match(shown({ by: "jo", why: "asked by phone", message: null }), /by jo: “asked by phone”/);
  assert.match(shown({ address: null, customer: null }), /Nobody’s now.*erased address/);
  assert.doesNotMatch(shown({ address: null }), /Lift/);
});

test("who opted out is named with each choice, how it came about and by whom", () => {
  const node = { ...CUSTOMER, addresses: [], optOuts: { marketing: { optedOutAt: NOON, by: "customer", source: "LINK" }, eventBased: { optedOutAt: NOON, by: "jo", source: "STAFF" } } };
  const shown = text(optedOutRow({ app })({ node }));
  assert.match(shown, /No marketing campaigns since .*by the unsubscribe page.*No event-based campaigns.*\(jo\)/);
  assert.match(markup(optedOutRow({ app })({ node })), /href=\/customers\/Customer_7\/choices/);
});

test("the plan of a correction names the address, how many messages go, and what stays", () => {
  const shown = (values) => text(correctionPlan({ address: "a@x", to: "a@y", waiting: 3, act: () => {}, back: () => {}, ...values }));
  assert.match(shown({}), /Correct to a@y\?.*3 messages that wait.*stays.*Correct and retry 3 messages/);
  assert.match(shown({ waiting: 1 }), /1 message that waits.*Correct and retry 1 message /);
  assert.match(shown({ waiting: 0 }), /No message waits.*Correct the address/);
  assert.match(shown({ to: null, waiting: null }), /Which address is right\?/);
});

test("lifting says first what stood against it", () => {
  const shown = (values) => text(liftPlan({ address: "a@x", suppression: { ...STANDS, ...values }, act: () => {}, back: () => {} }));
  assert.match(shown({ reason: "COMPLAINT" }), /May we mail a@x\?.*reported our message as spam. Only lift it if the customer asked/);
  assert.match(shown({}), /Send the 2 messages held for it/);
  assert.doesNotMatch(shown({ heldMessages: 0 }), /held for it/);
});

test("the tabs have counts, and a search is of the list that is shown", async () => {
  const view = await opened("bad", { search: " ann " });
  assert.deepEqual(view.tab, "bad");
  assert.deepEqual(api.asked.find(([name]) => name === "BadAddresses")[1], { search: "ann", first: 50, after: null });
  assert.match(text(view.view()), /Bad 2.*Suppressed 3.*Opted out 5/);
  view.arrive({ view: "addresses", path: ["suppressed"], query: {} });
  await settled();
  assert.match(text(view.view()), /Nobody is suppressed/);
  view.leave();
});

test("each list can be fetched as a file, as it is searched", async () => {
  const fetched = [];
  globalThis.location.assign = (url) => fetched.push(url);
  for (const [tab, operation] of [["bad", "ExportBadAddresses"], ["suppressed", "ExportSuppressed"], ["opted-out", "ExportOptedOut"]]) {
    api.answers[operation] = ({ search }) => ({ data: { list: { exportUrl: `/exports/${operation}/${search}` } } });
    const view = await opened(tab, { search: "ann" });
    await view.export();
    view.leave();
  }
  assert.deepEqual(fetched, ["/exports/ExportBadAddresses/ann", "/exports/ExportSuppressed/ann", "/exports/ExportOptedOut/ann"]);
});

test("a correction takes two presses; then the row leaves, it is said, and what goes out is not undone", async () => {
  const view = await opened();
  const edge = first(view);
  view.choose(edge, actionsOnBad(edge.node)[0]);
  assert.match(text(view.view()), /Correct to ann@willowmail\.example\?/);
  await view.correct(edge.node, view.asked.to);
  assert.deepEqual(api.asked.find(([name]) => name === "Correct")[1].input, { customerId: "Customer_7", address: "ann@willowmial.example", correctAddress: "ann@willowmail.example" });
  assert.deepEqual(undone, [["Corrected to ann@willowmail.example. 3 messages go out again.", null]]);
  assert.equal(view.asked, null);
  assert.doesNotMatch(text(view.view()), /willowmial/);
  view.leave();
});

test("a suppression that was lifted stands again after Undo", async () => {
  api.answers.Suppressed = () => page([{ ...STANDS, address: "ann@x.example", customer: CUSTOMER }]);
  api.answers.Lift = () => ({ data: { done: { released: 1, suppression: { id: "S1" }, userErrors: [] } } });
  const view = await opened("suppressed");
  view.choose(first(view), { kind: "lift" });
  await view.lift(first(view).node, { why: "They called", releaseHeld: true });
  assert.match(undone[0][0], /ann@x\.example may be mailed again\. 1 held message goes out/);
  await undone[0][1]();
  assert.deepEqual(api.asked.find(([name]) => name === "SuppressAgain")[1].input, { suppressionId: "S1" });
  view.leave();
});

test("an address that was typed and looks mistyped is warned of once, and used when it is given again", async () => {
  api.answers.CheckAddress = ({ address }) => ({ data: { checkAddress: { warnings: address.endsWith("gmial.com") ? [{ text: "gmial.com looks like gmail.com mistyped." }] : [] } } });
  const view = await opened();
  const corrected = () => api.asked.filter(([name]) => name === "Correct").map(([, { input }]) => input.correctAddress);
  view.choose(first(view), { kind: "edit" });
  await view.correct(first(view).node, "ann@gmial.com", true);
  assert.match(text(view.view()), /gmial\.com looks like gmail\.com mistyped\. If it is right all the same, press the button once more/);
  // Another address is looked at for itself, and the first again when it comes back
  api.answers.Correct = () => ({ data: { done: { retried: 0, userErrors: [{ message: "Refused." }] } } });
  await view.correct(first(view).node, "ann@fine.example", true);
  await view.correct(first(view).node, "ann@gmial.com", true);
  assert.deepEqual(corrected(), ["ann@fine.example"]);
  await view.correct(first(view).node, "ann@gmial.com", true);
  assert.deepEqual(corrected(), ["ann@fine.example", "ann@gmial.com"]);
  view.leave();
});

test("a correction after which nothing goes out can be undone", async () => {
  api.answers.Correct = () => ({ data: { done: { retried: 0, userErrors: [] } } });
  const view = await opened();
  view.choose(first(view), { kind: "edit" });
  await view.correct(first(view).node, "ann@new.example");
  await undone[0][1]();
  assert.deepEqual(api.asked.filter(([name]) => name === "Correct").at(-1)[1].input, { customerId: "Customer_7", address: "ann@new.example", correctAddress: "ann@willowmial.example", retry: false });
  view.leave();
});

test("a refusal stays with the plan, in the API's words; the row stays", async () => {
  api.answers.Correct = () => ({ data: { done: { retried: 0, userErrors: [{ code: "ADDRESS_INVALID", message: "No address.", field: ["correctAddress"] }] } } });
  const view = await opened();
  view.choose(first(view), { kind: "edit" });
  await view.correct(first(view).node, "x");
  assert.equal(view.asked.fault, "No address.");
  assert.match(text(view.view()), /No address\..*/);
  assert.deepEqual(undone, []);
  view.leave();
});

test("the same button closes the plan; another one opens its own", async () => {
  const view = await opened();
  const edge = first(view);
  view.choose(edge, { kind: "edit" });
  view.choose(edge, { kind: "edit" });
  assert.equal(view.asked, null);
  view.choose(edge, { kind: "edit" });
  view.choose(edge, { kind: "retry" });
  assert.match(text(view.view()), /Retry 1 message\?/);
  await view.retry(edge.node);
  assert.deepEqual(api.asked.find(([name]) => name === "Retry")[1], { input: { messageId: "m1" } });
  view.leave();
});

test("nothing is looked for while something is asked, and new rows wait above", async () => {
  const view = await opened();
  view.choose(first(view), { kind: "edit" });
  api.asked.length = 0;
  view.renew();
  assert.deepEqual(api.asked, []);
  view.back();
  api.answers.BadAddresses = () => ({ data: { list: { edges: [{ cursor: "new", node: bad({ address: "new@x.example" }) }, { cursor: "c0", node: bad() }], pageInfo: { hasNextPage: false, endCursor: null } } } });
  view.renew();
  await settled();
  assert.equal(view.list.waiting.length, 1);
  assert.match(text(view.view()), /1 new/);
  view.leave();
});

test("the digits of a row press its buttons", async () => {
  const view = await opened();
  const pressed = [];
  const buttons = [0, 1].map((place) => ({ click: () => pressed.push(place) }));
  const target = { closest: (selector) => (selector === ".addr-row" ? { querySelectorAll: () => buttons } : null) };
  const press = (values) => view.onKey({ target, key: "2", code: "Digit2", preventDefault: () => {}, ...values });
  press({});
  press({ ctrlKey: true });
  press({ shiftKey: true, key: "@" });
  press({ code: "Digit9", key: "9" });
  assert.deepEqual(pressed, [1]);
  view.leave();
});
