// The campaigns' numbers: they add up, each is a set that the API lists, and a decision says whom it is about.
import { test } from "node:test";
import assert from "node:assert/strict";
import "./browser.js";
import { share } from "../../../../service/page/campaigns/figures.js";
import { detailOf, changesOf } from "../../../../service/page/campaigns/history.js";
import { barOf, handedOver, LAUNCHED, launched, nextDue, outcomesOf, percentDone } from "../../../../service/page/campaigns/outcomes.js";
import { retryCounts } from "../../../../service/page/campaigns/plans.js";
import { apiFilter, isRetryable, isUncertain, readFilter, statusOf, written } from "../../../../service/page/campaigns/recipient-filter.js";
import { bucketSince, growing, pausesOf } from "../../../../service/page/campaigns/timeline.js";

const NONE = { queued: 0, onTheWire: 0, accepted: 0, refused: 0, bounced: 0, uncertain: 0, held: 0, expired: 0, cancelled: 0, leftOut: 0, total: 0 };
const SPRING = { ...NONE, total: 4327, leftOut: 117, accepted: 2631, refused: 19, bounced: 3, uncertain: 38, onTheWire: 4, queued: 1515 };
const KNOWN = ["MAILBOX_FULL", "SPAM", "OPTED_OUT", "BAD_ADDRESS"];
const filterOf = (query) => readFilter(query, KNOWN);

test("the outcomes, and the parts of the bar, add up to those who were launched to", () => {
  const sum = (list) => list.reduce((all, { count }) => all + count, 0);
  assert.equal(launched(SPRING), 4210);
  assert.deepEqual([sum(outcomesOf(SPRING)), sum(barOf(SPRING))], [4210, 4210]);
  assert.deepEqual(outcomesOf(SPRING).map(({ name }) => name), ["accepted", "refused", "bounced", "uncertain", "onTheWire", "queued"]);
  assert.deepEqual(barOf(SPRING).map(({ part, count }) => [part, count]), [["accepted", 2631], ["lost", 22], ["unsure", 38], ["waiting", 1519]]);
  assert.deepEqual(outcomesOf(NONE).map(({ name, share: part }) => [name, part]), [["accepted", 0]]);
});

test("a campaign is at a hundred percent only when all were handed over", () => {
  assert.deepEqual([handedOver(SPRING), percentDone(SPRING)], [2691, 63]);
  assert.equal(percentDone({ ...NONE, total: 1000, accepted: 999, queued: 1 }), 99);
  assert.equal(percentDone({ ...NONE, total: 1000, accepted: 990, cancelled: 10 }), 99);
  assert.equal(percentDone({ ...NONE, total: 1000, accepted: 990, bounced: 10 }), 100);
  assert.equal(percentDone(NONE), 0);
});

test("a share is not hidden by rounding", () => {
  assert.deepEqual([0, 0.625, 0.0001, 0.99999, 1].map(share).map((text) => text.replaceAll("\u00a0", " ")), ["0%", "62.5%", "< 0.1%", "> 99.9%", "100%"]);
});

test("the next mailing is the first that has not begun", () => {
  const mailing = (status, dueAt) => ({ status, dueAt });
  const of = (...mailings) => nextDue({ mailings });
  assert.equal(of(mailing("RUNNING", "2026-11-01T00:00:00Z"), mailing("SCHEDULED", "2026-12-13T00:00:00Z"), mailing("SCHEDULED", "2026-12-03T00:00:00Z")), "2026-12-03T00:00:00Z");
  assert.equal(of(mailing("FINISHED", "2026-11-01T00:00:00Z"), mailing("SCHEDULED", null)), null);
});

test("an address says which recipients are listed; what is not known is left out", () => {
  const none = { statuses: null, causes: null, leftOut: null, opened: null, clicked: null, mailing: null, search: "" };
  assert.deepEqual(filterOf({}), none);
  assert.deepEqual(filterOf({ status: "nonsense", cause: "bad", leftOut: "", opened: "maybe", mailing: "0x1" }), none);
  assert.deepEqual(filterOf({ status: "refused,bounced,x", cause: "mailbox_full", mailing: "2", search: " Ann " }),
    { ...none, statuses: ["REFUSED", "BOUNCED"], causes: ["MAILBOX_FULL"], mailing: 2, search: "Ann" });
  assert.deepEqual([filterOf({ opened: "" }).opened, filterOf({ clicked: "no" }).clicked], [true, false]);
  assert.equal(filterOf({ leftOut: "all" }).leftOut.length, 6);
  assert.deepEqual(filterOf({ status: statusOf(LAUNCHED) }).statuses, LAUNCHED);
  assert.equal(statusOf(["QUEUED", "DEFERRED"]), "queued,deferred");
  assert.equal(filterOf({ search: "x".repeat(999) }).search.length, 320);
});

test("the filter of the API names the mailing; a number that no mailing has filters nothing", () => {
  const mailings = [{ id: "Mailing_7", number: 1 }, { id: "Mailing_9", number: 2 }];
  assert.deepEqual(apiFilter(filterOf({ status: "held", mailing: "2" }), mailings), { statuses: ["HELD"], causes: null, leftOut: null, opened: null, clicked: null, mailingIds: ["Mailing_9"] });
  assert.equal(apiFilter(filterOf({ mailing: "3" }), mailings).mailingIds, null);
});

test("only failures that are found by state, cause and mailing can be retried, or settled, exactly as listed", () => {
  const retryable = (query) => isRetryable(filterOf(query));
  assert.deepEqual([{ status: "refused" }, { status: "refused,held", cause: "spam", mailing: "1" }].map(retryable), [true, true]);
  assert.deepEqual([{}, { status: "accepted" }, { status: "refused,accepted" }, { status: "refused", search: "Ann" }, { status: "refused", opened: "" }, { status: "refused", leftOut: "all" }].map(retryable), [false, false, false, false, false, false]);
  assert.deepEqual([{ status: "uncertain" }, { status: "uncertain", mailing: "2" }, { status: "uncertain", cause: "spam" }, { status: "uncertain,refused" }].map((query) => isUncertain(filterOf(query))), [true, true, false, false]);
});

test("of a retry those stay whom it cannot mend, and the number is exact only where all were counted", () => {
  const exact = (value) => ({ value, precision: "EXACT" });
  const counts = { all: exact(312), OPTED_OUT: exact(7), SUPPRESSED: exact(19), BAD_ADDRESS: exact(0), BAD_DOMAIN: exact(0) };
  assert.deepEqual(retryCounts(counts), { will: 286, exact: true, left: [{ cause: "OPTED_OUT", count: exact(7) }, { cause: "SUPPRESSED", count: exact(19) }] });
  assert.equal(retryCounts({ ...counts, all: { value: 10_000, precision: "AT_LEAST" } }).exact, false);
  assert.deepEqual(retryCounts(counts, ["MAILBOX_FULL"]), { will: 312, exact: true, left: [] });
  assert.equal(retryCounts({ ...counts, all: exact(7), SUPPRESSED: exact(0) }, ["OPTED_OUT"]).will, 0);
});

test("sums grow from bucket to bucket, stay flat between them, and end where the campaign is", () => {
  const moment = (startsAt, accepted, opened = 0, clicked = 0) => ({ startsAt, accepted, opened, clicked });
  const at = (iso) => new Date(iso).getTime() / 1000;
  const grown = growing([moment("2026-11-29T14:00:00Z", 3), moment("2026-11-29T14:01:00Z", 2, 1), moment("2026-11-29T14:10:00Z", -1, 1, 1)], "MINUTE",
    { launchedAt: "2026-11-29T14:00:30Z", until: "2026-11-29T14:15:00Z" });
  assert.deepEqual(grown.x, ["14:00:00", "14:01:00", "14:02:00", "14:10:00", "14:11:00", "14:15:00"].map((time) => at(`2026-11-29T${time}Z`)));
  assert.deepEqual([grown.accepted, grown.opened, grown.clicked], [[0, 3, 5, 5, 4, 4], [0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 1, 1]]);
  const running = growing([moment("2026-11-29T14:00:00Z", 3)], "MINUTE", { launchedAt: "2026-11-29T14:00:00Z", until: "2026-11-29T14:00:20Z" });
  assert.deepEqual(running.x.map((seconds) => seconds - running.x[0]), [0, 20], "the bucket that goes on ends now");
  assert.deepEqual(growing([], "HOUR", { launchedAt: "2026-11-29T14:00:00Z", until: "2026-11-29T15:00:00Z" }).accepted, [0, 0]);
});

test("the shortest bucket is taken of which all since the launch are told", () => {
  const now = new Date("2026-11-29T14:00:00Z").getTime();
  const hours = (count) => bucketSince(new Date(now - count * 3_600_000).toISOString(), now);
  assert.deepEqual([1, 8, 9, 24 * 20, 24 * 21, 24 * 365].map(hours), ["MINUTE", "MINUTE", "HOUR", "HOUR", "DAY", "DAY"]);
});

test("pauses end with the resume, with the cancel, or go on", () => {
  const event = (action, minute) => ({ action, occurredAt: `2026-11-29T14:${minute}:00Z` });
  const minutes = (pauses) => pauses.map(({ from, to }) => [new Date(from * 1000).getUTCMinutes(), new Date(to * 1000).getUTCMinutes()]);
  const events = [event("pauseCampaign", "40"), event("cancelCampaign", "30"), event("pauseCampaign", "20"), event("resumeCampaign", "10"), event("pauseCampaign", "05"), event("launchCampaign", "00")];
  assert.deepEqual(minutes(pausesOf(events, "2026-11-29T14:50:00Z")), [[5, 10], [20, 30], [40, 50]]);
  assert.deepEqual(pausesOf([], "2026-11-29T14:50:00Z"), []);
  assert.deepEqual(minutes(pausesOf([event("resumeCampaign", "20"), event("restored", "10")], "2026-11-29T14:50:00Z")), [[10, 20]]);
});

test("the history says in a sentence what was decided, and what a change was and became", () => {
  assert.equal(detailOf("pauseCampaign", { onTheWire: 4 }), "4 on the wire");
  assert.match(detailOf("retryCampaign", { recipients: 19, statuses: ["REFUSED"] }), /^19 recipients: Refused$/);
  assert.equal(detailOf("settleCampaign", { recipients: 38, uncertain: "ASSUME_SENT" }), "38 recipients: assumed sent");
  assert.equal(detailOf("carriedOut", { done: 18, skipped: 1 }), "18 done, 1 had been decided otherwise or may not be mailed");
  assert.equal(detailOf("addMailing", { mailing: { number: 2, subject: null, template: "Last dates" } }), "2 · Last dates");
  assert.equal(detailOf("launchCampaign", {}), "");
  assert.deepEqual(changesOf({ priority: { was: 4, is: 2 }, lists: { was: [], is: ["North"] }, tracked: { was: true, is: false }, number: 3 }), [
    { name: "Priority", was: "4", is: "2" }, { name: "Lists", was: "none", is: "North" }, { name: "Tracked", was: "yes", is: "no" },
  ]);
  assert.equal(changesOf({ mergeData: { was: null, is: { text: "x".repeat(999) } } })[0].is.length, 201);
  assert.equal(written(["NO_ADDRESS", "ERASED"]), "no_address,erased");
});
