// The list of all messages: its address, what it finds, what is chosen, and what is done with many.
import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { markup, newPage, pending, settled } from "./browser.js";
import { messageChips } from "../../../../service/page/messages/chips.js";
import { isFiltered, readFilter } from "../../../../service/page/messages/filter.js";
import { MessageList } from "../../../../service/page/messages/message-list.js";
import { MessagePage } from "../../../../service/page/messages/message-page.js";
import { InfoSheet } from "../../../../service/page/message/info-sheet.js";
import { savedSearches, saveSearch } from "../../../../service/page/messages/saved-searches.js";

const NOW = Date.parse("2026-11-30T15:00:00Z");

let api;
let app;
let view;
let told;

globalThis.fetch = async (_, { body }) => {
  const { query, variables } = JSON.parse(body);
  const operation = /(?:query|mutation) (\w+)/.exec(query)[1];
  api.asked.push([operation, variables]);
  if (api.late) await api.late.promise;
  return new Response(JSON.stringify(answerTo(operation, variables)));
};

function answerTo(operation, variables) {
  if (operation === "Messages") return listed(variables);
  if (operation === "MessageRows") return { data: { messages: { nodes: api.rows.filter((each) => variables.filter.ids.includes(each.id)) } } };
  if (operation === "Preview") return { data: { previewMessageAction: api.preview } };
  if (operation === "HowManyUncertain") return { data: { messages: { totalCount: { value: api.uncertain, precision: "EXACT" } } } };
  if (operation === "Without") return { data: Object.fromEntries(api.without.map((value, place) => [`c${place}`, { totalCount: { value } }])) };
  if (operation === "Act") return { data: { done: api.done } };
  if (operation === "Undo") return { data: Object.fromEntries(Object.keys(variables).map((name) => [name.replace("i", "u"), { userErrors: [] }])) };
  return { data: { message: null, campaigns: { nodes: [] }, senders: { nodes: [] } } };
}

function listed({ first, after }) {
  const start = after === null ? 0 : api.rows.findIndex((each) => `c-${each.id}` === after) + 1;
  const nodes = api.rows.slice(start, start + first);
  const pageInfo = { hasNextPage: start + first < api.rows.length, endCursor: nodes.length ? `c-${nodes.at(-1).id}` : null };
  return { data: { messages: { edges: nodes.map((node) => ({ cursor: `c-${node.id}`, node })), totalCount: api.total, searchedUntil: null, scannedTo: api.scannedTo, pageInfo } } };
}

const message = (number, values = {}) => ({
  id: `m${number}`, direction: "SENT", sourceType: "CARD_PROCESSING", status: "REFUSED", subject: `Receipt ${number}`, occurredAt: "2026-11-29T12:00:00Z", openedAt: null, letterKind: "CHARGE",
  reference: `INV-${number}`, clickCount: 0, colorHint: "BLUE", actions: ["RETRY", "DISMISS"], customer: { id: "Customer_7", name: "Ann", externalRef: "C-7" }, campaign: null, received: null,
  info: { status: "REFUSED", colorHint: "RED", cause: "BAD_ADDRESS", response: { code: 550, enhancedCode: null, text: "5.1.1 Unknown" }, report: null, tracked: false, sentAt: null, nextAttemptAt: null, waitsFor: null, to: "ann@x.example" },
  ...values,
});

const place = (query = {}) => ({ view: "messages", path: [], query });

async function opened(query = {}) {
  view?.leave();
  app.place = place(query);
  view = new MessageList(app.place, app);
  view.arrive(app.place);
  await settled();
  return view;
}

const operations = (name) => api.asked.filter(([operation]) => operation === name).map(([, variables]) => variables);
const shown = () => markup(view.view());
const key = (name, more = {}) => view.choices.keys({ key: name, target: { matches: (what) => what === "[data-message]", closest: () => null }, preventDefault() {}, ...more });

beforeEach(() => {
  newPage();
  mock.timers.enable({ apis: ["setTimeout"] });
  localStorage.clear();
  api = { rows: [message(3), message(2), message(1)], total: { value: 3, precision: "EXACT" }, asked: [], preview: null, uncertain: 0, without: [], done: { done: 0, skipped: 0, userErrors: [] }, scannedTo: null };
  told = [];
  app = {
    readOnly: false,
    changed: () => {},
    announce: () => {},
    guard: (call) => call,
    to: () => () => {},
    undoable: (text, undo) => told.push([text, undo]),
    goBack: () => {},
    go({ query }) {
      app.place = { ...app.place, query };
      view.arrive(app.place);
    },
    query: (change) => app.go({ query: Object.fromEntries(Object.entries({ ...app.place.query, ...change }).filter(([, value]) => value !== null)) }),
  };
});

afterEach(() => {
  view?.leave();
  view = null;
  mock.timers.reset();
});

// ---- the address

test("an address is a filter of the API: lists by commas, days in the reader's zone, both included", () => {
  const read = (query) => readFilter(query, { now: NOW, zone: "America/New_York" });
  assert.deepEqual(read({ status: "refused,bounced", source: "card_processing", domain: "x.example", direction: "sent", opened: "no", attention: "yes", search: " INV-7 " }), {
    filter: { statuses: ["REFUSED", "BOUNCED"], sourceTypes: ["CARD_PROCESSING"], domains: ["x.example"], direction: "SENT", opened: false, needsAttention: true },
    search: "INV-7", orderBy: "NEWEST",
  });
  assert.deepEqual(read({ from: "2026-11-22", to: "2026-11-22" }).filter.occurredAt, { since: "2026-11-22T05:00:00.000Z", until: "2026-11-23T05:00:00.000Z" });
  assert.deepEqual(read({ from: "2026-11-01", to: "2026-11-01" }).filter.occurredAt, { since: "2026-11-01T04:00:00.000Z", until: "2026-11-02T05:00:00.000Z" }, "the day on which clocks go back has 25 hours");
  assert.deepEqual(read({ from: "7d" }).filter.occurredAt, { since: "2026-11-24T05:00:00.000Z" });
  assert.deepEqual(read({ from: "2026-11-22T10:00:00Z" }).filter.occurredAt, { since: "2026-11-22T10:00:00Z" });
  const springs = readFilter({ from: "2d" }, { now: Date.parse("2026-03-09T04:30:00Z"), zone: "America/New_York" });
  assert.deepEqual(springs.filter.occurredAt, { since: "2026-03-08T05:00:00.000Z" }, "the day before, which had 23 hours");
  for (const odd of ["9999-12-31", "2026-02-99", "x"]) assert.deepEqual(read({ to: odd }).filter.occurredAt, { until: odd }, "the API says what is wrong with it");
  assert.deepEqual(read({ order: "oldest", info: "m1", at: "c" }), { filter: {}, search: null, orderBy: "OLDEST" });
});

test("a search of spaces, the open message and the place in the list filter nothing", () => {
  assert.deepEqual([isFiltered({ info: "m1", at: "x" }), isFiltered({ search: " " }), isFiltered({ relay: "main" })], [false, false, true]);
});

test("a chip names its values; those of rare filters come when they are set or asked for", () => {
  const given = { loaded: {}, load: () => {}, setDate: () => {} };
  const chips = (query, all = false) => Object.fromEntries(messageChips(query, { ...given, all }).map((each) => [each.name, each]));
  assert.equal(chips({ status: "refused,bounced,held" }).status.shown, "Refused, Bounced and 1 more");
  assert.equal(chips({ from: "7d" }).date.shown, "Last 7 days");
  assert.match(chips({ from: "nonsense", to: "2026-13-01" }).date.shown, /nonsense.*2026-13-01/, "what is no date does not stop the page");
  assert.match(chips({ from: "2026-11-22", to: "2026-11-29" }).date.shown, /22.* to .*29/);
  assert.equal(chips({}).date.value, null);
  assert.ok(!("relay" in chips({})));
  assert.equal(chips({ relay: "main" }).relay.shown, "main");
  assert.ok("relay" in chips({}, true));
  assert.equal(chips({ opened: "no" }).opened.shown, "No");
  assert.equal(chips({ campaign: "Campaign_1" }).campaign.shown, "…", "until its title is read");
});

// ---- the list

test("rows say when, who, what and why, and where it came from", async () => {
  await opened();
  const row = shown();
  assert.match(row, /role="grid"[^]*aria-multiselectable="true"[^]*Receipt 3[^]*Refused: no such mailbox[^]*550 5\.1\.1 Unknown[^]*Card processing[^]*charge INV-3[^]*Not tracked/);
  assert.match(row, /ann@<wbr>x\.example/, "an address breaks after its @ alone");
  assert.match(row, /3 messages/);
});

test("how many there are is exact, at least so many, or about", async () => {
  api.total = { value: 10_000, precision: "AT_LEAST" };
  await opened();
  assert.match(shown(), /more than 10,000 messages/);
  api.total = { value: 48_213, precision: "ESTIMATE" };
  await opened();
  assert.match(shown(), /about 48,000 messages/);
});

test("a list with no match says so, and which one filter's removal would find most", async () => {
  Object.assign(api, { rows: [], total: { value: 0, precision: "EXACT" }, without: [2, 14] });
  await opened({ status: "refused", from: "7d" });
  await settled();
  assert.match(shown(), /Nothing matches these filters\.[^]*Without Date: 14[^]*Clear filters/);
  await opened();
  assert.match(shown(), /No messages yet/);
});

test("a filter without an index says how far it was read, and reads on", async () => {
  Object.assign(api, { scannedTo: "2026-11-03T12:00:00Z", rows: Array.from({ length: 80 }, (_, number) => message(80 - number)) });
  await opened({ opened: "no" });
  assert.match(shown(), /Read back to .*reading on/);
});

test("an answer to an older search does not take the place of a newer one", async () => {
  await opened();
  const late = (api.late = pending());
  app.query({ search: "first" });
  await settled();
  api.late = null;
  app.query({ search: "second" });
  await settled();
  late.resolve();
  await settled();
  assert.deepEqual(operations("Messages").map((each) => each.search), [null, "first", "second"]);
  assert.equal(view.asked.search, "second");
  assert.equal(view.list.state, "ready");
});

test("Enter in the search opens the first message that it finds", async () => {
  await opened();
  view.search.type("INV-3");
  view.search.onKey({ key: "Enter", preventDefault() {} });
  await settled();
  view.drawn({ querySelectorAll: () => [], querySelector: () => null });
  assert.deepEqual([app.place.query.search, app.place.query.info], ["INV-3", "m3"]);
});

test("a view that is left while it reads asks for nothing any more", async () => {
  await opened();
  api.late = pending();
  mock.timers.tick(5_000);
  await settled();
  view.leave();
  const { late } = api;
  api.late = null;
  late.resolve();
  await settled();
  const again = mock.method(view, "poll");
  mock.timers.tick(20_000);
  await settled();
  assert.deepEqual([view.list.state, again.mock.callCount()], ["new", 0]);
});

test("a list that never opened is read when the network is back", async () => {
  await opened();
  Object.assign(view.list, { state: "error", error: new Error("no") });
  view.resume();
  await settled();
  assert.equal(view.list.state, "ready");
});

test("what is not decided yet is read again while the list is looked at", async () => {
  api.rows[0] = message(3, { status: "QUEUED" });
  await opened();
  api.rows[0] = message(3, { status: "ACCEPTED", subject: "Now accepted" });
  mock.timers.tick(5_000);
  await settled();
  assert.deepEqual(operations("MessageRows").at(-1).filter, { ids: ["m3"] });
  assert.match(shown(), /Now accepted/);
});

// ---- choosing and acting

test("arrows move the keyboard, X and Shift choose, Ctrl A chooses what is loaded, Escape lets go", async () => {
  await opened();
  assert.equal(view.choices.here ?? (shown(), view.choices.here), "m3");
  key("x");
  key("ArrowDown", { shiftKey: true });
  assert.deepEqual([view.choices.here, view.choices.size], ["m2", 2]);
  key("a", { ctrlKey: true });
  assert.equal(view.choices.size, 3);
  key("Escape");
  assert.equal(view.choices.size, 0);
  key("Enter");
  assert.equal(app.place.query.info, "m2");
});

test("a session that may only read sees no boxes, and its keys choose nothing", async () => {
  app.readOnly = true;
  await opened();
  key("x");
  assert.equal(view.choices.size, 0);
  assert.doesNotMatch(shown(), /tickbox/);
});

test("the bar offers what applies to at least one, and a digit opens its plan", async () => {
  api.rows[1] = message(2, { actions: ["ASSUME_SENT", "RETRY"] });
  Object.assign(api, { preview: { token: "t", messages: 2, more: false, notAllowed: 1, stay: [{ reason: "SUPPRESSED", messages: 1 }], causes: [{ cause: "BAD_ADDRESS", messages: 2 }] }, uncertain: 1 });
  await opened({ search: "receipt" });
  view.choices.loaded();
  assert.deepEqual(view.choices.actions.map((each) => each.name), ["Retry", "Assume sent", "Take off the worklist"]);
  view.choices.onKey({ code: "Digit1", target: { closest: () => null }, preventDefault() {} });
  await settled();
  await settled();
  assert.deepEqual(operations("Preview").at(-1), { action: "RETRY", filter: { ids: ["m3", "m2", "m1"] }, search: null });
  assert.match(shown(), /Retry 3 messages[^]*>2<[^]*go back to the queue[^]*2\u00a0× no such mailbox[^]*>1<[^]*may get them twice[^]*>1<[^]*stays as it is[^]*Their address is suppressed\.[^]*>Retry 2 messages<[^]*>Back</);
});

test("all that match are acted on by the list's own filter; a search alone by all mail until now", async () => {
  api.total = { value: 312, precision: "EXACT" };
  api.preview = { token: null, messages: 0, more: false, notAllowed: 312, stay: [{ reason: "STATUS", messages: 300 }, { reason: "OPTED_OUT", messages: 12 }], causes: [] };
  await opened({ status: "refused" });
  view.choices.loaded();
  assert.match(shown(), /3 chosen\.[^]*Choose all 312/);
  view.choices.everything();
  assert.match(shown(), /All 312 are chosen\.[^]*Only the 3 loaded/);
  assert.deepEqual(view.choices.asked, { filter: { statuses: ["REFUSED"] }, search: null, orderBy: "NEWEST" });
  await view.choices.openPlan("DISMISS");
  assert.match(shown(), /Take 312 messages off the worklist[^]*Nothing would be done[^]*>300<[^]*They did not fail\.[^]*>12<[^]*The customer opted out\./);
  assert.doesNotMatch(shown(), /type="submit" class="button primary" aria-disabled/);
  await opened({ search: "receipt" });
  view.choices.loaded();
  view.choices.everything();
  assert.deepEqual(Object.keys(view.choices.asked.filter), ["occurredAt"]);
  api.total = { value: 48_000, precision: "ESTIMATE" };
  await opened({ status: "refused" });
  view.choices.loaded();
  assert.match(shown(), /At most 10,000 at once/);
  await opened();
  view.choices.loaded();
  assert.doesNotMatch(shown(), /Choose all \d/, "not the whole history");
});

test("an action is done by the preview's token, and taken back where all that was done is known", async () => {
  api.preview = { token: "t1", messages: 3, more: false, notAllowed: 0, stay: [], causes: [] };
  api.done = { done: 3, skipped: 0, userErrors: [] };
  await opened();
  view.choices.loaded();
  await view.choices.openPlan("DISMISS");
  await view.choices.plan.confirm();
  await settled();
  assert.deepEqual(operations("Act"), [{ input: { token: "t1" } }]);
  assert.deepEqual([view.choices.size, view.choices.plan.action, told.at(-1)[0]], [0, null, "3 messages left the worklist."]);
  await told.at(-1)[1]();
  assert.deepEqual(Object.values(operations("Undo")[0]).map((each) => each.messageId), ["m3", "m2", "m1"]);
});

test("what cannot be taken back, or is not known one by one, has no Undo", async () => {
  api.preview = { token: "t1", messages: 3, more: false, notAllowed: 0, stay: [], causes: [] };
  await opened({ status: "refused" });
  for (const [action, done, skipped] of [["RETRY", 3, 0], ["DISMISS", 2, 1]]) {
    api.done = { done, skipped, userErrors: [] };
    view.choices.loaded();
    await view.choices.openPlan(action);
    await view.choices.plan.confirm();
    assert.equal(told.at(-1)[1], null, action);
  }
  assert.match(told.at(-1)[0], /1 had changed and was left alone/);
});

test("a plan that is too old is made anew, and says why; nothing was done", async () => {
  api.preview = { token: "t1", messages: 3, more: false, notAllowed: 0, stay: [], causes: [] };
  api.done = { done: 0, skipped: 0, userErrors: [{ message: "The preview is older than 15 minutes: preview again.", code: "PREVIEW_EXPIRED" }] };
  await opened();
  view.choices.loaded();
  await view.choices.openPlan("DISMISS");
  api.preview = { ...api.preview, token: "t2", messages: 2 };
  await view.choices.plan.confirm();
  assert.deepEqual([view.choices.plan.action, view.choices.plan.found.token, told.length], ["DISMISS", "t2", 0]);
  assert.match(shown(), /older than 15 minutes[^]*Take 2 messages off/);
});

// ---- saved searches

test("a search is saved under a name, and the one that the address shows is marked", () => {
  const query = { status: "refused", search: "router", at: "c1", info: "m1" };
  assert.equal(saveSearch("Routers", query), true);
  const found = savedSearches({ search: "router", status: "refused" });
  assert.deepEqual(found.filter((each) => each.current).map(({ name, query: kept }) => [name, kept]), [["Routers", { status: "refused", search: "router" }]]);
  assert.deepEqual(found.slice(0, 3).map((each) => each.name), ["Not sent this week", "Received", "Needs a person"]);
  for (let number = 0; number < 19; number += 1) saveSearch(`Search ${number}`, query);
  assert.equal(saveSearch("One too many", query), false);
  localStorage.setItem("messages.searches", "{not json");
  assert.equal(savedSearches({}).length, 3);
});

// ---- the popover, and a message's own page

test("the popover is in the address over the filters, and its neighbours are the rows", async () => {
  await opened({ status: "refused" });
  view.dialog.open("m2");
  assert.deepEqual(app.place.query, { status: "refused", info: "m2" });
  assert.deepEqual([view.dialog.neighbour("m2", -1), view.dialog.neighbour("m2", 1), view.dialog.neighbour("m1", 1)], ["m3", "m1", null]);
  assert.equal(view.dialog.id, "m2");
  let back = null;
  app.goBack = (change) => { back = change; };
  view.dialog.close();
  assert.deepEqual(back, { query: { status: "refused" } });
  view.arrive(place({ status: "refused" }));
  assert.equal(view.dialog.id, null);
});

test("a message's own page has a heading, says when there is none, and its address is what is copied", async () => {
  const page = new MessagePage({ view: "messages", path: ["m3"], query: {} }, app);
  assert.ok(page.shows({ view: "messages", path: ["m9"], query: {} }));
  page.arrive(page.place);
  await settled();
  assert.match(markup(page.view()), /<h1 id="info-heading"[^]*There is no such message/);
  const copied = [];
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { clipboard: { writeText: async (text) => copied.push(text) } } });
  await page.sheet.copyLink();
  assert.deepEqual([copied, page.sheet.copied], [["http://mail.example/messages/m3"], "copied"]);
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: {} });
  await page.sheet.copyLink();
  assert.match(markup(page.view()), /does not let the page copy/);
});

const sheetWith = async (values, done = {}) => {
  const sheet = new InfoSheet({ neighbour: () => null, reread: (id) => done.reread?.push(id), select: null }, app);
  Object.assign(sheet, { id: "m3", state: "ready", readAt: Date.now(), framedAt: Date.now(), message: { id: "m3", direction: "SENT", content: { rawUrl: "http://mail.example/content/x.eml" }, info: { preview: null }, ...values } });
  return sheet;
};

test("what can be taken back is done at once with Undo; the rest is planned first", async () => {
  const done = { reread: [] };
  api.done = { userErrors: [] };
  const sheet = await sheetWith({}, done);
  await sheet.ask("ASSUME_SENT");
  assert.deepEqual([operations("Act"), done.reread, told.at(-1)[0]], [[{ input: { messageId: "m3" } }], ["m3"], "1 message counts as sent."]);
  await told.at(-1)[1]();
  assert.equal(operations("Act").length, 2);
  sheet.ask("RETRY");
  assert.deepEqual([sheet.asked, operations("Act").length], ["RETRY", 2]);
});

test("what comes of an action on a message that is no more shown is not said of the one that is", async () => {
  const done = { reread: [] };
  for (const answer of [{ userErrors: [] }, { userErrors: [{ code: "ILLEGAL_STATE", message: "no" }] }]) {
    api.done = answer;
    const sheet = await sheetWith({}, done);
    api.late = pending();
    const { late } = api;
    const acting = sheet.ask("ASSUME_SENT");
    sheet.ask("ASSUME_SENT");
    api.late = null;
    sheet.show("m2");
    sheet.ask("RETRY");
    late.resolve();
    await acting;
    assert.deepEqual([sheet.id, sheet.asked, sheet.fault, sheet.acting], ["m2", "RETRY", null, false]);
  }
  assert.deepEqual([operations("Act").length, done.reread], [2, ["m3"]], "a second press does nothing more");
});

test("a message that is read again keeps its frame while its address is good", async () => {
  const sheet = await sheetWith({});
  const content = (viewUrl) => ({ id: "m3", content: { sha256: "3f2a", viewUrl } });
  sheet.message = sheet.withFrame(content("first"));
  sheet.message = sheet.withFrame(content("second"));
  assert.equal(sheet.message.content.viewUrl, "first");
  sheet.framedAt -= 240_000;
  sheet.showTab("content");
  assert.equal(sheet.frameIsOld, true, "nothing is loaded by an address that is over");
  sheet.message = sheet.withFrame(content("third"));
  assert.deepEqual([sheet.message.content.viewUrl, sheet.frameIsOld], ["third", false]);
});

test("the text and the source of a message are read when they are looked at, once", async () => {
  const sheet = await sheetWith({});
  sheet.showTab("content");
  assert.equal(sheet.parts.text, null);
  sheet.showAs({ as: "text" });
  sheet.showAs({ as: "text" });
  await settled();
  assert.equal(operations("Text").length, 1);
  assert.equal(sheet.parts.text.state, "ready");
  sheet.message.content = null;
  sheet.message.info.preview = { text: "Hello" };
  sheet.showAs({ as: "source" });
  assert.deepEqual([sheet.shown.which, sheet.shown.as], ["template", "html"], "a template has no source");
});
