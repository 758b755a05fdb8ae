// The list of customers: a search while one types, and keys that wait for its result.
import { afterEach, beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { markup, newPage, settled } from "./browser.js";
import { CustomerList } from "../../../../service/page/customers/customer-list.js";

const PLACE = { view: "customers", search: "" };

let customers;
let asked;
let went;
let said;
let refusal;
let view;
let app;

globalThis.fetch = async (_, { body }) => {
  const { variables } = JSON.parse(body);
  asked.push(variables.search);
  if (refusal) return new Response(JSON.stringify({ errors: [{ message: "no", extensions: refusal }] }));
  const edges = customers.filter(({ node }) => node.name.includes(variables.search ?? ""));
  return new Response(JSON.stringify({ data: { customers: { edges, pageInfo: { hasNextPage: customers.more ?? false, endCursor: "e" } } } }));
};

const customer = (name, values = {}) => ({
  cursor: `c-${name}`, node: { id: `Customer_${name}`, externalRef: `R-${name}`, name, failedEmails: 0, addresses: [], latestEmail: null, ...values },
});
const key = (name, values = {}) => ({ key: name, preventDefault: () => {}, ...values });

async function open(place = PLACE) {
  view = new CustomerList(place, app);
  await settled();
  await settled();
}

beforeEach(async () => {
  newPage();
  document.querySelector = () => null;
  customers = [customer("Ann"), customer("Bob")];
  [asked, went, said, refusal] = [[], [], [], null];
  app = {
    changed: () => {},
    announce: (text) => said.push(text),
    guard: (call) => call,
    left: null,
    go: (change, options) => {
      went.push([change, options]);
      view.arrive({ ...view.place, ...change });
    },
  };
  await open();
});

afterEach(() => {
  view.leave();
  mock.timers.reset();
});

test("a search runs when typing has paused, and says what it found", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  view.type("A");
  mock.timers.tick(199);
  view.type("An ");
  mock.timers.tick(199);
  assert.deepEqual(went, []);
  mock.timers.tick(1);
  await settled();
  await settled();
  assert.deepEqual([went, asked, said, view.typed], [[[{ search: "An" }, { replace: true }]], [null, "An"], ["1 customer"], "An "]);
  customers.more = true;
  app.go({ search: "n" });
  await settled();
  await settled();
  app.go({ search: "zzz" });
  await settled();
  await settled();
  assert.deepEqual(said.slice(1), ["The first 1 customer", "No customer found"]);
});

test("a search that runs at once does not run again after the pause", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  view.type("An");
  view.searchKey(key("Enter"));
  view.typed = "Ann";
  mock.timers.tick(200);
  assert.deepEqual(went, [[{ search: "An" }, { replace: true }]]);
  view.type("Bo");
  view.leave();
  mock.timers.tick(200);
  assert.equal(went.length, 1, "nor after the list was left");
});

test("the list is the view of its places only", () => {
  assert.deepEqual([view.shows({ view: "customers" }), view.shows({ view: "emails" })], [true, false]);
});

test("a search is cut at what the API takes, one that it refuses finds nobody, another failure is said", async () => {
  app.go({ search: "x".repeat(400) });
  await settled();
  assert.equal(asked.at(-1).length, 320);
  refusal = { argument: "search" };
  app.go({ search: "y" });
  await settled();
  await settled();
  assert.deepEqual([view.list.state, view.list.count], ["ready", 0]);
  refusal = { argument: "first" };
  app.go({ search: "z" });
  await settled();
  await settled();
  assert.equal(view.list.state, "error");
});

test("Enter and the arrow wait for the search that was typed", async () => {
  const done = [];
  document.querySelector = () => ({ click: () => done.push("open"), focus: () => done.push("focus") });
  view.typed = "Ann";
  view.searchKey(key("Enter"));
  assert.deepEqual([done, view.pendingKey], [[], "open"]);
  await settled();
  await settled();
  view.runPendingKey();
  assert.deepEqual([done, view.pendingKey], [["open"], null]);
  view.searchKey(key("ArrowDown"));
  assert.deepEqual(done, ["open", "focus"]);
  view.runPendingKey();
  assert.equal(done.length, 2, "once a key");
  view.searchKey(key("Enter", { isComposing: true }));
  view.searchKey(key("x"));
  assert.equal(done.length, 2);
  view.typed = "Ann B";
  view.searchKey(key("Enter"));
  view.type("Ann Bo");
  assert.equal(view.pendingKey, null, "typing on calls the key off");
  view.searchKey(key("Escape"));
  assert.equal(view.typed, "");
});

test("arrow keys move among the customers, and from the first one to the search", () => {
  const focused = [];
  const row = (name) => Object.assign({ focus: () => focused.push(name) }, { closest() { return this; } });
  const rows = [row("a"), row("b")];
  document.querySelectorAll = () => rows;
  document.getElementById = () => ({ focus: () => focused.push("search") });
  const press = (name, target) => {
    let prevented = false;
    view.listKey({ key: name, target, preventDefault: () => { prevented = true; } });
    return prevented;
  };
  assert.deepEqual([press("ArrowDown", rows[0]), press("ArrowUp", rows[1]), press("ArrowUp", rows[0]), press("ArrowDown", rows[1])], [true, true, true, true]);
  assert.deepEqual(focused, ["b", "a", "search"]);
  assert.deepEqual([press("x", rows[0]), press("ArrowDown", row("stranger"))], [false, false]);
  assert.equal(view.title, "Customers");
  document.querySelectorAll = () => [];
});

test("when the service is back a list that failed is read, and one that is shown is renewed", async () => {
  customers.unshift(customer("New"));
  view.resume();
  await settled();
  await settled();
  assert.equal([...view.list.rows()][0].node.name, "New");
  refusal = { code: "DOWN" };
  await view.list.open();
  assert.equal(view.list.state, "error");
  refusal = null;
  view.resume();
  await settled();
  await settled();
  assert.equal(view.list.state, "ready");
});

test("Back returns to the customer that was opened from the same search only", async () => {
  view.leave();
  app.left = { search: "", cursor: "c-Bob", top: 10 };
  await open();
  assert.equal(view.left.cursor, "c-Bob");
  view.leave();
  app.left = { search: "other", cursor: "c-Bob", top: 10 };
  await open();
  assert.equal(view.left, null);
});

test("a row: its name or reference, its primary address, its latest mail, and how many failed", () => {
  const address = (name, primary) => ({ address: name, primary });
  const shown = (values) => markup(view.row(customer("Ann", values)));
  assert.match(shown({ addresses: [address("a@x", false), address("b@x", true)] }), /b@<wbr>x/);
  assert.match(shown({ addresses: [address("a@x", false)] }), /a@<wbr>x/);
  assert.match(shown({ failedEmails: 2, uncertainEmails: 1 }), /badge red.*2 not sent.*badge amber.*1 uncertain/s);
  assert.match(shown({}), /R-Ann.*No mail yet/s);
  assert.doesNotMatch(shown({}), /badge red/);
  assert.match(shown({ failedEmails: 2 }), /badge red.*2 not sent/s);
  const latest = { title: null, occurredAt: "2026-11-23T12:00:00Z", info: { status: "REFUSED", colorHint: "RED", cause: "SPAM" } };
  assert.match(shown({ latestEmail: latest }), /subject erased.*Refused: the receiver takes it for spam/s);
});

test("no customers, none found, and what a short search can find", async () => {
  assert.match(markup(view.rows()), /id="customers"/);
  customers = [];
  await view.list.open();
  assert.match(markup(view.rows()), /No customers yet/);
  view.place = { view: "customers", search: "ab" };
  assert.match(markup(view.rows()), /is no word of a name/);
  view.place = { view: "customers", search: "abc" };
  assert.match(markup(view.rows()), /contains/);
});
