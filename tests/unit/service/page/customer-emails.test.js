// The Emails page over time: news while somebody reads, tabs and filters, answers that were overtaken.
import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { element, markup, newPage, pending, settled } from "./browser.js";
import { CustomerEmails } from "../../../../service/page/customers/customer-emails.js";
import { newer } from "../../../../service/page/customers/emails-view.js";
import { InfoSheet } from "../../../../service/page/message/info-sheet.js";

const PLACE = { view: "emails", customer: "C-1", tab: "sent", message: null, info: null, machines: false, at: null };

let api;
let went;
let said;
let late;
let now;
let view;
let app;

globalThis.WebSocket = class {
  close() {}
};

/** The API: `api.sent`, `api.notes`, `api.clicks` are rows newest first; `late[operation]` holds its answers back. */
globalThis.fetch = async (_, { body }) => {
  const { query, variables } = JSON.parse(body);
  const operation = /(?:query|mutation) (\w+)/.exec(query)[1];
  api.asked.push([operation, variables]);
  const answer = structuredClone(answerTo(operation, variables));
  if (late[operation]) await late[operation].promise;
  return new Response(JSON.stringify(answer));
};

function answerTo(operation, { id, first, after, message }) {
  const list = (name, all) => {
    const start = after === null ? 0 : all.findIndex((each) => each.cursor === after) + 1;
    const edges = all.slice(start, start + first);
    return { data: { customer: { emails: { [name]: { edges, pageInfo: { hasNextPage: start + first < all.length, endCursor: edges.at(-1)?.cursor ?? null } } } } } };
  };
  if (operation === "Customer") return { data: { customer: api.customer } };
  if (operation === "Sent") return list("sent", api.sent);
  if (operation === "Notes") return list("connectionNotes", api.notes);
  if (operation === "Clicks") return list("clicks", api.clicks.filter((each) => !message || each.node.message.id === message));
  if (operation === "Row") return { data: { message: api.rows[id] ?? null } };
  if (operation === "Life") return api.lives[after] ? { data: { message: { events: api.lives[after] } } } : { errors: [{ message: "no" }] };
  if (operation === "Info") return api.infos[id] ? { data: { message: api.infos[id] } } : { errors: [{ message: "no" }] };
  return { data: { done: { userErrors: api.refusal ? [{ message: api.refusal }] : [] } } };
}

const mail = (number, subject = `Mail ${number}`) => ({
  cursor: `c${number}`,
  node: { subject, title: subject, occurredAt: "2026-11-23T12:00:00Z", openedAt: null, clickCount: 0, info: { status: "ACCEPTED", colorHint: "GREY" }, message: { id: `m${number}` } },
});
const mails = (highest, count = 20) => Array.from({ length: count }, (_, number) => mail(highest - number));
const subjects = (list = view.list) => [...list.rows()].map((row) => row.node.subject);
const operations = () => api.asked.map(([operation]) => operation);

/** As the page does: a new place, and the view told. */
function go(change) {
  view.arrive({ ...view.place, ...change });
  return settled();
}

beforeEach(async () => {
  newPage();
  now = 100_000;
  mock.method(performance, "now", () => now);
  api = { customer: { id: "Customer_7", name: "Ann", externalRef: "C-1", addresses: [], optOuts: {} }, sent: mails(20), notes: mails(20), clicks: [], rows: {}, infos: {}, asked: [], refusal: null };
  [went, said, late] = [[], [], {}];
  app = {
    place: PLACE,
    changed: () => {},
    announce: (text) => said.push(text),
    guard: (call) => call,
    to: () => () => {},
    go: (change, options) => went.push([change, options]),
    goBack: (change) => went.push([change, "back"]),
  };
  view = new CustomerEmails(PLACE, app);
  view.arrive(PLACE);
  await settled();
});

afterEach(() => {
  view.leave();
  mock.restoreAll();
});

const arrives = (number) => api.sent.unshift(mail(number));
const news = async (...ids) => {
  await view.onNews(new Set(ids));
};

test("at the top, with nobody among the rows, news goes on top and is announced", async () => {
  arrives(21);
  await news("m21");
  assert.equal(subjects()[0], "Mail 21");
  assert.equal(said.at(-1), "1 new row");
});

test("the first rows of an empty list are no announcement of news", async () => {
  api.sent = [];
  view.lists.sent.reset();
  await view.lists.sent.open();
  arrives(1);
  await news();
  assert.deepEqual([subjects(), said], [["Mail 1"], []]);
});

test("while the keyboard's focus is among the rows they stay where they are, at the top too", async () => {
  const row = {};
  element("panel", [row]);
  document.activeElement = row;
  arrives(21);
  await news("m21");
  assert.equal(subjects()[0], "Mail 20");
  assert.match(markup(newer(view)), /1 new/);
  assert.equal(said.at(-1), "1 new row above");
  arrives(22);
  await news("m22");
  assert.equal(said.at(-1), "2 new rows above");
  const announced = said.length;
  await news();
  assert.equal(said.length, announced, "what waits already is not announced again");
  // When the focus leaves the rows, news goes on top again
  document.activeElement = document.body;
  await news();
  assert.deepEqual(subjects().slice(0, 3), ["Mail 22", "Mail 21", "Mail 20"]);
});

test("the focus on the list as a whole, or elsewhere, holds nothing", async () => {
  const panel = element("panel", []);
  for (const [number, focused] of [[21, panel], [22, element("search")]]) {
    document.activeElement = focused;
    arrives(number);
    await news();
    assert.equal(subjects()[0], `Mail ${number}`);
  }
});

test("after the pointer moved over the rows they stay for three seconds", async () => {
  view.listPlace.pointed();
  now += 2_999;
  arrives(21);
  await news();
  assert.equal(subjects()[0], "Mail 20");
  now += 1;
  await news();
  assert.equal(subjects()[0], "Mail 21");
});

test("forty pixels down is no longer the top", async () => {
  window.scrollY = 40;
  arrives(21);
  await news();
  assert.equal(subjects()[0], "Mail 20");
  window.scrollY = 39;
  await news();
  assert.equal(subjects()[0], "Mail 21");
});

test("behind a popover rows stay", async () => {
  api.infos.m20 = { id: "m20", customer: { id: "Customer_7" } };
  await go({ info: "m20" });
  arrives(21);
  await news();
  assert.equal(subjects()[0], "Mail 20");
});

test("news of mail further down renews its row, of ten mails at most", async () => {
  api.sent = mails(80, 80);
  await view.list.open();
  await view.list.older();
  api.rows.m3 = { id: "m3", subject: "Mail 3", openedAt: "2026-11-23T13:00:00Z", clickCount: 2, info: { status: "BOUNCED", sentAt: null } };
  await news("m3", "m999");
  const row = [...view.list.rows()].find((each) => each.node.message.id === "m3");
  assert.deepEqual([row.node.info.status, row.node.clickCount, row.node.openedAt], ["BOUNCED", 2, "2026-11-23T13:00:00Z"]);
  assert.deepEqual(api.asked.filter(([operation]) => operation === "Row").map(([, { id }]) => id), ["m3"]);
  api.asked = [];
  await news(...Array.from({ length: 12 }, (_, number) => `m${number + 1}`));
  assert.equal(operations().filter((each) => each === "Row").length, 10);
});

test("the lists that are not shown are read again when they are, and only then", async () => {
  await go({ tab: "notes" });
  api.notes.unshift(mail(21));
  await go({ tab: "sent" });
  await news("m21");
  assert.equal(view.lists.notes.stale, true);
  api.asked = [];
  await go({ tab: "notes" });
  assert.deepEqual(operations(), ["Notes"]);
  assert.equal(view.lists.notes.stale, false);
  await go({ tab: "sent" });
  await go({ tab: "notes" });
  assert.deepEqual(operations(), ["Notes"], "what is current is not read again");
});

test("another selected mail, or machines, read the clicks anew; the same do not", async () => {
  const click = (number, id) => ({ cursor: `k${number}`, node: { subject: id, url: "https://x", message: { id } } });
  api.clicks = [click(3, "m20"), click(2, "m19"), click(1, "m20")];
  await go({ tab: "clicks", message: "m20" });
  assert.deepEqual([...view.list.rows()].map((row) => row.cursor), ["k3", "k1"]);
  api.asked = [];
  await go({ tab: "sent" });
  await go({ tab: "clicks" });
  assert.deepEqual(operations(), []);
  await go({ message: "m19" });
  assert.deepEqual([...view.list.rows()].map((row) => row.cursor), ["k2"]);
  await go({ machines: true });
  assert.deepEqual(api.asked.filter(([operation]) => operation === "Clicks").map(([, variables]) => [variables.message, variables.machines]), [["m19", false], ["m19", true]]);
});

test("a refresh of the old filter's clicks does not show among the new one's", async () => {
  const click = (number, id) => ({ cursor: `k${number}`, node: { subject: id, url: "https://x", message: { id } } });
  api.clicks = [click(2, "m19"), click(1, "m20")];
  await go({ tab: "clicks", message: "m20" });
  api.clicks.unshift(click(3, "m20"));
  late.Clicks = pending();
  const hold = late.Clicks;
  const refreshed = news();
  await settled();
  delete late.Clicks;
  await go({ message: "m19" });
  hold.resolve();
  await refreshed;
  await settled();
  assert.deepEqual([...view.list.rows()].map((row) => row.cursor), ["k2"]);
});

test("the selected mail's subject is its row's, else read, and another customer's is not said", async () => {
  await go({ tab: "clicks", message: "m20" });
  assert.equal(view.selected.subjectFor(view.customer), "Mail 20");
  assert.ok(!operations().includes("Row"));
  api.rows.x1 = { id: "x1", subject: "Old", customer: { id: "Customer_7" }, info: {} };
  api.rows.x2 = { id: "x2", subject: "Secret", customer: { id: "Customer_8" }, info: {} };
  await go({ message: "x1" });
  assert.equal(view.selected.subjectFor(view.customer), "Old");
  await go({ message: "x2" });
  assert.equal(view.selected.subjectFor(view.customer), null);
  // An answer for a mail that is no longer selected
  late.Row = pending();
  const hold = late.Row;
  await go({ message: "x1" });
  delete late.Row;
  await go({ message: "m19" });
  hold.resolve();
  await settled();
  assert.equal(view.selected.subjectFor(view.customer), "Mail 19");
  await go({ message: null });
  assert.equal(view.selected.found, null);
});

test("the newest: what waits is shown; after a gap the list is read again", async () => {
  window.scrollY = 500;
  arrives(21);
  await news();
  view.showNewest();
  assert.equal(subjects()[0], "Mail 21");
  api.sent = mails(200, 200);
  await news();
  assert.match(markup(newer(view)), /50 new/);
  view.showNewest();
  await settled();
  assert.equal(subjects()[0], "Mail 200");
  assert.deepEqual(went.at(-1)[0], { at: null });
});

test("scrolled back to the top, what waits is shown; after a gap it is not", async () => {
  window.scrollY = 500;
  arrives(21);
  await news();
  view.listPlace.writePlace();
  assert.equal(subjects()[0], "Mail 20", "not before the top");
  window.scrollY = 0;
  view.listPlace.writePlace();
  assert.equal(subjects()[0], "Mail 21");
});

test("the popover's neighbours are the rows above and below; near the end older rows are read", async () => {
  api.sent = mails(80, 80);
  await view.list.open();
  assert.deepEqual([view.dialog.neighbour("m80", -1), view.dialog.neighbour("m80", 1), view.dialog.neighbour("m31", 1), view.dialog.neighbour("m1", -1)], [null, "m79", null, null]);
  api.asked = [];
  view.dialog.open("m36");
  await settled();
  assert.deepEqual(operations(), [], "five rows from the end there are five more");
  view.dialog.open("m35", { replace: true });
  await settled();
  assert.deepEqual(operations(), ["Sent"]);
  assert.deepEqual(went.slice(-2), [[{ info: "m36" }, { replace: false, over: true }], [{ info: "m35" }, { replace: true, over: true }]]);
  await go({ tab: "clicks" });
  assert.equal(view.dialog.neighbour("m80", 1), null);
});

test("a quarter of a second after the last scrolling the position is written, and after leaving it is not", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  window.scrollY = 0;
  view.place = { ...PLACE, at: "c5" };
  const scroll = () => window.dispatchEvent(new Event("scroll"));
  scroll();
  mock.timers.tick(249);
  scroll();
  mock.timers.tick(249);
  assert.deepEqual(went, []);
  mock.timers.tick(1);
  assert.deepEqual(went.map(([change]) => change), [{ at: null }]);
  scroll();
  view.leave();
  mock.timers.tick(1_000);
  assert.equal(went.length, 1);
  mock.timers.reset();
});

test("after a resize the heights of blocks out of sight are estimated anew", () => {
  Object.assign(view.list.blocks[0], { inSight: false, height: 99 });
  window.dispatchEvent(new Event("resize"));
  assert.equal(view.list.blocks[0].height, null);
});

test("after a row was selected, and after its filter was cleared, the focus is on the tab of its links", () => {
  const tab = element("tab-clicks");
  for (const choose of [() => view.select("m20", true), view.clearFilter]) {
    document.activeElement = document.body;
    view.drawings.works = [];
    choose();
    view.drawings.drawn();
    assert.equal(document.activeElement, tab);
  }
  assert.deepEqual(said, ["Links Clicked, of the selected mail only", "Links of all mail"]);
});

test("after each drawing the popover is opened with its heading focused, and closed with its icon focused", async () => {
  const heading = element("info-heading");
  const icon = element("icon");
  const tab = element("tab-sent");
  const dialog = { open: false, contains: () => false, showModal() { this.open = true; }, close() { this.open = false; } };
  let icons = icon;
  const body = { scrolled: 0, scrollTo() { this.scrolled += 1; } };
  const root = { querySelector: (name) => (name === "dialog.info" ? dialog : name === ".info-body" ? body : name.startsWith("[data-info=") ? icons : null), querySelectorAll: () => [] };
  api.infos = { m20: { id: "m20", customer: { id: "Customer_7" } }, m19: { id: "m19", customer: { id: "Customer_7" } } };
  await go({ info: "m20" });
  view.drawn(root);
  assert.deepEqual([dialog.open, document.activeElement], [true, heading]);
  assert.equal(body.scrolled, 1);
  // Another mail in it starts at its top; the same read again does not
  await go({ info: "m19" });
  document.activeElement = document.body;
  view.drawn(root);
  assert.deepEqual([body.scrolled, document.activeElement], [2, heading]);
  await view.dialog.sheet.read();
  view.drawn(root);
  assert.equal(body.scrolled, 2);
  await go({ info: null });
  view.drawn(root);
  assert.deepEqual([dialog.open, document.activeElement], [false, icon]);
  // Where there is no such icon, the tab
  await go({ info: "m20" });
  view.drawn(root);
  icons = null;
  await go({ info: null });
  view.drawn(root);
  assert.equal(document.activeElement, tab);
});

test("a selected row shows its links, a deselected one all", () => {
  view.select("m20", true);
  view.select("m20", false);
  view.clearFilter();
  assert.deepEqual(went.map(([change]) => change), [{ tab: "clicks", message: "m20", info: null, at: null }, { message: null }, { message: null, at: null }]);
});

test("when the service is back, what failed is read again and what is shown is renewed", async () => {
  const answer = globalThis.fetch;
  globalThis.fetch = async () => new Response(JSON.stringify({ errors: [{ message: "away" }] }));
  await go({ tab: "notes", info: "m20", message: "m77" });
  view.customer = null;
  await view.readHeading();
  globalThis.fetch = answer;
  assert.deepEqual([view.state, view.list.state, view.dialog.sheet.state], ["error", "error", "error"]);
  api.infos.m20 = { id: "m20", customer: { id: "Customer_7" } };
  api.rows.m77 = { id: "m77", subject: "Found", customer: { id: "Customer_7" }, info: {} };
  view.resume();
  await settled();
  await settled();
  assert.deepEqual([view.state, view.list.state, view.dialog.sheet.state, view.selected.subjectFor(view.customer)], ["ready", "ready", "ready", "Found"]);
});

test("a view that was left is read no more", async () => {
  view.leave();
  api.asked = [];
  window.dispatchEvent(new Event("scroll"));
  window.dispatchEvent(new Event("resize"));
  await settled();
  assert.deepEqual([operations(), view.lists.sent.state], [[], "new"]);
});

test("a customer who is read after the view was left is not watched", async () => {
  view.leave();
  view = new CustomerEmails(PLACE, app);
  view.leave();
  await settled();
  assert.deepEqual([view.state, view.live], ["ready", undefined]);
});

test("an unknown customer is said, and nothing is watched", async () => {
  view.leave();
  api.customer = null;
  view = new CustomerEmails(PLACE, app);
  await settled();
  assert.deepEqual([view.state, view.live, said], ["unknown", undefined, ["There is no such customer"]]);
  assert.match(markup(view.view()), /There is no such customer/);
});

test("a customer without a name is titled by its reference", () => {
  assert.equal(view.title, "Ann · Emails");
  view.customer.name = null;
  assert.equal(view.title, "C-1 · Emails");
  view.customer = null;
  assert.equal(view.title, "Emails");
});

test("the view is that of one customer's emails", () => {
  const places = [{ view: "emails", customer: "C-1" }, { view: "emails", customer: "C-2" }, { view: "customers", customer: "C-1" }];
  assert.deepEqual(places.map((place) => view.shows(place)), [true, false, false]);
});

test("each tab shows its list, a failure in its place, or that it is loading", async () => {
  const shown = () => markup(view.view());
  assert.match(shown(), /Campaign Emails Sent.*Mail 20/s);
  assert.match(shown(), /aria-labelledby="tab-sent" aria-busy=false\s+tabindex=-1/);
  await go({ tab: "notes" });
  assert.match(shown(), /aria-label=Connection Notes/);
  await go({ tab: "clicks" });
  assert.match(shown(), /No links clicked yet/);
  assert.match(shown(), /tabindex=0/);
  view.list.state = "error";
  view.list.error = new Error("Broken.");
  assert.match(shown(), /Include machines.*Broken\./s);
  view.list.error = Object.assign(new Error("Not yours."), { argument: "messageId" });
  assert.match(shown(), /There is no such mail/);
  await go({ tab: "sent" });
  view.list.state = "loading";
  assert.match(shown(), /aria-busy=true.*Loading/s);
  view.list.state = "error";
  view.list.error = new Error("Broken.");
  assert.match(shown(), /Broken\./);
  assert.doesNotMatch(shown(), /Campaign emails sent/);
});

test("the state of the connection is said, above all that there is none", () => {
  for (const [state, words] of [["live", "Live"], ["polling", "Looks every 5 s"], ["asleep", "Paused"], ["connecting", "Connecting"]]) {
    view.live.state = state;
    assert.match(markup(view.view()), new RegExp(`live-${state}.*>${words}<`));
  }
  app.offline = true;
  assert.match(markup(view.view()), />Offline</);
  view.live.stop();
  view.live = undefined;
  app.offline = false;
  assert.match(markup(view.view()), />Connecting</);
});

test("arrow keys move among the rows, and among their icons", () => {
  const focused = [];
  const row = (name) => {
    const icon = { focus: () => focused.push(`${name} icon`) };
    const open = { name, focus: () => focused.push(name) };
    open.closest = () => ({ querySelector: () => icon });
    return open;
  };
  const rows = ["a", "b"].map(row);
  document.querySelectorAll = () => rows;
  const press = (key, at, given = {}) => {
    let prevented = false;
    const icon = given.icon ?? false;
    view.onKey({ key, preventDefault: () => { prevented = true; }, target: { closest: () => (at ? { querySelector: () => at } : null), matches: () => icon }, ...given });
    return prevented;
  };
  assert.deepEqual([press("ArrowDown", rows[0]), press("ArrowUp", rows[1]), press("ArrowDown", rows[0], { icon: true })], [true, true, true]);
  assert.deepEqual(focused, ["b", "a", "b icon"]);
  assert.deepEqual([press("ArrowUp", rows[0]), press("ArrowDown", rows[1]), press("ArrowDown", null), press("Enter", rows[0])], [false, false, false, false]);
  for (const modifier of ["ctrlKey", "metaKey", "altKey"]) press("ArrowDown", rows[0], { [modifier]: true });
  assert.equal(focused.length, 3);
  document.querySelectorAll = () => [];
});

test("the position is written to the URL: the row above the first one visible, none at the top or behind a dialog", () => {
  const boxes = { ".sticky": { bottom: 100 }, "#panel .heads": { bottom: 140 } };
  const row = (cursor, top) => ({ dataset: { cursor }, getBoundingClientRect: () => ({ top, bottom: top + 50 }) });
  let dialog = null;
  document.querySelector = (name) => (name === "dialog[open]" ? dialog : boxes[name] && { getBoundingClientRect: () => boxes[name] });
  // Of the second row a quarter is visible, of the third all
  document.querySelectorAll = () => [row("c20", 60), row("c19", 110), row("c18", 160)];
  window.scrollY = 500;
  dialog = {};
  view.listPlace.writePlace();
  dialog = null;
  view.list.state = "loading";
  view.listPlace.writePlace();
  assert.deepEqual(went, []);
  view.list.state = "ready";
  view.listPlace.writePlace();
  assert.deepEqual(went, [[{ at: "c19" }, { replace: true, scroll: false }]]);
  view.place = { ...PLACE, at: "c19" };
  view.listPlace.writePlace();
  assert.equal(went.length, 1, "the same place is not written again");
  window.scrollY = 0;
  view.listPlace.writePlace();
  assert.deepEqual(went.at(-1)[0], { at: null });
  document.querySelector = () => null;
  document.querySelectorAll = () => [];
});

test("a position is revealed by scrolling to the row below it, and the top by scrolling there", async () => {
  const scrolled = [];
  document.querySelector = (name) => (name.includes('"c15"') ? { scrollIntoView: ({ block }) => scrolled.push(block) } : null);
  window.scrollTo = (left, top) => scrolled.push(top);
  const draw = () => view.drawings.drawn();
  view.drawings.works = [];
  await go({ at: "c16" });
  draw();
  assert.deepEqual(scrolled, ["start"]);
  await go({ at: null });
  draw();
  await go({ at: "unknown" });
  draw();
  assert.deepEqual(scrolled, ["start", 0]);
  // Another tab's list is not scrolled; back on this one its position is restored
  view.reveal(view.lists.notes, null);
  window.scrollY = 77;
  await go({ tab: "notes" });
  draw();
  window.scrollY = 0;
  await go({ tab: "sent" });
  draw();
  assert.deepEqual(scrolled, ["start", 0, 77]);
  document.querySelector = () => null;
});

// ---- the popover's state

const sheetOf = (page = { customer: { id: "Customer_7" }, neighbour: () => null, reread: () => {} }) => new InfoSheet(page, app);
const info = (id, customer = "Customer_7") => ({ id, customer: { id: customer } });

test("an answer for a mail that is no longer shown is dropped, a failure too", async () => {
  api.infos = { m1: info("m1"), m2: info("m2") };
  const sheet = sheetOf();
  for (const fails of [false, true]) {
    late.Info = pending();
    const hold = late.Info;
    sheet.show("m1");
    await settled();
    delete late.Info;
    sheet.show("m2");
    await settled();
    if (fails) hold.reject(new Error("away"));
    else hold.resolve();
    await settled();
    assert.deepEqual([sheet.id, sheet.message.id, sheet.state, sheet.error], ["m2", "m2", "ready", null]);
    sheet.show(null);
  }
  assert.equal(sheet.state, "closed");
});

test("what is shown stays while it is read again, also when that fails", async () => {
  api.infos.m1 = info("m1");
  const sheet = sheetOf();
  sheet.show("m1");
  sheet.show("m1");
  await settled();
  assert.equal(operations().filter((each) => each === "Info").length, 1);
  delete api.infos.m1;
  await sheet.read();
  assert.deepEqual([sheet.state, sheet.message.id], ["ready", "m1"]);
});

test("another customer's mail is gone, as is one that does not exist", async () => {
  api.infos = { m1: info("m1"), m8: info("m8", "Customer_8") };
  const sheet = sheetOf();
  sheet.show("m1");
  assert.equal(sheet.gone, false, "not while it is loading");
  await settled();
  assert.equal(sheet.gone, false);
  sheet.show("m8");
  await settled();
  assert.equal(sheet.gone, true);
  sheet.message = null;
  assert.equal(sheet.gone, true);
});

test("an action is done once asked, and the mail read again; its refusal is said and nothing is", async () => {
  api.infos.m1 = info("m1");
  const reread = [];
  const sheet = sheetOf({ customer: { id: "Customer_7" }, neighbour: () => null, reread: (id) => reread.push(id) });
  sheet.show("m1");
  await settled();
  sheet.ask("RETRY");
  assert.equal(sheet.asked, "RETRY");
  const acting = sheet.act("RETRY", "m1", { messageId: "m1" });
  assert.equal(sheet.acting, true);
  await acting;
  assert.deepEqual([sheet.asked, sheet.acting, sheet.fault, reread, operations().filter((each) => each === "Info").length], [null, false, null, ["m1"], 2]);
  api.refusal = "Its campaign was cancelled.";
  await sheet.act("RETRY", "m1", { messageId: "m1" });
  assert.deepEqual([sheet.asked, sheet.acting, sheet.fault, reread.length], [null, false, "Its campaign was cancelled.", 1]);
  sheet.ask("RETRY");
  assert.equal(sheet.fault, null);
});

test("what followed in a mail's life is read on, below what is shown; a failure leaves that", async () => {
  const part = (kinds, endCursor) => ({ nodes: kinds.map((kind) => ({ kind })), pageInfo: { hasNextPage: endCursor !== null, endCursor } });
  api.infos = { m1: { ...info("m1"), events: part(["QUEUED"], "a") } };
  api.lives = { a: part(["ATTEMPTED", "OPENED"], "b") };
  const sheet = sheetOf();
  sheet.show("m1");
  await settled();
  await sheet.readOn();
  assert.deepEqual(sheet.message.events, part(["QUEUED", "ATTEMPTED", "OPENED"], "b"));
  await sheet.readOn();
  assert.deepEqual(sheet.message.events, part(["QUEUED", "ATTEMPTED", "OPENED"], "b"));
  // What comes for a mail that was read again meanwhile is dropped
  const hold = (late.Life = pending());
  const reading = sheet.readOn();
  await sheet.read();
  hold.resolve();
  delete late.Life;
  await reading;
  assert.deepEqual(sheet.message.events, part(["QUEUED"], "a"));
});

test("a file's link that is too old is read again before it is followed", async () => {
  const followed = [];
  const at = Date.now;
  api.infos = { m1: { ...info("m1"), attachments: [{ name: "a", url: "https://x.example/new" }] } };
  const sheet = sheetOf();
  sheet.show("m1");
  await settled();
  const before = globalThis.location;
  globalThis.location = { assign: (url) => followed.push(url) };
  const press = () => sheet.download({ preventDefault: () => followed.push("held") }, 0);
  try {
    await press();
    assert.deepEqual(followed, []);
    Date.now = () => at() + 240_000;
    await press();
  } finally {
    Date.now = at;
    globalThis.location = before;
  }
  assert.deepEqual(followed, ["held", "https://x.example/new"]);
});

test("the popover's buttons: neighbours, the clicks of its mail, what is shown of its content, and closing", () => {
  const done = [];
  const sheet = sheetOf({ neighbour: (id, step) => `${id}${step > 0 ? "+" : ""}${step}`, open: (...given) => done.push(given), close: () => done.push("closed"), select: (...given) => done.push(given) });
  sheet.id = "m1";
  assert.deepEqual([sheet.newer, sheet.older], ["m1-1", "m1+1"]);
  sheet.turn("m2");
  sheet.close();
  sheet.showClicks();
  sheet.message = { content: null, info: { preview: { text: "Hello" } } };
  sheet.showAs({ as: "text" });
  sheet.showTab("content");
  assert.deepEqual([done, sheet.tab, sheet.shown], [[["m2", { replace: true }], "closed", ["m1", true]], "content", { which: "template", as: "text", width: "desktop" }]);
});
