// The checklist before a launch: what stands in the way, what warns, and where to go on.
import { test } from "node:test";
import assert from "node:assert/strict";
import "./browser.js";
import { checksOf, nextTarget, reached, toDo } from "../../../../service/page/campaigns/edit-checks.js";
import { draftOf, letterOf, newDraft } from "../../../../service/page/campaigns/edit-draft.js";

const NOW = Date.parse("2026-11-30T12:00:00Z");
const sender = { id: "Sender_1", name: "Office", timeZone: "America/Denver", postalAddress: "1 Main Street", from: "office@fabrikam.dev" };
const count = (value, precision = "EXACT") => ({ value, precision });
const list = { id: "CustomerList_1", name: "Service", kind: "FIXED", count: count(12) };
const draft = () => draftOf({
  title: "Spring", kind: "MARKETING", priority: 4, tracked: true, audienceSize: 0, sender, lists: [list], excludedLists: [],
  mailings: [{ id: "Mailing_1", subject: "Hello", notOpened: null, schedule: null, template: { number: 7, subject: "Hello", template: { id: "Template_1", name: "Spring", version: 7 } } }],
}, NOW);
const preview = (values = {}) => ({ size: 48_000, warnings: [], audience: { recipients: count(10), leftOut: [{ reason: "OPTED_OUT", recipients: 2 }] }, ...values });
const warning = (code, values = {}) => ({ code, message: `${code} is said.`, blocking: false, recipients: null, ...values });

/** The checks by name; everything is right unless `values` say otherwise. */
function checks(values = {}) {
  const own = values.draft ?? draft();
  const given = {
    draft: own, previews: new Map([[own.mailings[0].key, values.preview ?? preview()]]), faults: new Map(), senders: [sender],
    domainCheck: { ready: true, records: [] }, tested: { letter: letterOf(own, own.mailings[0]), to: "me@x.example", at: "2026-11-30T11:48:00Z" }, loading: false, now: NOW, ...values,
  };
  const all = checksOf(given);
  return { all, ...Object.fromEntries(all.map((each) => [each.name, each])) };
}

test("when everything is right, all seven are done and the launch is next", () => {
  const { all, audience } = checks();
  assert.deepEqual(all.map(({ state }) => state), Array(7).fill("done"));
  assert.match(audience.text, /10 people/);
  assert.match(audience.detail, /2 opted out/);
  assert.deepEqual([toDo(all), nextTarget(all)], [0, null]);
});

test("a new draft leads from the audience to the letter, then to the test message", () => {
  const own = newDraft({ title: "x", sender, now: NOW, zone: "UTC" });
  const bare = { draft: own, previews: new Map(), tested: null, domainCheck: null };
  assert.equal(nextTarget(checks(bare).all), "edit-lists");
  own.lists.push(list);
  assert.equal(nextTarget(checks(bare).all), `edit-template-${own.mailings[0].key}`);
  own.mailings[0].template = { id: "Template_1", name: "Spring" };
  assert.equal(nextTarget(checks(bare).all), "edit-test");
});

test("while an import still fills a list, nothing is launched to a part of it", () => {
  const { audience } = checks({ importing: true });
  assert.equal(audience.state, "stops");
  assert.match(audience.text, /still filling/);
});

test("nobody left says why", () => {
  const { audience } = checks({ preview: preview({ audience: { recipients: count(0), leftOut: [{ reason: "OPTED_OUT", recipients: 12 }] } }) });
  assert.equal(audience.state, "stops");
  assert.match(audience.text, /12 opted out/);
});

test("an audience that is too large to count is a warning, one that is not counted yet is open", () => {
  assert.equal(checks({ preview: preview({ audience: null }) }).audience.state, "warns");
  assert.equal(checks({ preview: preview({ audience: null }), loading: true }).audience.state, "open");
});

test("the letter's blocking warnings stop, the others warn", () => {
  assert.equal(checks({ preview: preview({ warnings: [warning("CLIPPED")] }) }).letter.state, "warns");
  for (const blocking of [true, false]) {
    const { unsubscribe, fields } = checks({ preview: preview({ warnings: [warning("UNSUBSCRIBE_MISSING", { blocking: true }), warning("MERGE_FIELD_MISSING", { blocking, recipients: 312 })] }) });
    assert.equal(unsubscribe.state, "stops");
    assert.deepEqual([fields.state, fields.template], [blocking ? "stops" : "warns", "Template_1"]);
    assert.match(fields.text, /312/);
  }
});

test("what saving refuses of a letter stands in the way in the API's words", () => {
  const own = draft();
  assert.deepEqual(
    ["state", "text"].map((name) => checks({ draft: own, faults: new Map([[own.mailings[0].key, new Error("It needs a link.")]]) }).letter[name]),
    ["stops", "It needs a link."],
  );
});

test("a sender without a postal address stands in the way", () => {
  assert.equal(checks({ senders: [{ ...sender, postalAddress: null }] }).unsubscribe.state, "stops");
});

test("DNS that is wrong stops with what to put there; DNS that does not answer warns", () => {
  const record = { kind: "DKIM", ok: false, name: "s1._domainkey.x.example", found: null, wanted: "v=DKIM1; p=abc", advice: "There is no key." };
  const { domain } = checks({ domainCheck: { ready: false, records: [{ ...record, kind: "SPF", ok: true }, record] } });
  assert.deepEqual([domain.state, domain.copy], ["stops", "v=DKIM1; p=abc"]);
  assert.match(domain.text, /DKIM: There is no key/);
  assert.equal(checks({ domainCheck: { ready: null, records: [{ ...record, ok: null }] } }).domain.state, "warns");
  // A name that is reserved for trying things out has no DNS.
  assert.equal(checks({ domainCheck: { ready: false, records: [record] }, senders: [{ ...sender, from: "office@fabrikam.example" }] }).domain.state, "warns");
  assert.equal(checks({ domainCheck: { failed: true } }).domain.state, "warns");
  assert.equal(checks({ domainCheck: null }).domain.state, "open");
});

test("a test message of another letter counts no more", () => {
  const own = draft();
  const tested = { letter: letterOf(own, own.mailings[0]), to: "me@x.example", at: "2026-11-30T11:48:00Z" };
  own.mailings[0].subject = "Another";
  assert.equal(checks({ draft: own, tested }).test.state, "warns");
});

test("times: past, skipped by the clocks, twice, and missing", () => {
  const at = (local, values = {}) => {
    const own = draft();
    Object.assign(own.mailings[0].when, { kind: "at", local, ...values });
    return checks({ draft: own }).time;
  };
  assert.equal(at("2026-12-01T09:00").state, "done");
  assert.equal(at("2026-11-30T04:00").state, "stops");
  assert.match(at("2027-03-14T02:30").text, /02:30 on 2027-03-14 does not exist in Denver/);
  assert.equal(at("2027-11-07T01:30").state, "warns");
  assert.equal(at("").state, "stops");
  assert.equal(at("2026-11-29T23:00", { kind: "local" }).state, "stops");
});

test("of several mailings all reasons are added up, and one that is not counted leaves all unknown", () => {
  const own = draft();
  own.mailings.push({ ...own.mailings[0], key: "other" });
  const previews = new Map([[own.mailings[0].key, preview()], ["other", preview()]]);
  assert.deepEqual(reached(own, previews), { messages: 20, people: 10, exact: true, leftOut: [{ reason: "OPTED_OUT", recipients: 4 }] });
  previews.set("other", preview({ audience: null }));
  assert.equal(reached(own, previews), null);
});
