// The three lists as they are drawn: what each row says, which rows are drawn at all, and what stands in for none.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { element, markup, newPage } from "./browser.js";
import { connectionNotes } from "../../../../service/page/customers/connection-notes.js";
import { customerHeading } from "../../../../service/page/customers/customer-heading.js";
import { emailTabs } from "../../../../service/page/customers/email-tabs.js";
import { Offline, Refused, SignedOut } from "../../../../service/page/errors.js";
import { icons } from "../../../../service/page/icons.js";
import { linksClicked } from "../../../../service/page/customers/links-clicked.js";
import { distance, exactMoment, inUtc, moment, took } from "../../../../service/page/moments.js";
import { failure, notice, skeleton } from "../../../../service/page/notices.js";
import { forgetHeights, listEnd, rowBlocks, watchBlocks } from "../../../../service/page/row-blocks.js";
import { selectableRow } from "../../../../service/page/selectable-row.js";
import { sentEmails } from "../../../../service/page/customers/sent-emails.js";

const NOON = "2026-11-23T12:00:00Z";
const info = (values = {}) => ({ status: "ACCEPTED", colorHint: "GREY", cause: null, response: null, tracked: true, waitsFor: null, nextAttemptAt: null, ...values });
const edge = (node, values = {}) => ({ cursor: "c1", node: { message: { id: "m1" }, info: info(), openedAt: null, occurredAt: NOON, sentAt: NOON, clickCount: 0, ...node }, ...values });
const listOf = (edges, values = {}) => ({
  state: "ready", count: edges.length, blocks: [{ number: 1, rows: edges, inSight: true, height: null }], hasOlder: false, olderError: null, changed: () => {}, older: () => {}, ...values,
});
const actions = { selected: null, select: () => {}, open: () => {} };
const text = (shown) => markup(shown).replace(/<[^>]*>/g, "").replace(/\s+/g, " ").trim();
/** The values of a template, its own and those of the templates in it: listeners are among them. */
function values(shown) {
  return shown?.strings ? shown.values.flatMap((value) => [value, ...values(value)]) : Array.isArray(shown) ? shown.flatMap(values) : [];
}
const listeners = (shown) => values(shown).filter((value) => typeof value === "function");

beforeEach(newPage);

test("a sent mail: its campaign and subject, when it was sent and opened, or that it was not", () => {
  const shown = (node) => text(sentEmails(listOf([edge({ campaignTitle: "Spring", subject: "Offer", ...node })]), actions));
  assert.match(shown({}), /Spring: Offer/);
  assert.match(shown({}), /Not opened/);
  assert.match(shown({ info: info({ tracked: false }) }), /Not tracked/);
  assert.doesNotMatch(shown({}), /Not sent|Not yet/);
  assert.doesNotMatch(shown({ openedAt: NOON }), /Not opened/);
  assert.match(shown({ sentAt: null, info: info({ status: "QUEUED", colorHint: "AMBER" }) }), /Not yet/);
  assert.match(shown({ sentAt: null, info: info({ status: "HELD", colorHint: "RED" }) }), /Not sent/);
  assert.match(shown({ subject: null }), /subject erased/);
  assert.match(shown({ clickCount: 1 }), /1 click(?!s)/);
  assert.match(shown({ clickCount: 2 }), /2 clicks/);
  assert.doesNotMatch(shown({}), /click/);
});

test("a connection note: its direction, type, source unless it is a campaign, and the row's colour", () => {
  const shown = (node) => connectionNotes(listOf([edge({ title: "Visit", direction: "SENT", connectionType: "INDIVIDUAL_EMAIL", sourceType: "WORK_ORDER", colorHint: "BLUE", ...node })]), actions);
  assert.match(text(shown({})), /Outgoing Individual email ?Work order.*Visit/);
  assert.ok(markup(shown({})).includes("hint-blue"));
  assert.ok(markup(shown({})).includes(markup(icons.outgoing)));
  assert.match(text(shown({ direction: "RECEIVED", sourceType: null })), /Received Individual email/);
  assert.ok(markup(shown({ direction: "RECEIVED" })).includes(markup(icons.received)));
  assert.doesNotMatch(text(shown({ connectionType: "MARKETING_CAMPAIGN", sourceType: "CAMPAIGN" })), /Campaign(?!s)/);
  assert.doesNotMatch(markup(shown({ sourceType: null })), /class="source"/);
  assert.match(text(shown({ title: null })), /subject erased/);
});

test("a click: its link only where it is one, who clicked unless a person among people, and in which mail", () => {
  const click = (node, machines = false) => linksClicked(listOf([edge({ url: "https://fabrikam.example/a", clickedAt: NOON, verdict: "HUMAN", reasons: ["BROWSER_AGENT"], subject: "Offer", campaignTitle: null, ...node })]), { selected: null, machines });
  assert.match(markup(click({})), /href=https:\/\/fabrikam\.example\/a/);
  assert.doesNotMatch(text(click({})), /Person/);
  assert.match(text(click({}, true)), /Person · its user agent is a browser's/);
  assert.match(text(click({ verdict: "MACHINE", reasons: ["HEAD_REQUEST", "HONEYPOT"] })), /Machine · .*HEAD\); it followed/);
  assert.doesNotMatch(text(click({ verdict: "UNKNOWN", reasons: [] })), / · /);
  for (const url of ["javascript:alert(1)", "no url", "data:text/html,x"]) assert.doesNotMatch(markup(click({ url })), /href=/);
  for (const url of ["http://x.example/", "https://x.example/"]) assert.match(markup(click({ url })), /href=/);
  assert.match(markup(click({ campaignTitle: "Spring", subject: null })), /data-label=Campaign: Subject.*title=Spring: subject erased/s);
  assert.match(markup(click({})), /data-label=Subject.*title=Offer/s);
});

test("the filters of clicks: the selected mail, machines, and what an empty list means with them", () => {
  const shown = (given, state = {}) => linksClicked(listOf([], state), { selected: null, machines: false, ...given });
  assert.match(text(shown({})), /Links in all mail.*No links clicked yet.*left out/);
  assert.match(text(shown({ machines: true })), /Neither people nor machines/);
  assert.match(text(shown({ selected: "m1", subject: "Offer", tracked: true })), /Only links in Offer.*No link of this mail/);
  assert.match(text(shown({ selected: "m1", subject: "Offer", tracked: false })), /Only links in Offer.*Not tracked/);
  assert.match(text(shown({ selected: "m1" })), /Only links in the selected mail/);
  for (const state of ["loading", "new"]) assert.match(text(shown({}, { state })), /Loading/);
  assert.match(text(linksClicked(listOf([]), { selected: null }, "broken")), /broken$/);
});

test("an empty list says so only once it was read", () => {
  for (const [draw, words] of [[sentEmails, /No campaign mail yet/], [connectionNotes, /No mail yet/]]) {
    assert.match(text(draw(listOf([]), actions)), words);
    assert.doesNotMatch(text(draw(listOf([], { state: "loading" }), actions)), words);
    assert.doesNotMatch(text(draw(listOf([edge({ direction: "SENT" })]), actions)), words);
  }
});

test("only blocks that are near the screen are drawn; the others keep their height, measured or estimated", () => {
  const rows = (count) => Array.from({ length: count }, (_, number) => ({ cursor: `c${number}` }));
  const list = { blocks: [{ number: 1, rows: rows(2), inSight: false, height: 99 }, { number: 2, rows: rows(3), inSight: false, height: null }, { number: 3, rows: rows(2), inSight: true, height: 7 }] };
  const shown = markup(rowBlocks(list, (each, index) => ` [${each.cursor} ${index}]`));
  assert.deepEqual([...shown.matchAll(/role=(\w+) [^>]*style=([^>]*)>/g)].map(([, role, style]) => [role, style]), [["presentation", "height:99px"], ["presentation", "height:156px"], ["rowgroup", ""]]);
  assert.match(shown, /\[c0 6\] \[c1 7\]/);
  forgetHeights(list);
  assert.deepEqual(list.blocks.map((each) => each.height), [null, null, 7]);
});

test("below the rows: the failure, more to come, or the end of a long list", () => {
  const end = (state) => text(listEnd(listOf([], state)));
  assert.match(end({ olderError: new Refused("No."), hasOlder: true }), /This could not be read No\. Try again/);
  assert.match(end({ hasOlder: true }), /Loading/);
  assert.deepEqual([end({ count: 20 }), end({ count: 21 })], ["", "That is all."]);
});

test("new blocks are watched once, and the end of the list after each drawing", () => {
  const [block, end] = [{}, {}];
  const watched = [];
  const { observe, unobserve } = IntersectionObserver.prototype;
  Object.assign(IntersectionObserver.prototype, { observe: (each) => watched.push(each), unobserve: (each) => watched.push(["not", each]) });
  const root = { querySelectorAll: (name) => (name === ".block" ? [block] : [end]) };
  watchBlocks(root);
  watchBlocks(root);
  assert.deepEqual(watched, [block, ["not", end], end, ["not", end], end]);
  Object.assign(IntersectionObserver.prototype, { observe, unobserve });
});

test("a block that comes near the screen is drawn, one that leaves it keeps its height, and one with the focus stays", () => {
  const [blocks, ends] = IntersectionObserver.made;
  const redrawn = [];
  const list = { changed: () => redrawn.push("drawn"), older: () => redrawn.push("older") };
  const at = (inSight, given = {}) => ({ isConnected: true, block: { inSight, height: null }, list, offsetHeight: 70, contains: () => false, ...given });
  const [comes, leaves, focused, gone, same] = [at(false), at(true), at(true, { contains: () => true }), at(false, { isConnected: false }), at(true)];
  const boundingClientRect = { top: 0, bottom: 70 };
  blocks.seen([[comes, true], [leaves, false], [focused, false], [gone, true], [same, true], [{ isConnected: true }, true]].map(([target, isIntersecting]) => ({ target, isIntersecting, boundingClientRect })));
  assert.deepEqual([comes, leaves, focused, gone].map(({ block }) => [block.inSight, block.height]), [[true, null], [false, 70], [true, null], [false, null]]);
  assert.deepEqual(redrawn, ["drawn"], "once a list");
  blocks.seen([{ target: same, isIntersecting: true, boundingClientRect }]);
  ends.seen([{ target: { list }, isIntersecting: false }, { target: {}, isIntersecting: true }]);
  assert.deepEqual(redrawn, ["drawn"]);
  ends.seen([{ target: { list }, isIntersecting: true }]);
  assert.deepEqual(redrawn, ["drawn", "older"]);
});

test("of blocks that are near the screen and not on it, one a frame is drawn, if it has stayed there", (t) => {
  const [blocks] = IntersectionObserver.made;
  const frames = [];
  t.mock.method(globalThis, "requestAnimationFrame", (work) => frames.push(work));
  const drawn = [];
  const at = (name, place = {}) => {
    const target = { isConnected: true, block: { inSight: false }, list: { changed: () => drawn.push(name) }, contains: () => false, ...place };
    return { target, isIntersecting: true, boundingClientRect: { top: 900, bottom: 1_000, ...place } };
  };
  // Given a block on the screen, five below it, of which one leaves again and one is gone, and one above it
  const [below, left, gone, above, next] = [at("below"), at("left"), at("gone"), at("above", { top: -200, bottom: -100 }), at("next")];
  blocks.seen([at("on it", { top: 700 }), below, left, gone, above]);
  blocks.seen([{ ...left, isIntersecting: false }, next]);
  gone.target.isConnected = false;
  // Then that on the screen is drawn at once
  assert.deepEqual([drawn, frames.length], [["on it"], 1]);
  // And one a frame of the others
  while (frames.length) frames.shift()();
  assert.deepEqual(drawn, ["on it", "below", "above", "next"]);
  assert.deepEqual([below, left, gone].map(({ target }) => target.block.inSight), [true, false, false]);
});

test("the selected mail's row is marked, in both lists", () => {
  const chosen = (draw, selected) => markup(draw(listOf([edge({ subject: "A", title: "A", direction: "SENT" })]), { ...actions, selected })).includes("aria-pressed=true");
  for (const draw of [sentEmails, connectionNotes]) assert.deepEqual([chosen(draw, "m1"), chosen(draw, "m2")], [true, false]);
});

test("a row is selected by a click on it, deselected by another; not by a link or the end of a text selection", () => {
  const chosen = [];
  const row = (selected) => selectableRow({ edge: edge({}, { fresh: true }), index: 3, list: "x", subject: "Offer", name: "Offer", after: "", selected, select: (...given) => chosen.push(given), open: () => {} });
  const within = {};
  const currentTarget = { contains: (node) => node === within };
  let selection = { isCollapsed: true };
  window.getSelection = () => selection;
  const click = (given = {}, selected = false) => listeners(row(selected))[0]({ target: { closest: () => given.link ?? null }, detail: 1, currentTarget, ...given });
  click();
  click({}, true);
  click({ link: {} });
  selection = { isCollapsed: false, anchorNode: within };
  click();
  click({ detail: 0 });
  selection = { isCollapsed: false, anchorNode: {} };
  click();
  assert.deepEqual(chosen, [["m1", true], ["m1", false], ["m1", true], ["m1", true]]);
  const [one, other] = [markup(row(false)), markup(row(true))];
  assert.match(one, /aria-rowindex=4/);
  assert.match(one, /class="row x +fresh"/);
  assert.match(one, /aria-pressed=false\s+title=Show which/);
  assert.match(other, /selected.*aria-pressed=true\s+title=Selected/s);
  assert.equal(other.includes(markup(icons.check)), true);
  assert.equal(one.includes(markup(icons.check)), false);
});

test("the tabs: one is selected and reached by Tab, arrows go round, and the mark says that one mail is meant", () => {
  const chosen = [];
  const tabs = (given) => emailTabs({ tab: "clicks", filtered: false, choose: (tab) => chosen.push(tab), ...given });
  assert.deepEqual([...markup(tabs()).matchAll(/data-tab=(\w+).*?aria-selected=(\w+)[^>]*tabindex=(-?\d)/gs)].map((found) => found.slice(1).join(" ")), ["sent false -1", "clicks true 0", "notes false -1"]);
  assert.equal(markup(tabs({ filtered: true })).match(/1 mail/g).length, 1);
  assert.doesNotMatch(markup(tabs()), /1 mail/);
  const [onKey] = listeners(tabs());
  const focused = element("tab-notes");
  for (const [tab, key] of [["sent", "ArrowRight"], ["sent", "ArrowLeft"], ["notes", "ArrowRight"], ["clicks", "Home"], ["sent", "End"], ["sent", "x"]]) {
    onKey({ key, target: { dataset: { tab } }, preventDefault: () => {} });
  }
  assert.deepEqual(chosen, ["clicks", "notes", "sent", "sent", "notes"]);
  assert.equal(document.activeElement, focused);
});

test("a customer's heading: names, addresses, what is suppressed or opted out, and by whom", () => {
  const shown = (given) => text(customerHeading({ name: "Ann", externalRef: "C-1", addresses: [{ address: "a@x", suppressedSince: null }], optOuts: { marketing: null, eventBased: null }, ...given }, () => {}));
  assert.match(shown({}), /Ann C-1 a@x$/);
  assert.doesNotMatch(shown({ name: null }), /No name and no address/);
  assert.match(shown({ name: null, addresses: [] }), /C-1 No name and no address/);
  assert.doesNotMatch(shown({ addresses: [] }), /No name and no address/);
  assert.match(shown({ addresses: [{ address: "a@x", suppressedSince: NOON, suppressionReason: "COMPLAINT" }] }), /Suppressed: reported our mail as spam, since/);
  assert.match(shown({ optOuts: { marketing: { optedOutAt: NOON, by: "customer", source: "LINK" }, eventBased: { optedOutAt: NOON, by: "kim", source: "STAFF" } } }), /No marketing campaigns since .*unsubscribe page No event-based campaigns since .*our people \(kim\)/);
});

test("moments: in UTC beside the reader's own, a distance in the largest unit, how long something took", () => {
  assert.equal(inUtc("2026-11-23T15:05:09+01:00"), "2026-11-23 14:05:09 UTC");
  for (const draw of [moment, exactMoment]) {
    assert.equal(text(draw(null)), "");
    assert.match(markup(draw(NOON)), /datetime=2026-11-23T12:00:00Z title=2026-11-23 12:00:00 UTC/);
  }
  const now = Date.parse(NOON);
  const after = (seconds) => distance(new Date(now + seconds * 1000).toISOString(), now);
  assert.deepEqual([0, 59, 60, -119, 3_599, 3_600, 7_199, -86_399, 86_400, 172_800].map(after), [
    "now", "in 59 seconds", "in 1 minute", "1 minute ago", "in 59 minutes", "in 1 hour", "in 1 hour", "23 hours ago", "tomorrow", "in 2 days",
  ]);
  assert.deepEqual([99, 100, 860, 1_050].map(took), ["99 ms", "0.1 s", "0.9 s", "1.1 s"]);
});

test("at any hour, times of a 24-hour clock are equally wide, and an AM or PM clock has no zero before the hour", () => {
  const early = new Date(2026, 10, 30, 1, 12);
  const hour12 = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions().hour12;
  assert.match(text(moment(early.toISOString(), early.getTime())), hour12 ? /\b1:12\sAM/ : /\b01:12$/);
});

test("failures are explained by their kind", () => {
  const said = (error) => text(failure(error, () => {}));
  assert.match(said(new Offline()), /The service cannot be reached/);
  assert.match(said(new SignedOut()), /You are signed out/);
  assert.match(said(new Error("")), /Something unexpected/);
  assert.match(markup(notice({ heading: "H", text: "T", level: 1 })), /<h1>H/);
  assert.match(markup(notice({ heading: "H", text: "T" })), /notice empty.*<h2>H/s);
  assert.equal(markup(skeleton(5)).match(/class="bar"/g).length, 5);
});
