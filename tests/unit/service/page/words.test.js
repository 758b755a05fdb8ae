// The same words for a status in its row, its icon and its popover; other words for every other.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { markup } from "./browser.js";
import { deliveryTimeline } from "../../../../service/page/message/delivery-timeline.js";
import { popover as drawn } from "../../../../service/page/message/popover.js";
import { icons } from "../../../../service/page/icons.js";
import { outcomeLine } from "../../../../service/page/outcome-line.js";
import { authorMarks } from "../../../../service/page/author-marks.js";
import { hintClass, infoButton, statusIcon } from "../../../../service/page/status-icon.js";
import { counted, evidenceOf, responseLine, waitOf, words } from "../../../../service/page/words.js";

/** What the words of a status must say, however they are put. */
const SAYS = {
  QUEUED: /wait/i, HANDED_OFF: /being sent|sending/i, DEFERRED: /again|delayed|later/i, ACCEPTED: /accepted/i, REFUSED: /refused/i,
  UNCERTAIN: /uncertain/i, HELD: /held/i, CANCELLED: /cancel/i, EXPIRED: /expired/i, BOUNCED: /came back|bounced/i,
  RECEIVED: /received/i,
};
const STATUSES = Object.keys(SAYS);
const COLORS = {
  ACCEPTED: "GREY", RECEIVED: "GREY", QUEUED: "AMBER", HANDED_OFF: "AMBER", DEFERRED: "AMBER", UNCERTAIN: "AMBER",
  REFUSED: "RED", HELD: "RED", EXPIRED: "RED", BOUNCED: "RED", CANCELLED: "GREY",
};
const info = (status, values = {}) => ({
  status, colorHint: COLORS[status], cause: null, advice: null, response: null, nextAttemptAt: null, waitsFor: null, from: "a@b", to: "c@d", sentAt: null, tracked: true,
  report: null, copies: [], preview: null, ...values,
});
const life = (...nodes) => ({ nodes: nodes.map((each) => ({ detail: null, by: "gateway", verdict: null, copy: null, report: null, click: null, reply: null, attempt: null, ...each })), pageInfo: { hasNextPage: false, endCursor: null } });
const message = (shown, values = {}) => ({
  id: "m1", direction: "SENT", sourceType: "WORK_ORDER", subject: "Your appointment", occurredAt: "2026-11-23T12:00:00Z", openedAt: null, clickCount: 0,
  letterKind: null, campaign: null, attachments: [], actions: [], info: shown, received: null, inReplyTo: null, events: life(),
  customer: { id: "Customer_7", name: "Ann", externalRef: "C-7", addresses: [{ address: "old@x.example", primary: false }, { address: "new@x.example", primary: true }] }, ...values,
});
/** A sheet as `InfoSheet` has it, with the first tab open. */
const sheetOf = (values) => ({ id: "m1", state: "ready", gone: false, asked: null, fault: null, tab: "outcome", pageHref: "/messages/m1", app: { to: () => () => {} }, turn: () => {}, ...values });
const popover = (shown, { actions = [], ...values } = {}) => markup(drawn(sheetOf({ message: message(shown, { actions }), ...values })));

test("every status has words of its own, long and short, that say what it is", () => {
  for (const each of [words.status, words.statusShort]) {
    assert.equal(new Set(STATUSES.map(each)).size, STATUSES.length);
    for (const status of STATUSES) assert.match(each(status), SAYS[status]);
  }
});

/** The values of an enum of the API. */
function valuesOf(name) {
  const schema = readFileSync(new URL("../../../../schema.graphql", import.meta.url), "utf8").replace(/"""[^]*?"""/g, "");
  return schema.match(new RegExp(`^enum ${name} \\{([^}]+)\\}`, "m"))[1].trim().split(/\s+/);
}

test("every value of the API that a reader may see has words, and none has another's", () => {
  for (const [texts, name] of [
    [words.status, "EmailStatus"], [words.statusShort, "EmailStatus"], [words.cause, "Cause"], [words.stage, "SmtpStage"], [words.verdict, "Verdict"],
    [words.event, "EventKind"], [words.source, "SourceType"], [words.connectionType, "ConnectionType"], [words.hitVerdict, "HitVerdict"],
    [words.hitReason, "HitReason"], [words.author, "AuthorKind"], [words.authorWhy, "AuthorKind"], [words.suppression, "SuppressionReason"], [words.optOutSource, "OptOutSource"], [words.optOutKind, "OptOutKind"],
  ]) {
    const values = valuesOf(name);
    assert.equal(new Set(values.map(texts)).size, values.length, name);
    for (const value of values) {
      // A value without words is shown under its own name
      const own = value.toLowerCase().replaceAll("_", " ");
      assert.ok(texts(value) !== own, `${name}.${value}`);
    }
  }
});

test("the words of what decides say what it is", () => {
  for (const [texts, says] of [
    [words.verdict, { ACCEPTED: /accepted/i, DEFERRED: /delayed/i, REFUSED: /refused/i, UNCERTAIN: /uncertain/i }],
    [words.event, {
      HELD: /held/i, CANCELLED: /cancel/i, EXPIRED: /deadline/i, RETRIED: /asked/i, RETRIED_ONCE: /once more/i, ASSUMED_SENT: /assumed/i, RESCUED: /worker/i,
      UNCERTAIN: /uncertain/i, RELEASED: /released/i, BOUNCED: /came back|bounced/i, COMPLAINED: /spam/i, SUPPRESSED: /suppress/i, OPTED_OUT: /opted out/i, SETTLED: /settled/i,
      QUEUED: /queued/i, ATTEMPTED: /attempt/, OPENED: /opened/i, CLICKED: /link/i, DELAYED: /delayed/i, DELIVERED: /mailbox/, RELAYED: /passed on/, EXPANDED: /list/,
      REPLIED: /answered/i, RECEIVED: /received/i, FORWARDED: /forwarded/i, ASSIGNED: /whose/, REPORT_BELIEVED: /believed/, TRIGGERED: /event/,
      DISMISSED: /worklist/, UNDONE: /taken back/,
    }],
    [words.author, { CUSTOMER: /^verified/i, OTHER: /another/i, UNVERIFIED: /unverified/i }],
    [words.authorWhy, { CUSTOMER: /verified/, OTHER: /colleague/, UNVERIFIED: /forged/ }],
    [words.matchedBy, { TOKEN: /token/, MESSAGE_ID: /names/, ADDRESS: /address/, PERSON: /person/ }],
    [words.evidence, { LATE_ANSWER: /answer/, CLICK: /link/, REPORT: /report/, REPLY: /answer/ }],
    [words.cause, {
      BAD_ADDRESS: /mailbox/, BAD_DOMAIN: /domain/, MAILBOX_FULL: /full/, INACTIVE: /switched off/, POLICY: /policy/, SPAM: /spam/, AUTHENTICATION: /DKIM/, REPUTATION: /mistrusts/,
      SIZE: /large/, CONTENT: /in it/, GREYLISTED: /newcomers/, RATE_LIMITED: /too little time/, RELAY_TROUBLE: /our mail server/, DESTINATION_TROUBLE: /receiving server/,
      OUR_CONFIGURATION: /our side/, UNSUPPORTED: /cannot handle/, CONNECTION_LOST: /broke/, TIMEOUT: /in time/, RESTORED: /restored/, SUPPRESSED: /suppression/, OPTED_OUT: /opted out/,
      WRONG_RELAY: /not configured/, DEADLINE: /deadline/, BY_PERSON: /person/, UNKNOWN: /no reason/,
    }],
  ]) {
    for (const [value, pattern] of Object.entries(says)) assert.match(texts(value), pattern, value);
  }
});

test("icon, button, row and popover say the words of their own status", () => {
  for (const status of STATUSES) {
    const shown = info(status);
    for (const place of [markup(statusIcon(shown)), markup(infoButton(shown, "m1", "S", () => {})), popover(shown)]) {
      assert.ok(place.includes(words.status(status)), `${status} in ${place}`);
      for (const other of STATUSES) if (other !== status) assert.ok(!place.includes(words.status(other)), `${status} says ${other}`);
    }
    const line = markup(outcomeLine(shown));
    assert.equal(line.includes(words.statusShort(status)), COLORS[status] !== "GREY" || status === "CANCELLED", status);
  }
});

test("the info button opens its mail's popover, and only that, and names the mail", () => {
  const done = [];
  const drawn = infoButton(info("HELD"), "m1", "Offer", (id) => done.push(id));
  const listener = drawn.values.find((value) => typeof value === "function");
  listener({ stopPropagation: () => done.push("stopped") });
  assert.deepEqual(done, ["stopped", "m1"]);
  assert.match(markup(drawn), /Details of Offer/);
  assert.match(markup(infoButton(info("HELD"), "m1", null, () => {})), /Details of this mail/);
});

test("each colour has its own shape, and amber two: waiting, and uncertain", () => {
  const shape = (colorHint, status = "REFUSED") => markup(statusIcon({ colorHint, status }));
  for (const [colorHint, status, icon] of [
    ["RED", "REFUSED", icons.failed], ["AMBER", "QUEUED", icons.waiting], ["AMBER", "UNCERTAIN", icons.uncertain], ["GREY", "ACCEPTED", icons.info],
    ["BLUE", "ACCEPTED", icons.info], ["RED", "UNCERTAIN", icons.failed], ["GREY", "RECEIVED", icons.letter],
  ]) {
    assert.ok(shape(colorHint, status).includes(markup(icon)), `${colorHint} ${status}`);
  }
  assert.deepEqual(["RED", "AMBER", "BLUE", "GREY", "GREEN"].map(hintClass), ["red", "amber", "blue", "grey", "grey"]);
});

test("a row says why: the cause, what it waits for, the next try, and a refusal in the server's words", () => {
  const line = (status, values) => markup(outcomeLine(info(status, values))).replace(/<[^>]*>/g, "").trim();
  assert.equal(line("REFUSED", { cause: "BAD_ADDRESS", response: { code: 550, text: "5.1.1 Unknown" } }), "Refused: no such mailbox · 550 5.1.1 Unknown");
  assert.equal(line("REFUSED", { response: { code: 400, text: "x" } }), "Refused · 400 x");
  assert.doesNotMatch(line("BOUNCED", { response: { code: 250, text: "Queued" } }), /Queued/);
  const report = { text: "550 5.1.1 <c@d>:\r\n  No such user", verified: true };
  assert.equal(line("BOUNCED", { cause: "BAD_ADDRESS", response: { code: 250, text: "Queued" }, report }), "Bounced: no such mailbox · 550 5.1.1 No such user");
  assert.equal(line("ACCEPTED", { report }), "");
  assert.equal(line("ACCEPTED", { report: { ...report, verified: false } }), "Reported as bounced, not verified · 550 5.1.1 No such user");
  assert.equal(line("BOUNCED", { cause: "BAD_ADDRESS", report: { ...report, verified: false } }), "Bounced: no such mailbox", "what nothing vouches for is no reason");
  assert.match(line("UNCERTAIN"), /^Uncertain: no answer/);
  assert.match(line("QUEUED", { waitsFor: "The next free connection" }), / · The next free connection$/);
  assert.doesNotMatch(line("DEFERRED", { waitsFor: "The next attempt" }), /next attempt/);
  const soon = new Date(Date.now() + 3_600_500).toISOString();
  assert.match(line("DEFERRED", { nextAttemptAt: soon }), /next try in 1 hour/);
  assert.doesNotMatch(line("HELD", { nextAttemptAt: soon }), /next try/);
  assert.doesNotMatch(line("DEFERRED", { nextAttemptAt: "2020-01-01T00:00:00Z" }), /next try/);
});

test("the popover offers the actions that the API names, and asks before it does one", () => {
  const ACTIONS = ["RETRY", "RETRY_TO_PRESENT_ADDRESS", "ASSUME_SENT", "CANCEL", "LIFT_SUPPRESSION", "CORRECT_ADDRESS", "BELIEVE_REPORT", "DISMISS", "UNDO"];
  const offered = (actions, more) => [...popover(info("HELD"), { actions, ...more }).matchAll(/data-action=(\w+)/g)].map(([, action]) => action);
  assert.deepEqual(offered(ACTIONS), ACTIONS);
  assert.deepEqual(offered(["CANCEL", "ACTION_OF_A_LATER_RELEASE"]), ["CANCEL"]);
  assert.deepEqual(offered(ACTIONS, { mayAct: false }), [], "a session that may only read sees none");
  assert.doesNotMatch(popover(info("ACCEPTED")), /class="actions/);
  const asked = (status, action, values = {}) => popover(info(status, values), { actions: [action], asked: action });
  assert.match(asked("UNCERTAIN", "RETRY"), /class="plan"[^]*Retry this message[^]*may get it twice[^]*>Retry 1 message<[^]*>Back</);
  assert.doesNotMatch(asked("REFUSED", "RETRY"), /may get it twice/);
  assert.match(asked("REFUSED", "RETRY_TO_PRESENT_ADDRESS", { to: "old@x.example" }), /It goes to <bdi>new@x\.example<[^]*it was for <bdi>old@x\.example</);
  assert.match(asked("QUEUED", "CANCEL"), /cannot be taken back[^]*>Cancel sending 1 message</);
  assert.match(asked("REFUSED", "CORRECT_ADDRESS", { to: "old@x.example" }), /name="correctAddress"[^]*value=old@x\.example/);
  assert.match(asked("ACCEPTED", "BELIEVE_REPORT"), /may be suppressed[^]*>Count 1 message as bounced</);
  for (const action of ["RETRY", "CANCEL", "BELIEVE_REPORT"]) assert.doesNotMatch(asked("HELD", action), /Are you sure|>(?:OK|Yes|No)</);
  assert.match(popover(info("HELD"), { actions: ["RETRY"], asked: "ASSUME_SENT" }), /data-action=RETRY/, "what is not offered cannot be asked for");
  assert.match(popover(info("REFUSED"), { fault: "Its campaign was cancelled." }), /Its campaign was cancelled\./);
});

test("the suppression that is lifted is of the address that keeps the mail: the customer's, or a copy's", () => {
  const copy = { role: "CC", name: null, address: "copy@x.example", status: "HELD", colorHint: "RED", cause: "SUPPRESSED", advice: null };
  const lifted = (values) => popover(info("HELD", { to: "to@x.example", ...values }), { actions: ["LIFT_SUPPRESSION"], asked: "LIFT_SUPPRESSION" });
  assert.match(lifted({ cause: "SUPPRESSED", copies: [copy] }), /<bdi>to@x\.example<\/bdi> may be mailed again[^]*name="why"[^]*name="releaseHeld"/);
  assert.match(lifted({ cause: null, copies: [copy] }), /<bdi>copy@x\.example<\/bdi> may be/);
  assert.match(lifted({ cause: null, copies: [{ ...copy, cause: "OPTED_OUT" }] }), /<bdi>to@x\.example<\/bdi> may be/);
});

test("the popover explains what failed or waits, and not what was sent", () => {
  assert.match(popover(info("REFUSED", { cause: "BAD_ADDRESS", advice: "Ask for another." })), /class="cause">No such mailbox\..*Ask for another\./s);
  assert.doesNotMatch(popover(info("ACCEPTED", { advice: "Nothing to do." })), /Nothing to do/);
  assert.match(popover(info("QUEUED", { waitsFor: "Its turn" })), /Waits for its turn\./);
  assert.doesNotMatch(popover(info("REFUSED", { cause: "SPAM", waitsFor: "Its turn" })), /Waits for/);
});

test("the popover's facts: copies with their own outcome, clicks, attachments and their sizes", () => {
  const copy = { role: "CC", name: "Bob", address: "bob@x.example", status: "REFUSED", colorHint: "RED", cause: "SPAM", advice: "Write less." };
  const shown = popover(info("ACCEPTED", { copies: [copy, { ...copy, name: null, status: "ACCEPTED", colorHint: "GREY", cause: null, advice: "All well." }] }));
  assert.match(shown, /CC <bdi>Bob <bob@x\.example><\/bdi>.*\(the receiver takes it for spam\).*Write less\./s);
  assert.match(shown, /<bdi>bob@x\.example<\/bdi>/);
  assert.doesNotMatch(shown, /All well/);
  const size = (bytes) => markup(drawn(sheetOf({ message: message(info("ACCEPTED"), { attachments: [{ name: "a", size: bytes }] }) }))).match(/class="utc">([^<]+)<\/span><\/li>/)[1];
  assert.deepEqual([1023, 1024, 1_048_575, 1_048_576].map(size), ["1023 bytes", "1 kB", "1024 kB", "1.0 MB"]);
});

test("the popover while there is no mail: loading, failed, or gone", () => {
  const without = (sheet) => markup(drawn(sheetOf({ message: null, ...sheet })));
  assert.match(without({ state: "loading" }), /Loading/);
  assert.match(without({ state: "error", error: new Error("Broken.") }), /Broken\./);
  assert.match(without({ state: "ready", gone: true }), /There is no such message/);
});

test("the popover turns to its neighbours only where there are some", () => {
  const turns = (sheet) => ["Newer message", "Older message"].map((name) => popover(info("ACCEPTED"), sheet).includes(`aria-label=${name}`));
  assert.deepEqual(turns({ newer: "m0", older: null }), [true, false]);
  assert.deepEqual(turns({ newer: null, older: "m2" }), [false, true]);
});

test("the popover of received mail has no timeline without events, and parts that are empty are not drawn", () => {
  const shown = (values, infoValues = {}) => markup(drawn(sheetOf({ message: message(info("RECEIVED", infoValues), values) })));
  assert.doesNotMatch(shown({ direction: "RECEIVED" }), />Events</);
  assert.match(shown({ direction: "RECEIVED", events: life({ kind: "FORWARDED", occurredAt: "2026-11-23T12:00:00Z" }) }), />Events</);
  assert.match(shown({ events: null }), /cannot be read just now/);
  assert.match(shown({ direction: "RECEIVED" }), /<dt>Received</);
  assert.match(shown({}), />Events</);
  assert.doesNotMatch(shown({}), /Copies|Attached|Links clicked|Opened|Campaign<|Server response|>Accepted<|class="why/);
  assert.match(shown({ subject: null }), /subject erased/);
  assert.match(shown({ clickCount: 1, openedAt: "2026-11-23T12:00:00Z", campaign: { id: "Campaign_1", title: "Spring" }, letterKind: "PAYMENT_LINK" }, { sentAt: "2026-11-23T12:00:00Z", response: { code: 250, text: "Ok", stage: "END_OF_DATA", host: "mx", tls: null } }),
    /Server response.*no TLS.*>Accepted<.*Opened.*1 click<.*Work order, payment link.*href=\/campaigns\/Campaign_1 [^>]*><bdi>Spring/s);
});

test("the timeline has attempts and events in the order of their times, each in its colour", () => {
  const at = (minute) => `2026-11-23T12:0${minute}:00Z`;
  const attempt = (number, minute, verdict, { copy = null, ...values } = {}) => ({
    kind: "ATTEMPTED", occurredAt: at(minute), copy,
    attempt: { number, startedAt: at(minute), verdict, tookMs: 99, relay: "main", stage: "RCPT", cause: null, response: null, unreadableReply: null, ...values },
  });
  const drawn = (events) => markup(deliveryTimeline(events, { show: () => {}, more: () => {} }));
  const shown = drawn(life(
    attempt(1, 1, "DEFERRED", { response: { code: 450, text: null } }), { kind: "HELD", occurredAt: at(3), by: "ann", detail: {} },
    attempt(2, 4, "REFUSED", { unreadableReply: "HTTP/1.1", copy: { role: "BCC", address: "z@x" } }), attempt(3, 5, "ACCEPTED", { tookMs: 100 }),
    { kind: "UNCERTAIN", occurredAt: at(6), detail: { handedOffAt: at(5), attempt: 2, owner: "x" } }, { kind: "RELEASED", occurredAt: at(7), by: "ann" },
  ));
  const order = [/attempt 1/, /\(text erased\)/, />Held</, /attempt 2/, /to BCC/, /HTTP\/1\.1/, /attempt 3/, /said nothing/, /worker was lost/, /Released/].map((each) => shown.search(each));
  assert.ok(order.every((place, number) => place > (order[number - 1] ?? 0)), String(order));
  assert.deepEqual([...shown.matchAll(/<b class=(\w+)>/g)].map(([, color]) => color), ["amber", "red", "red", "grey", "amber", "grey"]);
  assert.match(shown, /in 99 ms/);
  assert.match(shown, /in 0\.1 s/);
  assert.match(drawn(life({ kind: "UNCERTAIN", occurredAt: at(1), by: "Dana", detail: { attempt: 1, restore: 1 } })), /copy of the ledger/);
  assert.match(drawn(life()), /Nothing is on record/);
  assert.doesNotMatch(shown, /Show what followed/);
  assert.match(drawn({ ...life({ kind: "QUEUED", occurredAt: at(1) }), pageInfo: { hasNextPage: true, endCursor: "x" } }), /Show what followed/);
});

const REPORT = { id: "DeliveryReport_7_1", action: "FAILED", verified: true, receivedAt: "2026-11-23T12:00:00Z", text: "550 5.1.1 <b>No</b> such user", statusCode: "5.1.1", reportedBy: "mx.example", host: "mx2.example", cause: "BAD_ADDRESS" };

test("a mail's life tells what readers, reports and people did, and marks what nothing vouches for", () => {
  const occurredAt = "2026-11-23T12:00:00Z";
  const shown = (entry) => markup(deliveryTimeline(life({ occurredAt, ...entry }), { show: () => {}, more: () => {} }));
  assert.match(shown({ kind: "CLICKED", verdict: "UNKNOWN", click: { url: "https://x.example/a" } }), /Link clicked[^]*perhaps by a machine[^]*https:\/\/x\.example\/a/);
  assert.doesNotMatch(shown({ kind: "OPENED", verdict: "HUMAN" }), /machine/);
  assert.match(shown({ kind: "BOUNCED", report: REPORT }), /class=red>Bounced[^]*No<\/b> such user[^]*reported by mx\.example · refused by mx2\.example · 5\.1\.1/);
  assert.match(shown({ kind: "BOUNCED", report: { ...REPORT, verified: false } }), /class=amber>Bounced[^]*Not verified/);
  assert.match(shown({ kind: "DELAYED", report: { ...REPORT, action: "DELAYED", text: null }, copy: { role: "CC", address: "z@x" } }), /class=amber>Delayed[^]* to CC <bdi>z@x[^]*text erased/);
  assert.match(shown({ kind: "REPLIED", by: "customer", reply: { id: "m2", subject: "Re: it" } }), /Answered[^]*Re: it/);
});

test("a report stands on its mail with its words, and says when it has changed nothing", () => {
  const verified = popover(info("BOUNCED", { report: REPORT }));
  assert.match(verified, /id="report-heading">Bounced<[^]*such user/);
  assert.doesNotMatch(verified, /changes nothing/);
  assert.match(popover(info("ACCEPTED", { report: { ...REPORT, verified: false, cause: null } })), /Reported as bounced[^]*Not verified[^]*changes nothing until a person believes it/);
  const copy = { role: "CC", name: null, address: "copy@x.example", status: "ACCEPTED", colorHint: "GREY", cause: null, advice: null, report: { ...REPORT, verified: false } };
  assert.match(popover(info("ACCEPTED", { copies: [copy] })), /The report of this copy[^]*Not verified/);
});

test("a mail that stays sent says first that its reader called it spam, or that a server still tries", () => {
  const occurredAt = "2026-11-23T12:00:00Z";
  const entry = (kind, values = {}) => ({ kind, occurredAt, ...values });
  const report = (kind, values = {}) => entry(kind, { report: { ...REPORT, action: kind, ...values } });
  const notice = (entries, status = "ACCEPTED", values = {}) =>
    markup(drawn(sheetOf({ message: message(info(status, values), { events: life(...entries) }) })))
      .match(/class="why (\w+)"><p class="cause">([^<]+)</)?.slice(1).join(" ");
  assert.match(notice([report("DELAYED"), entry("COMPLAINED")]), /^red Reported as spam/);
  assert.match(notice([report("DELAYED")]), /^amber Delayed/);
  assert.equal(notice([report("DELAYED"), report("RELAYED")]), undefined, "it went on");
  assert.equal(notice([report("DELAYED", { verified: false })]), undefined, "nothing vouches for it");
  assert.equal(notice([entry("COMPLAINED", { copy: { role: "CC", address: "z@x" } })]), undefined, "it is a copy's");
  assert.equal(notice([report("DELAYED")], "ACCEPTED", { report: { ...REPORT, verified: false } }), undefined, "a later report has the word");
  assert.equal(notice([report("DELAYED")], "BOUNCED"), undefined);
});

test("a received mail says who wrote, what, to what it is the answer, and folds what it quotes", () => {
  const received = { from: "ann@x.example", fromName: "Ann", author: "CUSTOMER", text: "Thursday suits me.", quotedText: "> a\n> b", cut: false, automatic: false, authentication: null, forwardedAt: null };
  const shown = (values, more = {}) => popoverOf({ direction: "RECEIVED", received: { ...received, ...values }, ...more });
  const popoverOf = (values) => markup(drawn(sheetOf({ message: message(info("RECEIVED"), values) })));
  assert.match(shown({}), /<h2[^>]*>Received from the customer<[^]*Ann <ann@x\.example>[^]*Verified[^]*Thursday suits me\.[^]*<details class="quoted"><summary>Show quoted text \(2 lines\)/);
  assert.doesNotMatch(shown({}), /Automatic reply|Unverified|Answers|ends here/);
  assert.match(shown({ automatic: true, author: "UNVERIFIED", cut: true }), /Automatic reply[^]*Unverified sender[^]*ends here/);
  assert.match(shown({}, { inReplyTo: { id: "m0", subject: "Your appointment", occurredAt: "2026-11-23T12:00:00Z" } }), /Answers [^]*Your appointment/);
  assert.match(shown({}, { sourceType: "WORK_ORDER" }), /<dt>Belongs to<\/dt><dd>Work order</, "it did not come from there");
  assert.match(shown({ text: "" }), /Nothing was written anew/);
  assert.match(shown({ text: "", quotedText: null, from: null, fromName: null }), /No sender named[^]*It has no text/);
  assert.match(shown({ forwardedAt: "2026-11-23T12:00:00Z", authentication: "dmarc=pass" }), /<dt>Forwarded<[^]*<dt>Checks<[^]*dmarc=pass/);
  assert.match(popoverOf({ direction: "RECEIVED" }), /not kept any more/);
  // In a row, only what a reader has to know
  assert.equal(markup(authorMarks(received)), "");
  assert.match(markup(authorMarks({ author: "UNVERIFIED", automatic: true })), /Automatic reply[^]*Unverified sender/);
  assert.equal(markup(authorMarks(null)), "");
});

test("a value that the page does not know is shown under its own name, made readable", () => {
  assert.deepEqual([words.cause("BRAND_NEW"), words.cause(null), words.cause(undefined)], ["brand new", "", ""]);
});

test("an event's details have their words; those of no use to a reader are left out", () => {
  assert.deepEqual(evidenceOf({ attempt: 2, cause: "SPAM", kinds: ["MARKETING", "EVENT_BASED"], owner: "x", hit: 3, before: null, matchedBy: "TOKEN", decision: 5, event: "Signed up", novel: "v" }), [
    ["Attempt", "2"], ["Because", "the receiver takes it for spam"], ["From", "marketing campaigns, event-based campaigns"], ["Found by", "a token of ours"], ["Event", "Signed up"], ["novel", "v"],
  ]);
  assert.deepEqual(evidenceOf(null), []);
  assert.deepEqual(evidenceOf({ toString: "x" }), [["toString", "x"]]);
});

test("what a mail waits for is a sentence; the next attempt alone is said by its time", () => {
  assert.equal(waitOf({ waitsFor: "Its turn", nextAttemptAt: null }), "Waits for its turn.");
  assert.equal(waitOf({ waitsFor: "The lane is paused: by Ann.", nextAttemptAt: null }), "The lane is paused: by Ann.");
  assert.equal(waitOf({ waitsFor: "The next attempt", nextAttemptAt: "2026-11-23T12:00:00Z" }), "");
  assert.equal(waitOf({ waitsFor: "The next attempt", nextAttemptAt: null }), "Waits for the next attempt.");
  assert.equal(waitOf({ waitsFor: null, nextAttemptAt: null }), "");
});

test("counts", () => {
  assert.deepEqual([0, 1, 2].map((count) => counted(count, "mail")), ["0 mails", "1 mail", "2 mails"]);
});

test("a response on one line has its code once, its enhanced code once, and no echo of the address", () => {
  assert.equal(responseLine(null), "");
  assert.equal(responseLine({ code: 550, enhancedCode: "5.1.1", text: "5.1.1 <a@b.example>: User unknown" }), "550 5.1.1 User unknown");
  assert.equal(responseLine({ code: 550, enhancedCode: "5.1.1", text: "User unknown" }), "550 5.1.1 User unknown");
  assert.equal(responseLine({ code: 550, enhancedCode: null, text: "550 No\r\n\r\n  Never " }), "550 No Never");
  assert.equal(responseLine({ code: 550, enhancedCode: null, text: null }), "550");
  assert.equal(responseLine({ code: 550, enhancedCode: null, text: "Mail from <a@b.example> refused" }), "550 Mail from <a@b.example> refused");
});
