// One list of the API: pages, news on top, and answers that come too late.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { pending, settled } from "./browser.js";
import { PagedList } from "../../../../service/page/paged-list.js";

const edge = (number, subject = `Mail ${number}`) => ({ cursor: `c${number}`, node: { subject, message: { id: `m${number}` } } });

let mails;
let asked;
let late;
let list;

/** Answers as the API does, from `mails`, newest first; `late` holds the next answer back. */
async function read(page, { signal }) {
  asked.push({ ...page, signal });
  const start = page.after === null ? 0 : mails.findIndex((each) => each.cursor === page.after) + 1;
  const edges = mails.slice(start, start + page.first);
  const found = { edges: [...edges], pageInfo: { hasNextPage: start + page.first < mails.length, endCursor: edges.at(-1)?.cursor ?? null } };
  const hold = late;
  late = null;
  if (hold) await hold.promise;
  return found;
}

const cursors = () => [...list.rows()].map((row) => row.cursor);
const isRefused = (argument) => Object.assign(new Error("refused"), { argument });

beforeEach(() => {
  mails = Array.from({ length: 260 }, (_, number) => edge(260 - number));
  asked = [];
  late = null;
  list = new PagedList(read, () => {});
});

const arrive = (count) => {
  const newest = Number(mails[0]?.cursor.slice(1) ?? 0);
  mails.unshift(...Array.from({ length: count }, (_, number) => edge(newest + count - number)));
};

test("a list is read in pages, fifty and then a hundred at a time, each row once, to its end", async () => {
  await list.open();
  assert.equal(list.state, "ready");
  while (list.hasOlder) await list.older();
  assert.deepEqual(asked.map(({ first, after }) => [first, after]), [[50, null], [100, "c211"], [100, "c111"], [100, "c11"]]);
  assert.deepEqual(cursors(), mails.map((each) => each.cursor));
  assert.equal(list.count, 260);
  await list.older();
  assert.equal(asked.length, 4, "behind the end nothing is asked for");
});

test("older rows are asked for once, however often the end is seen", async () => {
  await list.open();
  late = pending();
  const [hold, first] = [late, list.older()];
  assert.equal(list.readingOlder, true);
  await list.older();
  hold.resolve();
  await first;
  assert.equal(asked.length, 2);
  assert.equal(list.readingOlder, false);
});

test("news goes on top, marked, and known rows are renewed in their place", async () => {
  await list.open();
  arrive(2);
  mails[3] = edge(259, "Changed");
  assert.equal(await list.refresh({ hold: false }), 2);
  assert.deepEqual(cursors().slice(0, 4), ["c262", "c261", "c260", "c259"]);
  const rows = [...list.rows()];
  assert.deepEqual(rows.slice(0, 4).map((row) => [row.fresh ?? false, row.node.subject]), [
    [true, "Mail 262"], [true, "Mail 261"], [false, "Mail 260"], [false, "Changed"],
  ]);
  assert.equal(list.count, 52);
  assert.equal(list.hasNewer, false);
  assert.equal(await list.refresh({ hold: false }), 0, "the same is not news again");
  assert.equal(list.count, 52);
});

test("held news waits, is counted once, and goes on top when it is asked for", async () => {
  await list.open();
  arrive(1);
  assert.equal(await list.refresh({ hold: true }), 0);
  arrive(1);
  await list.refresh({ hold: true });
  assert.deepEqual(list.waiting.map((row) => row.cursor), ["c262", "c261"]);
  assert.equal(cursors()[0], "c260");
  list.showWaiting();
  list.showWaiting();
  assert.deepEqual(cursors().slice(0, 3), ["c262", "c261", "c260"]);
  assert.deepEqual(list.waiting, []);
  assert.equal(await list.refresh({ hold: true }), 0, "what was shown is not news again");
  assert.deepEqual(list.waiting, []);
});

test("fifty new mails at once leave a gap, so nothing is put on top and the newest are offered", async () => {
  await list.open();
  arrive(50);
  assert.equal(await list.refresh({ hold: false }), 0);
  assert.equal(list.hasNewer, true);
  assert.equal(cursors()[0], "c260");
  // And so it stays, until the newest are asked for
  arrive(1);
  assert.equal(await list.refresh({ hold: false }), 0);
  await list.open();
  assert.equal(list.hasNewer, false);
  assert.equal(cursors()[0], "c311");
});

test("forty-nine new mails reach the newest known one: they go on top", async () => {
  await list.open();
  arrive(49);
  assert.equal(await list.refresh({ hold: false }), 49);
  assert.equal(list.hasNewer, false);
  assert.deepEqual(cursors().slice(48, 50), ["c261", "c260"]);
});

test("a whole page of news of a list that was empty is no gap", async () => {
  mails = [];
  await list.open();
  arrive(60);
  assert.equal(await list.refresh({ hold: false }), 50);
  assert.equal(list.hasNewer, false);
});

test("a refresh that is answered after the filter has changed does not land in the new list", async () => {
  await list.open();
  arrive(3);
  late = pending();
  const [hold, refreshed] = [late, list.refresh({ hold: false })];
  await settled();
  // When another filter reads the list anew, and only then the refresh of the old one is answered
  mails = [edge(7), edge(5)];
  await list.open();
  hold.resolve();
  assert.equal(await refreshed, 0);
  assert.deepEqual(cursors(), ["c7", "c5"]);
  assert.deepEqual(list.waiting, []);
});

test("what an abandoned list was asked for is called off, and its failure is nobody's", async () => {
  late = pending();
  const [hold, opened] = [late, list.open()];
  list.reset();
  assert.equal(asked[0].signal.aborted, true);
  hold.reject(Object.assign(new Error("gone"), { name: "AbortError" }));
  await opened;
  assert.equal(list.state, "new");
  // The same of a failure that came late, and of older rows
  late = pending();
  const [second, again] = [late, list.open()];
  await settled();
  list.reset();
  second.reject(new Error("late"));
  await again;
  assert.deepEqual([list.state, list.error], ["new", null]);
  await list.open();
  late = pending();
  const [third, older] = [late, list.older()];
  list.reset();
  assert.equal(asked.at(-1).signal.aborted, true);
  third.reject(Object.assign(new Error("gone"), { name: "AbortError" }));
  await older;
  assert.deepEqual([list.olderError, list.readingOlder], [null, false]);
});

test("while a list is loading, news is not asked for; of one that was never read it opens it", async () => {
  late = pending();
  const [hold, opened] = [late, list.open()];
  assert.equal(list.state, "loading");
  assert.equal(await list.refresh({ hold: false }), 0);
  assert.equal(asked.length, 1);
  hold.resolve();
  await opened;
  list.reset();
  assert.equal(await list.refresh({ hold: true }), 0);
  assert.deepEqual([list.state, list.count], ["ready", 50]);
});

test("a refresh makes a stale list current", async () => {
  await list.open();
  list.stale = true;
  await list.refresh({ hold: true });
  assert.equal(list.stale, false);
});

test("a position is opened with the rows above it, of which only its own block is rendered", async () => {
  await list.open("c100");
  assert.deepEqual(asked.map((page) => page.after), [null, "c211", "c111"]);
  assert.equal(cursors()[0], "c260");
  assert.deepEqual(list.blocks.map((each) => each.rows.length), [20, 20, 10, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20]);
  assert.deepEqual(list.blocks.flatMap((each) => (each.inSight ? each.rows.map((row) => row.cursor) : [])).slice(9, 12), ["c101", "c100", "c99"]);
  assert.equal(list.blocks.filter((each) => each.inSight).length, 1);
  assert.equal(list.hasNewer, false);
});

test("a position too far down is opened without the rows above it", async () => {
  mails = Array.from({ length: 2_500 }, (_, number) => edge(2_500 - number));
  await list.open("c551");
  assert.equal(asked.length, 20, "the position is the last row of the twentieth page");
  await list.open("c550");
  assert.equal(asked.length, 41);
  assert.deepEqual([cursors()[0], list.hasNewer, list.count], ["c549", true, 100]);
  assert.deepEqual(list.blocks.map((each) => each.inSight), Array(5).fill(true));
  // News of a list without its top is offered, not put above a gap
  arrive(1);
  assert.equal(await list.refresh({ hold: false }), 0);
  assert.deepEqual(list.waiting, []);
});

test("a position behind the last row, or an invalid one, starts at the top", async () => {
  await list.open("c1");
  assert.deepEqual([list.count, list.hasNewer], [260, false]);
  const refusing = new PagedList(async (page, options) => {
    if (page.after === "garbage") throw isRefused("after");
    return read(page, options);
  }, () => {});
  mails = mails.slice(0, 10);
  await refusing.open("garbage");
  assert.deepEqual([refusing.state, refusing.count, refusing.hasNewer], ["ready", 10, false]);
  const failing = new PagedList(async (page, options) => {
    if (page.after === "garbage") throw isRefused("search");
    return read(page, options);
  }, () => {});
  await failing.open("garbage");
  assert.equal(failing.state, "error");
});

test("a failed list is read again by a retry, and failed older rows alone by theirs", async () => {
  late = pending();
  let [hold, opened] = [late, list.open()];
  hold.reject(new Error("no"));
  await opened;
  assert.deepEqual([list.state, list.error.message], ["error", "no"]);
  late = null;
  list.retry();
  await settled();
  assert.deepEqual([list.state, list.error, list.count], ["ready", null, 50], "no view has to open it again");
  late = pending();
  [hold, opened] = [late, list.older()];
  hold.reject(new Error("no"));
  await opened;
  assert.deepEqual([list.state, list.olderError.message, list.readingOlder, list.count], ["ready", "no", false, 50]);
  list.retry();
  await settled();
  assert.deepEqual([list.olderError, list.count], [null, 150]);
  const before = asked.length;
  list.retry();
  await settled();
  assert.equal(asked.length, before, "where nothing failed nothing is repeated");
});

test("a failed list is opened by a refresh", async () => {
  late = pending();
  const [hold, opened] = [late, list.open()];
  hold.reject(new Error("no"));
  await opened;
  await list.refresh({ hold: false });
  assert.deepEqual([list.state, list.error, list.count], ["ready", null, 50]);
});

test("a message's rows are changed wherever they are", async () => {
  await list.open();
  arrive(1);
  await list.refresh({ hold: true });
  assert.deepEqual([list.has("m260"), list.has("m261"), list.has("m1")], [true, false, false]);
  for (const id of ["m260", "m261"]) list.patch(id, ({ subject }) => ({ subject: `${subject}!` }));
  assert.deepEqual([list.waiting[0].node.subject, [...list.rows()].slice(0, 2).map((row) => row.node.subject)], ["Mail 261!", ["Mail 260!", "Mail 259"]]);
  assert.equal(list.waiting[0].node.message.id, "m261");
});

test("the ids of the rows are gathered again only when rows have come", async () => {
  let gathered = 0;
  const ids = () => list.ids((node) => {
    gathered += 1;
    return node.message.id;
  });
  await list.open();
  assert.deepEqual([ids().length, ids()[0], gathered], [50, "m260", 50]);
  await list.older();
  arrive(1);
  await list.refresh({ hold: false });
  assert.deepEqual([ids().length, ids()[0], gathered], [151, "m261", 201]);
  list.reset();
  assert.deepEqual(ids(), []);
});

test("the rows above and below a cursor", async () => {
  await list.open();
  await list.older();
  assert.deepEqual([list.above("c260"), list.above("c259"), list.above("c210"), list.above("nothing")], [null, "c260", "c211", null]);
  assert.deepEqual(list.blocks.map((each) => each.inSight), [true, true, true, false, false, false, false, false]);
  assert.deepEqual([list.below("c212"), list.blocks[3].inSight], ["c211", false]);
  assert.deepEqual([list.below("c211"), list.blocks[3].inSight], ["c210", true]);
  assert.deepEqual([list.below("c111"), list.below("nothing")], [null, null]);
});
