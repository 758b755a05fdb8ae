// The URL holds the place: what is written is read back, and what was mistyped has a sensible meaning.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readAddress, viewOf, writeAddress } from "../../../../service/page/address.js";

const read = (path) => readAddress(new URL(path, "http://mail.example"));
const PLACE = { view: "emails", customer: "Customer_7", tab: "sent", message: null, info: null, machines: false, at: null };

test("a place is read back as it was written", () => {
  for (const change of [{}, { tab: "clicks", message: "m1", machines: true }, { tab: "notes", info: "m2", at: "c3" }, { customer: "A/B?#ä" }, { customer: "50%" }]) {
    const place = { ...PLACE, ...change };
    assert.deepEqual(read(writeAddress(place)), place);
  }
  for (const search of ["", "ann & bob"]) assert.deepEqual(read(writeAddress({ view: "customers", search })), { view: "customers", search });
  const waiting = { view: "customers", search: "ann", attention: true };
  assert.equal(writeAddress(waiting), "/customers?search=ann&attention");
  assert.deepEqual(read(writeAddress(waiting)), waiting);
});

test("the parts of one customer's page have addresses of their own", () => {
  for (const part of ["lists", "campaigns", "addresses", "choices"]) {
    const place = { view: "customer", customer: "A/B?#ä", part };
    assert.equal(writeAddress(place), `/customers/A%2FB%3F%23%C3%A4/${part}`);
    assert.deepEqual(read(writeAddress(place)), place);
    assert.deepEqual(read(`${writeAddress(place)}/`), place);
    assert.equal(viewOf(place), "customers");
  }
  // A reference may be called so, too.
  assert.deepEqual(read("/customers/lists").customer, "lists");
  assert.equal(read("/customers/C-1/lists/x").view, "nowhere");
});

test("a URL says no more than it must", () => {
  assert.equal(writeAddress(PLACE), "/customers/Customer_7/emails");
  assert.equal(writeAddress({ ...PLACE, tab: "clicks", machines: true }), "/customers/Customer_7/emails?tab=clicks&machines");
  assert.equal(writeAddress({ view: "customers", search: "" }), "/customers");
  assert.equal(writeAddress({ view: "customers", search: "ann" }), "/customers?search=ann");
});

test("shortened URLs work, unknown ones are nowhere, an unknown tab is the first", () => {
  for (const path of ["/customers/C-1", "/customers/C-1/", "/customers/C-1/emails/"]) assert.equal(read(path).customer, "C-1");
  for (const path of ["/?search=", "/?attention", "/customers", "/customers/"]) assert.equal(read(path).view, "customers");
  for (const path of ["/customer", "/customers/C-1/letters", "/x/customers/C-1", "/customers/C-1/emails/x", "/x/customers"]) assert.equal(read(path).view, "nowhere");
  assert.equal(read("/customers/C-1?tab=garbage").tab, "sent");
  assert.equal(read("/customers/%E0%A4%A").customer, "%E0%A4%A");
  assert.equal(read("/?search=%20ann%20").search, "ann");
});

test("other views have their path and query", () => {
  for (const place of [
    { view: "worklist", path: [], query: {} },
    { view: "worklist", path: [], query: { show: "uncertain" } },
    { view: "messages", path: ["Message_1_a/b"], query: {} },
    { view: "messages", path: [], query: { status: "refused,bounced", search: "a & b=c", opened: "" } },
  ]) assert.deepEqual(read(writeAddress(place)), place);
  assert.equal(writeAddress({ view: "worklist", path: [], query: {} }), "/");
  assert.equal(writeAddress({ view: "messages", path: [], query: { opened: true, clicked: false, at: null } }), "/messages?opened");
  for (const path of ["/nowhere", "/constructor", "/toString/x"]) assert.equal(read(path).view, "nowhere");
});
