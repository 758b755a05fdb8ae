// The worklist's state: groups in order, and later readings that move nothing that is there.
import { test } from "node:test";
import assert from "node:assert/strict";
import "./browser.js";
import { groupsOf, oldest, renewed, visible, without } from "../../../../service/page/worklist/groups.js";

const PAGE = { hasNextPage: false, endCursor: null };
const count = (value) => ({ value, precision: "EXACT" });
const incident = (id, messages = 1, startedAt = "2027-03-01T10:00:00Z") => ({ startedAt, messages, filter: { ids: [id] }, sources: [] });
const mail = (id, receivedAt = "2027-03-01T11:00:00Z") => ({ id, receivedAt });
const connection = (nodes, { more = false } = {}) => ({
  edges: nodes.map((node) => ({ cursor: node.id, node })), pageInfo: { ...PAGE, hasNextPage: more }, totalCount: count(nodes.length),
});

const EMPTY = {
  total: count(0), stoppedRelays: [], stoppedDestinations: [], pausedLanes: [], uncertain: { totalCount: count(0) }, incidents: [], held: connection([]),
  failed: connection([]), badAddresses: connection([]), unmatchedMail: connection([]), campaigns: connection([]), senders: [],
};
const read = (lists, refused = {}) => groupsOf({ lists: { ...EMPTY, ...lists }, refused });
const shownKeys = (groups) => groups.flatMap(visible).map((row) => row.key);

test("groups come in order, the stopped ones first, each with its count; empty ones are left out", () => {
  const groups = read({
    unmatchedMail: connection([mail("M1")]),
    incidents: [incident("Message_1", 38)],
    uncertain: { totalCount: count(41) },
    stoppedRelays: [{ name: "main", stoppedAt: "2027-03-01T12:00:00Z" }],
    pausedLanes: [{ name: "work-order", pausedAt: "2027-03-01T09:00:00Z" }],
  });
  assert.deepEqual(groups.map(({ name, count: { value } }) => [name, value]), [["relays", 2], ["uncertain", 41], ["unmatched", 1]]);
  assert.deepEqual(shownKeys(groups).slice(0, 2), ["lane work-order", "relay main"], "within a group the oldest first");
  assert.equal(oldest(groups), "2027-03-01T09:00:00Z");
  assert.deepEqual(read({}), []);
});

test("a list that could not be read says why, and the others are there", () => {
  const groups = read({ held: null, unmatchedMail: connection([mail("M1")]) }, { held: "It needs the scope x." });
  assert.deepEqual(groups.map(({ name, fault }) => [name, fault]), [["held", "It needs the scope x."], ["unmatched", null]]);
});

test("five rows of a group are shown", () => {
  const [group] = read({ incidents: Array.from({ length: 8 }, (_, index) => incident(`Message_${index}`)) });
  assert.equal(visible(group).length, 5);
});

test("a later reading renews rows in place, marks what was settled, and lets new ones wait", () => {
  const shown = read({ incidents: [incident("a", 3), incident("b"), incident("c")], unmatchedMail: connection([mail("M1")]) });
  const fresh = read({ incidents: [incident("a", 2), incident("c"), incident("d")], unmatchedMail: connection([mail("M0"), mail("M1")]) });
  const { groups, waiting } = renewed(shown, fresh);
  assert.deepEqual(shownKeys(groups), shownKeys(shown), "nothing moves");
  assert.equal(waiting, 2);
  const [a, b] = visible(groups[0]);
  assert.equal(a.value.messages, 2);
  assert.ok(b.gone);
  assert.deepEqual(shownKeys(fresh), ["incident a", "incident c", "incident d", "M0", "M1"], "which the pill shows");
});

test("a row that only came behind what is read is not taken for settled", () => {
  const many = Array.from({ length: 25 }, (_, index) => mail(`New_${index}`));
  const shown = read({ unmatchedMail: connection([mail("M1")]) });
  assert.ok(!renewed(shown, read({ unmatchedMail: connection(many, { more: true }) })).groups[0].rows[0].gone);
  assert.ok(renewed(shown, read({ unmatchedMail: connection(many) })).groups[0].rows[0].gone);
  assert.ok(!renewed(shown, read({ unmatchedMail: null }, { unmatchedMail: "no" })).groups[0].rows[0].gone, "nor when the list cannot be read");
});

test("a settled row leaves, and the next one behind comes up in its place", () => {
  const groups = read({ incidents: Array.from({ length: 7 }, (_, index) => incident(`${index}`, 2)), uncertain: { totalCount: count(14) } });
  const left = without(groups, "incident 0");
  assert.deepEqual(shownKeys(left), ["incident 1", "incident 2", "incident 3", "incident 4", "incident 5"]);
  assert.equal(left[0].count.value, 12);
  const few = renewed(read({ incidents: [incident("a"), incident("b")] }), read({ incidents: [incident("a"), incident("b"), incident("c")] })).groups;
  assert.deepEqual(shownKeys(without(few, "incident a")), ["incident b", "incident c"], "so that the groups below stay where they are");
  assert.deepEqual(without(read({ incidents: [incident("a")] }), "incident a"), []);
});

test("the oldest is not known while a list that begins with its newest has more", () => {
  assert.equal(oldest(read({ unmatchedMail: connection([mail("M1")], { more: true }) })), null);
  assert.equal(oldest([]), null);
});
