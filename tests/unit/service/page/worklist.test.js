// The worklist: rows settled by keyboard, each planned first, and undone.
import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { element, markup, newPage, settled } from "./browser.js";
import { open } from "../../../../service/page/worklist/view.js";
import { figure, startOfDay, waiting } from "../../../../service/page/worklist/figures.js";
import { differing, face, messageButtons } from "../../../../service/page/worklist/rows.js";

const HOME = { view: "worklist", path: [], query: {} };
const PAGE = { hasNextPage: false, endCursor: null };
const count = (value) => ({ value, precision: "EXACT" });
const connection = (nodes) => ({ edges: nodes.map((node) => ({ cursor: node.id, node })), pageInfo: PAGE, totalCount: count(nodes.length) });
const incident = (values = {}) => ({
  relay: "main", stage: "END_OF_DATA", cause: "CONNECTION_LOST", startedAt: "2027-03-01T10:00:00Z", messages: 10, withEvidence: 0,
  sources: [{ sourceType: "WORK_ORDER", messages: 10 }], filter: { statuses: ["UNCERTAIN"], ids: Array.from({ length: 10 }, (_, number) => `Message_${number}`) }, ...values,
});
const message = (id, values = {}) => ({
  id, occurredAt: "2027-03-01T10:00:00Z", direction: "SENT", sourceType: "WORK_ORDER", subject: `Subject ${id}`, actions: ["ASSUME_SENT", "RETRY"], campaign: null,
  customer: { id: "Customer_1", name: "Ann", externalRef: "R-1" },
  info: { colorHint: "AMBER", status: "UNCERTAIN", cause: null, decidedAt: null, response: null, report: null, to: "ann@mail.example" }, ...values,
});

let lists;
let asked;
let answers;
let undone;
let went;
let view;
let app;

const NAMES = {
  Worklist: () => ({ needsAttention: lists }),
  Numbers: () => ({ hours: [], gateway: { lanes: [], history: [] } }),
  Preview: ({ filter }) => ({ previewMessageAction: { token: "t", messages: filter.ids?.length ?? 3, more: false, notAllowed: 0, stay: [], causes: [] } }),
  Act: () => ({ done: { done: 10, skipped: 0, dismissed: 1, userErrors: [] } }),
  Undo: (variables) => Object.fromEntries(Object.keys(variables).map((name) => [name, { userErrors: [] }])),
  LastSettled: () => ({ needsAttention: { lastSettled: null } }),
  Group: () => ({ needsAttention: { list: connection([message("Message_a"), message("Message_b", { actions: ["RETRY"] })]) } }),
  Found: () => ({ messages: connection([message("Message_0")]) }),
};

globalThis.fetch = async (_, { body }) => {
  const { query, variables } = JSON.parse(body);
  const [, name] = /(?:query|mutation) (\w+)/.exec(query);
  asked.push([name, variables]);
  const { data, errors } = answers[name]?.(variables) ?? { data: NAMES[name](variables) };
  return new Response(JSON.stringify({ data, errors }));
};

async function shown(place = HOME) {
  view = await open(place, app);
  view.arrive(place);
  for (let turn = 0; turn < 6; turn += 1) await settled();
}

const text = () => markup(view.view()).replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
const target = (key) => ({ closest: (selector) => (selector === "[data-row]" ? { dataset: { row: key } } : null) });

async function press(key, values, code = "") {
  const event = { key: values, code, target: target(key), preventDefault: () => { event.defaultPrevented = true; } };
  await view.onKey(event);
  for (let turn = 0; turn < 6; turn += 1) await settled();
  return event;
}

const confirm = async (form = new FormData()) => {
  await view.confirm(form);
  for (let turn = 0; turn < 6; turn += 1) await settled();
};

const of = (name) => asked.filter(([each]) => each === name).map(([, variables]) => variables);

beforeEach(() => {
  newPage();
  mock.timers.enable({ apis: ["setInterval"] });
  lists = {
    total: count(10), stoppedRelays: [], stoppedDestinations: [], pausedLanes: [], uncertain: { totalCount: count(10) }, incidents: [incident()],
    held: connection([]), failed: connection([]), badAddresses: connection([]), unmatchedMail: connection([]), campaigns: connection([]), senders: [],
  };
  [asked, answers, undone, went] = [[], {}, [], []];
  app = {
    changed: () => {}, announce: () => {}, noteWaiting: () => {}, guard: (call) => call, to: () => () => {}, offline: false, readOnly: false, place: HOME,
    follow: (_, there) => went.push(there), go: (change) => went.push(change), undoable: (said, undo) => undone.push({ said, undo }),
  };
});

afterEach(() => {
  view.leave();
  mock.timers.reset();
});

test("ten messages of one crash are settled in two keys and undone", async () => {
  await shown();
  assert.match(text(), /10 things wait for a person.*Uncertain 10.*10 messages: connection to relay main lost at/);
  // When 1 is pressed on the row
  await press("incident Message_0", "1", "Digit1");
  // Then the plan says what it will do, to how many
  assert.match(text(), /Count as sent\?.*10.*count as sent.*Count 10 messages as sent/);
  assert.deepEqual(of("Preview")[0].action, "ASSUME_SENT");
  // And when it is confirmed, the row leaves and can be undone
  lists = { ...lists, total: count(0), incidents: [], uncertain: { totalCount: count(0) } };
  await confirm();
  assert.match(text(), /Nothing waits for a person/);
  assert.equal(undone[0].said, "10 messages count as sent.");
  lists = { ...lists, total: count(10), incidents: [incident()], uncertain: { totalCount: count(10) } };
  await undone[0].undo();
  assert.deepEqual(Object.values(of("Undo")[0]), incident().filter.ids);
  assert.match(text(), /10 messages: connection/);
});

test("where nothing waits, the page says what was settled last, by whom, and about which message", async () => {
  lists = { ...lists, total: count(0), incidents: [], uncertain: { totalCount: count(0) } };
  answers.LastSettled = () => ({ data: { needsAttention: { lastSettled: {
    settledAt: "2026-11-29T14:00:00Z", by: "Kim", kind: "ASSUMED_SENT", message: { id: "Message_1", subject: "Offer", customer: { id: "Customer_7", name: "Ann", externalRef: "C-7" } },
  } } } });
  await shown();
  assert.match(text(), /Nothing waits for a person.*Last settled .*, by Kim : Assumed sent, Offer · Ann/);
});

test("whoever asks while it is read waits for what is true after they asked", async () => {
  await shown();
  const before = asked.filter(([name]) => name === "Worklist").length;
  const first = view.poll();
  const second = view.poll();
  await Promise.all([first, second]);
  assert.equal(asked.filter(([name]) => name === "Worklist").length, before + 2);
  lists = { ...lists, total: count(0) };
  const [earlier, later] = [view.poll(), view.poll()];
  lists = { ...lists, total: count(7) };
  await later;
  assert.equal(view.total.value, 7);
  await earlier;
});

test("mail that waited in a ledger that was restored is one incident, which says so", async () => {
  lists = { ...lists, incidents: [incident({ relay: null, cause: "RESTORED" })] };
  await shown();
  assert.match(text(), /the ledger was restored; perhaps sent before/);
});

test("what had changed is said, and then nothing is offered to undo: nobody knows which", async () => {
  await shown();
  answers.Act = () => ({ data: { done: { done: 9, skipped: 1, userErrors: [] } } });
  await press("incident Message_0", "1", "Digit1");
  await confirm();
  assert.deepEqual(undone, [{ said: "9 messages count as sent. 1 had changed and was left alone.", undo: null }]);
});

test("a retry says that readers may get it twice; a refusal leaves the plan with its reason", async () => {
  await shown();
  answers.Act = () => ({ data: { done: { userErrors: [{ message: "Not so.", field: [], code: "INVALID" }] } } });
  await press("incident Message_0", "2", "Digit2");
  assert.match(text(), /go back to the queue.*may get them twice/);
  await confirm();
  assert.match(text(), /Not so\./);
  assert.equal(undone.length, 0);
  view.back();
  assert.doesNotMatch(text(), /Not so/);
  assert.equal(view.focusNext, "incident Message_0", "the keyboard is on the row again");
});

test("a plan that is too old is counted again", async () => {
  await shown();
  await press("incident Message_0", "1", "Digit1");
  answers.Act = () => ({ data: { done: { userErrors: [{ message: "Old.", field: [], code: "PREVIEW_EXPIRED" }] } } });
  await confirm();
  assert.equal(of("Preview").length, 2);
  assert.match(text(), /too old.*Count 10 messages as sent/);
});

test("a plan is not confirmed before it is counted", async () => {
  await shown();
  view.ask("incident Message_0", { ...incident(), heading: () => "H", lines: () => [], confirm: () => "C", waiting: () => "W", prepare: () => new Promise(() => {}), act: assert.fail });
  await view.confirm(new FormData());
  assert.match(text(), /H Counting … W/);
});

test("digits act by the place of the key, and not while one may only read", async () => {
  await shown();
  await press("incident Message_0", "&", "Digit3");
  assert.deepEqual(went[0].query, { show: "uncertain", incident: "Message_0" });
  app.readOnly = true;
  await press("incident Message_0", "1", "Digit1");
  assert.equal(of("Preview").length, 0);
  assert.doesNotMatch(text(), /Assume sent/);
});

test("arrows and J and K move from row to row", async () => {
  lists.incidents = [incident(), incident({ filter: { statuses: [], ids: ["Message_x", "Message_y"] }, messages: 2 })];
  await shown();
  const focused = [];
  document.querySelector = (selector) => ({ focus: () => focused.push(selector) });
  await press("incident Message_0", "ArrowDown");
  await press("incident Message_x", "k");
  await press("incident Message_0", "ArrowUp");
  document.querySelector = () => null;
  assert.deepEqual(focused.map((each) => /Message_\w/.exec(each)[0]), ["Message_x", "Message_0"]);
});

test("new rows wait in a pill, and one that was settled elsewhere says so", async () => {
  await shown();
  lists = { ...lists, incidents: [incident({ filter: { statuses: [], ids: ["Message_n", "Message_m"] }, messages: 2 })] };
  await view.poll();
  assert.match(text(), /1 new.*connection to relay main lost.*Settled meanwhile/);
  view.showAll();
  assert.doesNotMatch(text(), /Settled meanwhile/);
  assert.match(text(), /2 messages/);
});

test("an incident of one says which message it is", async () => {
  lists.incidents = [incident({ messages: 1, filter: { statuses: [], ids: ["Message_0"] }, sources: [{ sourceType: "WORK_ORDER", messages: 1 }] })];
  await shown();
  assert.deepEqual(of("Found")[0].filter, { ids: ["Message_0"] });
  assert.match(text(), /Subject Message_0.*Ann/);
});

test("a stopped relay is tried at once; its row says so until it is known how it went", async () => {
  lists = { ...lists, incidents: [], stoppedRelays: [{ name: "main", stoppedAt: "2027-03-01T10:00:00Z", stoppedWhy: "535 5.7.8 No", sentToday: 4 }] };
  await shown();
  assert.match(text(), /Relay main is stopped.*It took 4 today.*535 5.7.8 No/);
  await press("relay main", "1", "Digit1");
  assert.deepEqual(of("Act"), [{ input: { relay: "main" } }]);
  assert.match(text(), /Let go again at/);
  lists.stoppedRelays = [{ name: "main", stoppedAt: "2027-03-01T10:05:00Z", stoppedWhy: "535 5.7.8 Again", sentToday: 4 }];
  await view.poll();
  await view.poll();
  assert.doesNotMatch(text(), /Let go again at/);
  assert.match(text(), /Again/);
});

test("a list that cannot be read says why, and the others are there; nothing read offers to try again", async () => {
  answers.Worklist = () => ({ data: { needsAttention: { ...lists, held: null } }, errors: [{ message: "No scope.", path: ["needsAttention", "held"] }] });
  await shown();
  assert.match(text(), /Held.*This could not be read\. No scope\./);
  view.leave();
  answers.Worklist = () => ({ data: null, errors: [{ message: "Away." }] });
  await shown();
  assert.match(text(), /Away\./);
});

test("a whole group: all are chosen, planned and settled in the bar's place", async () => {
  const place = { ...HOME, query: { show: "uncertain" } };
  await shown(place);
  assert.match(text(), /Uncertain 2.*Subject Message_a.*Subject Message_b/);
  const event = { key: "a", ctrlKey: true, target: target("Message_a"), preventDefault: () => {} };
  await view.onKey(event);
  assert.match(text(), /2 chosen/);
  await press("Message_a", "1", "Digit1");
  assert.deepEqual(of("Preview")[0], { action: "ASSUME_SENT", filter: { ids: ["Message_a", "Message_b"], statuses: ["UNCERTAIN"] } });
  assert.match(text(), /Count 2 messages as sent/);
  answers.Act = () => ({ data: { done: { done: 2, skipped: 0, userErrors: [] } } });
  await confirm();
  assert.equal(view.choosing.size, 0);
  assert.ok(undone[0].undo);
});

test("X and Shift with arrows choose; what none of the chosen allows is absent", async () => {
  await shown({ ...HOME, query: { show: "uncertain" } });
  await press("Message_b", "x");
  assert.deepEqual(view.offered().map(({ name }) => name), ["Retry"]);
  await view.onKey({ key: "ArrowUp", shiftKey: true, target: target("Message_b"), preventDefault: () => {} });
  assert.equal(view.choosing.size, 2);
  await press("Message_b", "Escape");
  assert.equal(view.choosing.size, 0);
});

test("what is held is released, called off or left; a suppressed one cannot be released", () => {
  assert.deepEqual(messageButtons("HELD", ["RETRY", "CANCEL", "DISMISS"]).map(({ label }) => label), ["release", "cancel", "leave"]);
  const held = message("Message_h", { actions: ["LIFT_SUPPRESSION", "CANCEL"], info: { ...message("x").info, status: "HELD", colorHint: "RED", cause: "SUPPRESSED" } });
  const said = face({ kind: "message", value: held });
  assert.match(markup(said.line), /cannot be released/);
  assert.equal(said.actions.length, 1);
});

test("a bad address shows by weight what differs, and offers the better one first", () => {
  assert.equal(markup(differing("d@willowmial.example", "d@willowmail.example")), "d@<wbr><b>willowmial</b>.example");
  const value = {
    id: "B", address: "d@willowmial.example", failedAt: "2027-03-01T10:00:00Z", cause: "BAD_DOMAIN", waitingMessages: 3, customer: { id: "Customer_1", name: null, externalRef: "R-1" },
    message: { id: "Message_1", actions: ["RETRY"], info: { response: null } }, solutions: [{ kind: "TYPO", text: "Four others.", address: "d@willowmail.example" }],
  };
  const { actions } = face({ kind: "address", value });
  assert.deepEqual(actions.map(({ name }) => name), ["Use willowmail.example", "Edit", "Retry"]);
  const decision = actions[0].ask();
  assert.equal(decision.confirm({}), "Correct and retry 3 messages");
});

test("the figures of a day begin at midnight of the reader's zone, and its course has the last 24 hours", () => {
  assert.equal(new Date(startOfDay(Date.parse("2027-03-14T15:30:10Z"), "America/New_York")).toISOString(), "2027-03-14T05:00:00.000Z", "the day the clocks went forward");
  assert.equal(new Date(startOfDay(Date.parse("2027-11-07T20:00:00Z"), "America/New_York")).toISOString(), "2027-11-07T04:00:00.000Z", "and back");
  const row = (startsAt, accepted) => ({ startsAt, accepted });
  const spans = { now: "2027-03-02T10:30:00Z", today: Date.parse("2027-03-02T00:00:00Z"), yesterday: Date.parse("2027-03-01T00:00:00Z"), then: Date.parse("2027-03-01T10:30:00Z") };
  const found = figure([row("2027-03-01T09:00:00Z", 5), row("2027-03-01T11:00:00Z", 7), row("2027-03-02T10:00:00Z", 2)], ["accepted"], spans);
  assert.deepEqual([found.value, found.before, found.course.length, found.course.at(-1), found.course[0]], [2, 5, 24, 2, 7]);
});

test("what waits: hours without a worker keep what was before, and more than was counted is said", () => {
  const now = Date.parse("2027-03-02T10:30:00Z");
  const found = waiting({ lanes: [{ depth: 10_000, deeper: true, oldestSeconds: 90 }], history: [{ startedAt: "2027-03-02T07:15:00Z", lanes: [{ depth: 4 }] }] }, now);
  assert.deepEqual([found.count.precision, found.oldest, found.course.slice(-4)], ["AT_LEAST", 90, [4, 4, 4, 10_000]]);
  assert.equal(element("main").id, "main");
});
