// One customer's page beside their mail: lists, campaigns, addresses, choices; writing to them, and printing.
import { beforeEach, mock, test } from "node:test";
import assert from "node:assert/strict";
import { markup, newPage, settled } from "./browser.js";
import { CustomerPart } from "../../../../service/page/customers/customer-part.js";
import { customerTabs, mailto } from "../../../../service/page/customers/customer-tabs.js";
import { PrintHistory } from "../../../../service/page/customers/print-history.js";
import { rowBlocks } from "../../../../service/page/row-blocks.js";

const NOON = "2026-11-23T12:00:00Z";
const ADDRESSES = [
  { address: "ann@x.example", primary: true, suppressedSince: null, suppressionReason: null, suppression: null },
  { address: "ann@y.example", primary: false, suppressedSince: NOON, suppressionReason: "STAFF", suppression: { id: "S1", reason: "STAFF", scope: "ALL_MAIL", suppressedAt: NOON, by: "jo", why: "moved", heldMessages: 0, message: null } },
];
const text = (shown) => markup(shown).replace(/<[^>]*>/g, "").replace(/\s+/g, " ").trim();

let api;
let app;
let undone;

globalThis.fetch = async (_, { body }) => {
  const { query, variables } = JSON.parse(body);
  const operation = /(?:query|mutation) (\w+)/.exec(query)[1];
  api.asked.push([operation, variables]);
  return new Response(JSON.stringify(api.answers[operation]?.(variables) ?? { data: { done: { changed: 1, retried: 0, released: 0, warnings: [], userErrors: [] } } }));
};

const none = { hasNextPage: false, endCursor: null };
const recipient = (values) => ({ id: "R1", status: "ACCEPTED", leftOut: null, dueAt: null, mailing: { number: 1, subject: "Offer", campaign: { id: "Campaign_1", title: "Spring" } }, message: { id: "m1", occurredAt: NOON, sentAt: NOON, openedAt: null }, ...values });

beforeEach(() => {
  newPage();
  undone = [];
  api = { asked: [], customer: { id: "Customer_7", externalRef: "C-1", name: "Ann", replyTo: "c2k1a@reply.example", addresses: ADDRESSES, optOuts: { marketing: null, eventBased: null }, latestEmail: null }, answers: {
    Customer: () => ({ data: { customer: api.customer } }),
    CustomerAddresses: () => ({ data: { customer: api.customer } }),
    CustomerLists: () => ({ data: { customer: { list: { edges: [
      { cursor: "l1", node: { addedAt: NOON, by: "import", list: { id: "CustomerList_1", name: "Service", kind: "FIXED" } } },
      { cursor: "l2", node: { addedAt: null, by: null, list: { id: "CustomerList_2", name: "Vips", kind: "DYNAMIC" } } },
    ], pageInfo: none } } } }),
    CustomerCampaigns: () => ({ data: { customer: { list: { edges: [{ cursor: "r1", node: recipient() }, { cursor: "r2", node: recipient({ status: null, leftOut: "OPTED_OUT", message: null }) }], pageInfo: none } } } }),
    ToCome: () => ({ data: { customer: { campaigns: { edges: [{ node: recipient({ status: "QUEUED", message: null, dueAt: NOON }) }], pageInfo: { hasNextPage: false } } } } }),
  } };
  app = { readOnly: false, offline: false, changed: () => {}, announce: () => {}, guard: (call) => call, to: () => () => {}, toList: () => {}, undoable: (said, undo) => undone.push([said, undo]) };
});

async function opened(part) {
  const place = { view: "customer", customer: "C-1", part };
  const view = new CustomerPart(place, app);
  view.arrive(place);
  await settled();
  await settled();
  return view;
}
const asked = (operation) => api.asked.filter(([name]) => name === operation).map(([, variables]) => variables.input ?? variables);

test("a mail to the customer asks for answers to our address; without one they go to whoever writes", () => {
  assert.equal(mailto("ann@x.example", "c2k1a@reply.example"), "mailto:ann@x.example?reply-to=c2k1a%40reply.example");
  assert.equal(mailto("ann+a?b@x.example", null), "mailto:ann%2Ba%3Fb@x.example");
  const tabs = (values) => markup(customerTabs({ reference: "C-1", customer: { ...api.customer, ...values }, current: "emails", app, print: () => {} }));
  assert.match(tabs({}), /href=\/customers\/C-1\/emails aria-current=page/);
  assert.match(tabs({}), /mailto:ann@x\.example\?reply-to/);
  assert.doesNotMatch(tabs({ addresses: [] }), /mailto/);
});

test("lists: since when and by what; taken out of a fixed one with Undo, not out of a dynamic one", async () => {
  const view = await opened("lists");
  const shown = text(view.view());
  assert.match(shown, /Service Fixed .*import Remove Vips Dynamic by its criteria/);
  await view.part.change(async () => ({ changed: 1 }), async () => {}, { id: "CustomerList_1", name: "Service" }, (name) => `Out of ${name}`);
  assert.deepEqual(undone.map(([said]) => said), ["Out of Service"]);
  await view.part.add({ id: "CustomerList_3", name: "New" });
  assert.deepEqual(asked("ChangeList"), [{ listId: "CustomerList_3", customerIds: ["Customer_7"] }]);
  assert.equal(undone[1][0], "Added to New.");
  app.readOnly = true;
  assert.doesNotMatch(markup(view.part.view()), /<button/);
  view.leave();
});

test("campaigns: what is still to come first, then what came and what was left out, with why", async () => {
  const view = await opened("campaigns");
  assert.match(text(view.view()), /Still to come .*Spring Offer Waiting.*Sent and left out.*Spring Offer Accepted.*Left out: opted out/);
  assert.match(markup(view.view()), /href=\/messages\/m1/);
  api.answers.ToCome = () => ({ data: { customer: { campaigns: { edges: [], pageInfo: { hasNextPage: false } } } } });
  await view.part.look();
  assert.match(text(view.view()), /No campaign will reach this customer/);
  view.leave();
});

test("addresses: what stands against one, and all that can be done; the whole list is written as it stood then", async () => {
  const view = await opened("addresses");
  const shown = text(view.view());
  assert.match(shown, /ann@x\.example ?Primary Edit Remove ann@y\.example Set by our people.*“moved” Edit Make primary Lift Remove Add an address/);
  assert.match(shown, /c2k1a@reply\.example/);
  await view.part.makePrimary("ann@y.example");
  assert.deepEqual(asked("ReplaceAddresses"), [{ customers: [{ externalRef: "C-1", addresses: ["ann@y.example", "ann@x.example"] }] }]);
  await undone[0][1]();
  assert.deepEqual(asked("ReplaceAddresses")[1], { customers: [{ externalRef: "C-1", addresses: ["ann@x.example", "ann@y.example"] }] });
  view.part.ask("add");
  assert.match(text(view.view()), /Add the address/);
  await view.part.add("ann@z.example");
  assert.deepEqual(asked("ReplaceAddresses").at(-1).customers[0].addresses, ["ann@x.example", "ann@y.example", "ann@z.example"]);
  api.answers.Lift = () => ({ data: { done: { released: 0, suppression: { id: "S1" }, userErrors: [] } } });
  view.part.ask("lift", "ann@y.example");
  assert.match(text(view.view()), /May we mail ann@y\.example\?/);
  await view.part.lift("ann@y.example", { why: "came back", releaseHeld: false });
  assert.deepEqual(asked("Lift"), [{ address: "ann@y.example", why: "came back", releaseHeld: false }]);
  await undone.at(-1)[1]();
  assert.deepEqual(asked("SuppressAgain"), [{ suppressionId: "S1" }]);
  app.readOnly = true;
  assert.doesNotMatch(markup(view.part.view()), /<button/);
  view.leave();
});

test("addresses: a refusal stays with what was asked", async () => {
  api.answers.Correct = () => ({ data: { done: { retried: 0, userErrors: [{ code: "CONFLICT", message: "It has that address.", field: [] }] } } });
  const view = await opened("addresses");
  view.part.ask("edit", "ann@x.example");
  await view.part.correct("ann@x.example", "ann@y.example");
  assert.match(text(view.view()), /It has that address\./);
  assert.deepEqual(undone, []);
  view.leave();
});

test("choices: what our people set is changed at once with Undo, what the customer chose only by a plan", async () => {
  const view = await opened("choices");
  assert.match(text(view.view()), /Marketing campaigns May be sent\./);
  view.part.toggle("MARKETING");
  await settled();
  assert.deepEqual(asked("SetOptOut"), [{ customerId: "Customer_7", kind: "MARKETING", optedOut: true }]);
  assert.equal(undone[0][0], "No more marketing campaigns.");
  assert.notEqual(undone[0][1], null);
  api.customer = { ...api.customer, optOuts: { marketing: { optedOutAt: NOON, by: "customer", source: "ONE_CLICK" }, eventBased: null } };
  await view.renew();
  view.part.toggle("MARKETING");
  assert.match(text(view.view()), /Send marketing campaigns again\?.*opted out by the unsubscribe button.*Only allow them if the customer asked.*Allow marketing campaigns/);
  app.readOnly = true;
  view.part.asked = null;
  assert.match(text(view.part.view()), /Marketing campaigns: not sent.*Event-based campaigns: may be sent/);
  assert.doesNotMatch(markup(view.part.view()), /<input/);
  view.leave();
});

test("nobody of that name is said, and a failure can be tried again", async () => {
  api.customer = null;
  const view = await opened("lists");
  assert.match(text(view.view()), /There is no such customer No customer is known as C-1\. Check/);
  api.answers.Customer = () => ({ errors: [{ message: "Not now." }] });
  const broken = await opened("lists");
  assert.match(text(broken.view()), /Not now\./);
  for (const each of [view, broken]) each.leave();
});

test("printing reads the rest and draws all rows, not only those near the screen", async () => {
  const printed = [];
  const block = (number, inSight) => ({ number, rows: [{ cursor: `c${number}` }], inSight, height: 52 });
  const list = { count: 1, hasOlder: true, blocks: [block(1, true)], async older() {
    this.blocks.push(block(2, false));
    this.count += 1;
    this.hasOlder = this.count < 3;
  } };
  const shown = () => markup(rowBlocks(list, (edge) => edge.cursor)).replace(/<[^>]*>/g, "");
  window.print = mock.fn(() => printed.push(shown()));
  const printing = new PrintHistory(() => list, app);
  await printing.print();
  assert.deepEqual(printed, ["c1c2c2"]);
  assert.match(text(printing.view()), /Printed .* by/);
  // The browser's own Print, and afterwards
  window.dispatchEvent(new Event("afterprint"));
  assert.equal(shown(), "c1");
  window.dispatchEvent(new Event("beforeprint"));
  assert.equal(shown(), "c1c2c2");
  printing.stop();
  window.dispatchEvent(new Event("afterprint"));
  assert.equal(list.whole, true);
  // What cannot be read is said instead
  const broken = { ...list, count: 1, hasOlder: true, olderError: null, async older() { this.olderError = new Error("Away."); } };
  const other = new PrintHistory(() => broken, app);
  await other.print();
  assert.equal(window.print.mock.callCount(), 1);
  assert.match(text(other.view()), /Away\./);
  other.stop();
});
