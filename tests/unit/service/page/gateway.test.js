// The gateway's view: states, figures, plots, what a form changes, when a pause ends, and what orders do.
import { markup, settled } from "./browser.js";
import assert from "node:assert/strict";
import test from "node:test";

const { loadLanguage } = await import("../../../../service/page/language.js");
await loadLanguage("en");
const page = "../../../../service/page/gateway";
const { agePlot, ageOf, fourNumbers, momentsOf, ratePlot, refusalPlot, refusalsOf, relayPlot, waitingPlot } = await import(`${page}/figures.js`);
const { changesOf, faultyFields, limitsOf, numberOf, Orders, typedOf } = await import(`${page}/orders.js`);
const { changesText, panelOf } = await import(`${page}/panels.js`);
const { nextMorning } = await import(`${page}/pause-ends.js`);
const { inOrder } = await import(`${page}/refusals.js`);
const { shownDestinations } = await import(`${page}/destinations.js`);
const { lanesShown } = await import(`${page}/now.js`);
const { relayRow } = await import(`${page}/rows.js`);
const { stateOf } = await import(`${page}/standing.js`);
const { limitOn, warmUpPlot } = await import(`${page}/warm-up.js`);
const { Refused } = await import("../../../../service/page/errors.js");

const NOW = Date.UTC(2026, 10, 29, 14, 5, 30);
const RELAY = {
  name: "main", usable: true, pausedUntil: null, pausedWhy: null, pausedBy: null, stoppedAt: null, stoppedWhy: null, seenAt: null, perMinute: 60, perDay: 5_000,
  capToday: 5_000, sentToday: 1_284, warmUpStart: null, warmUpFactor: null, warmUpSince: null, limitSource: "RELAY_URL", limitedBy: null, waitsUntil: null,
};
const moment = (minutesAgo, given = {}) => ({
  startedAt: new Date(Math.floor(NOW / 60_000) * 60_000 - minutesAgo * 60_000).toISOString(), accepted: 0, deferred: 0, refused: 0, causes: [], lanes: [], relays: [], ...given,
});

// States ---------------------------------------------------------------------------------------------------------------

test("a stop stands before a pause, a pause before a limit that is reached", () => {
  assert.equal(stateOf(RELAY, NOW), "takes");
  assert.equal(stateOf({ ...RELAY, sentToday: 5_000 }, NOW), "limit");
  assert.equal(stateOf({ ...RELAY, pausedWhy: "They move.", pausedBy: "Kim", sentToday: 5_000 }, NOW), "paused");
  assert.equal(stateOf({ ...RELAY, pausedWhy: "421" }, NOW), "resting");
  assert.equal(stateOf({ ...RELAY, stoppedAt: "2026-11-29T13:00:00Z", pausedWhy: "They move.", pausedBy: "Kim" }, NOW), "stopped");
  assert.equal(stateOf({ ...RELAY, seenAt: "2026-11-29T13:00:00Z" }, NOW), "quiet");
});

const viewOf = (more = {}) => ({ app: { to: () => () => {}, readOnly: false }, orders: { faultOf: () => null, isOpen: () => false }, ...more });

test("a row says why and until when, and offers what ends it", () => {
  const paused = markup(relayRow(viewOf(), { ...RELAY, pausedWhy: "They move.", pausedBy: "Kim" }, null));
  for (const text of ["Paused by Kim", "until somebody resumes it", "They move.", "Resume: relay main", "1,284 of 5,000 today"]) assert.ok(paused.includes(text), text);
  assert.ok(!paused.includes("Pause: relay main"));
  const stopped = markup(relayRow(viewOf(), { ...RELAY, stoppedAt: "2026-11-29T13:00:00Z", stoppedWhy: "535 authentication failed" }, null));
  for (const text of ["Stopped", "535 authentication failed", "Try now: relay main", "Pause: relay main"]) assert.ok(stopped.includes(text), text);
});

test("who may not write sees no button", () => {
  const text = markup(relayRow(viewOf({ app: { to: () => () => {}, readOnly: true } }), RELAY, null));
  assert.ok(!text.includes("<button"));
});

// Figures --------------------------------------------------------------------------------------------------------------

test("spans in which no worker ran are gaps, and the last span is now", () => {
  const moments = momentsOf([moment(3, { accepted: 7 })], "hour", NOW);
  assert.equal(moments.length, 60);
  assert.equal(moments.at(-1).at, Math.floor(NOW / 60_000) * 60);
  assert.deepEqual(moments.slice(-5).map((each) => each.moment?.accepted ?? null), [null, 7, null, null, null]);
});

test("the four numbers: all lanes, the last whole minute, refusals of fifteen minutes", () => {
  const lanes = [{ depth: 9, deeper: false, oldestSeconds: 4 }, { depth: 10_000, deeper: true, oldestSeconds: 3_480 }];
  const recent = [moment(20, { refused: 5 }), moment(14, { refused: 2 }), moment(1, { accepted: 48 }), moment(0, { accepted: 3, refused: 1 })];
  assert.deepEqual(fourNumbers({ lanes, recent, onWire: 4 }, NOW), { waiting: 10_009, more: true, oldest: 3_480, onWire: 4, rate: 48, refused: 3 });
  assert.equal(fourNumbers({ lanes: [], recent: [], onWire: 0 }, NOW).rate, null);
});

test("the rate is that of a minute also where spans are quarters, and the span under way is left out", () => {
  const quarter = { ...moment(0), startedAt: "2026-11-29T13:45:00Z", accepted: 450 };
  const plot = ratePlot([quarter, { ...moment(0), startedAt: "2026-11-29T14:00:00Z", accepted: 20 }], "day", NOW);
  assert.equal(plot.x.length, 95);
  assert.equal(plot.series[0].values.at(-1), 30);
  assert.match(plot.summary, /30 a minute were accepted, 0 delayed and 0 refused/);
});

test("lanes that differ by more than ten times are drawn on a logarithmic axis", () => {
  const lanes = (campaigns) => [{ name: "campaigns", depth: campaigns, oldestSeconds: 0 }, { name: "individual", depth: 9, oldestSeconds: 0 }];
  assert.equal(waitingPlot([moment(0, { lanes: lanes(60) })], "hour", NOW).log, false);
  const plot = waitingPlot([moment(0, { lanes: lanes(203) })], "hour", NOW);
  assert.equal(plot.log, true);
  assert.match(plot.summary, /Campaigns 203, Individual 9/);
});

test("time to acceptance is that of the hour, beside the oldest", () => {
  const acceptance = new Map([[Date.UTC(2026, 10, 29, 14) / 1000, 12]]);
  const plot = agePlot([moment(0, { lanes: [{ name: "individual", depth: 1, oldestSeconds: 90 }] })], "hour", NOW, acceptance);
  assert.match(plot.summary, /due for 90 s\. 95 of 100 messages of this hour were accepted within 12 s/);
  assert.equal(plot.series[1].values.at(-1), 12);
  assert.equal(plot.series[1].values[0], null);
});

test("refusals: count, share of answers and trend by cause; beyond five causes the others together", () => {
  const causes = ["BAD_ADDRESS", "SPAM", "POLICY", "SIZE", "CONTENT", "TIMEOUT", null].map((cause, place) => ({ cause, messages: 7 - place }));
  const history = [moment(7, { accepted: 72, refused: 28, causes })];
  const { rows, answers, refused } = refusalsOf(history, "hour", NOW);
  assert.deepEqual([answers, refused, rows[0].cause, rows[0].count, rows[0].share], [100, 28, "BAD_ADDRESS", 7, 7]);
  assert.equal(rows[0].trend.reduce((sum, each) => sum + each, 0), 7);
  const plot = refusalPlot(history, "hour", NOW, (cause) => cause ?? "none");
  assert.deepEqual(plot.series.map(({ label }) => label), ["BAD_ADDRESS", "SPAM", "POLICY", "SIZE", "CONTENT", "Other causes"]);
  assert.equal(plot.series.at(-1).values.find((value) => value !== null), 3);
  assert.match(refusalPlot([moment(3, { accepted: 5 })], "hour", NOW, String).summary, /None of 5 answers/);
});

test("causes keep their rows while their counts change", () => {
  const rows = [{ cause: "SPAM", count: 9 }, { cause: "SIZE", count: 3 }, { cause: "POLICY", count: 1 }];
  assert.deepEqual(inOrder(rows, ["SIZE", "SPAM"]).map(({ cause }) => cause), ["SIZE", "SPAM", "POLICY"]);
});

test("a relay's rate stands beside its limit", () => {
  const history = [moment(1, { relays: [{ name: "main", accepted: 40, deferred: 2, refused: 1 }] })];
  const plot = relayPlot(RELAY, "relay-0", history, "hour", NOW);
  assert.deepEqual(plot.series.map(({ values }) => values.at(-1)), [43, 60]);
  assert.equal(relayPlot({ ...RELAY, perMinute: null }, "relay-0", history, "hour", NOW).series.length, 1);
});

test("ages are as long as they are told", () => {
  assert.deepEqual([4, 0.42, 3_480, 3 * 3_600, 2 * 86_400].map(ageOf), ["4 s", "0.4 s", "58 min", "3 h", "2 days"]);
});

test("lanes of campaigns without mail are left out, those beyond twelve are counted", () => {
  const campaigns = Array.from({ length: 15 }, (_, place) => ({ name: `c${place}`, campaignId: `Campaign_${place}`, depth: place ? 1 : 0, pausedAt: null }));
  const { shown, further } = lanesShown([{ name: "individual", campaignId: null, depth: 0, pausedAt: null }, ...campaigns]);
  assert.deepEqual([shown.length, shown[1].name, further], [13, "c1", 2]);
});

test("domains with something set come by name, then those that mail waits for in the order first seen", () => {
  const destinations = [{ domain: "slow.example" }];
  const domains = [{ domain: "b.example", depth: 9, rate: 1 }, { domain: "slow.example", depth: 5, rate: 0 }, { domain: "a.example", depth: 2, rate: 0 }];
  const shown = shownDestinations({ destinations, domains }, ["a.example", "b.example"]);
  assert.deepEqual(shown.map(({ one, depth }) => [one.domain, depth]), [["slow.example", 5], ["a.example", 2], ["b.example", 9]]);
});

// Warm-up and pauses -----------------------------------------------------------------------------------------------------

test("a warm-up grows by its factor until the limit a day, and today is marked", () => {
  const given = { warmUpStart: 50, warmUpFactor: 2, perDay: 900, warmUpSince: "2026-11-27T00:00:00Z" };
  assert.deepEqual([0, 1, 4, 5, 30].map((day) => limitOn(day, given)), [50, 100, 800, 900, 900]);
  const plot = warmUpPlot(given, "relay-0", "main", NOW, () => "Dec 2");
  assert.match(plot.summary, /Today 200 messages a day; the day's own limit is reached Dec 2/);
  assert.equal(plot.marks[0].at, NOW / 1000);
  assert.equal(warmUpPlot({ ...given, warmUpStart: null }, "relay-0", "main", NOW, String), null);
});

test("6 AM is that of the reader's zone, tomorrow's once today's is over, also when clocks change in the night", () => {
  assert.equal(nextMorning(Date.UTC(2026, 10, 29, 4), "Europe/Berlin").toISOString(), "2026-11-29T05:00:00.000Z");
  assert.equal(nextMorning(Date.UTC(2026, 10, 29, 12), "America/Denver").toISOString(), "2026-11-29T13:00:00.000Z");
  assert.equal(nextMorning(Date.UTC(2026, 10, 29, 13), "America/Denver").toISOString(), "2026-11-30T13:00:00.000Z");
  assert.equal(nextMorning(Date.UTC(2026, 9, 24, 20), "Europe/Berlin").toISOString(), "2026-10-25T05:00:00.000Z");
});

// Orders -----------------------------------------------------------------------------------------------------------------

test("numbers are read as people write them", () => {
  assert.deepEqual(["", "2000", "2,000", "2.000", "2 000 000", "2,5", "x", "-3"].map((text) => numberOf("perDay", text)), [null, 2_000, 2_000, 2_000, 2_000_000, NaN, NaN, NaN]);
  assert.deepEqual(["1,5", "1.5", "2", ""].map((text) => numberOf("warmUpFactor", text)), [1.5, 1.5, 2, null]);
});

test("a form says what it changes, with the old and the new value", () => {
  const typed = { ...typedOf("relay", RELAY), perDay: "2,000", perMinute: "" };
  const changes = changesOf("relay", RELAY, typed);
  assert.equal(changesText(changes), "none a minute (now 60), 2,000 a day (now 5,000)");
  assert.deepEqual(faultyFields("relay", { ...typed, perDay: "many" }), ["perDay"]);
  assert.deepEqual(limitsOf("relay", { ...typed, warmUpStart: "50" }), { perMinute: null, perDay: 2_000, warmUpStart: 50, warmUpFactor: 2 });
  // A factor alone would be refused; a destination's may not be null.
  assert.ok(!("warmUpFactor" in limitsOf("destination", typedOf("destination", null))));
});

function given(order = async () => ({})) {
  const calls = [];
  const undone = [];
  const orders = new Orders({
    order: async (...call) => { calls.push(call); return order(...call); }, changed: () => {}, done: async () => {}, announce: () => {},
    undoable: (text, undo) => undone.push({ text, undo }),
  });
  return { orders, calls, undone };
}

test("a panel that is left gives the focus back to the button that opened it", () => {
  const { orders } = given();
  for (const [panel, one, wanted] of [
    ["limits", RELAY, '[data-of="relay"][data-name="main"] [data-opens="limits"]'], ["pause", RELAY, '[data-of="relay"][data-name="main"] [data-opens="pause"]'], ["limits", null, '[data-opens="limits"]'],
  ]) {
    orders.open(panel, "relay", one);
    orders.back();
    assert.equal(orders.focus, wanted);
  }
  assert.match(markup(relayRow(viewOf(), RELAY, "")), /data-opens=limits/);
});

test("a pause without an end carries its reason, and is undone by resuming", async () => {
  const { orders, calls, undone } = given();
  orders.open("pause", "relay", RELAY);
  await orders.pause(null, "They move.", (name) => `Relay ${name} is paused.`);
  assert.deepEqual(calls, [["pauseRelay", { name: "main", until: null, why: "They move." }]]);
  assert.equal(orders.panel, null);
  await undone[0].undo();
  assert.deepEqual(calls[1], ["resumeRelay", { name: "main" }]);
});

test("resuming a person's pause can be taken back with its reason; what the gateway stopped cannot", async () => {
  const { orders, calls, undone } = given();
  await orders.resume("destination", { domain: "slow.example", pausedBy: "Kim", pausedUntil: null, pausedWhy: "Asked to." }, "It goes on.");
  await undone[0].undo();
  assert.deepEqual(calls, [["resumeDestination", { domain: "slow.example" }], ["pauseDestination", { domain: "slow.example", until: null, why: "Asked to." }]]);
  await orders.resume("relay", { ...RELAY, stoppedAt: "2026-11-29T13:00:00Z" }, "It is tried.");
  assert.equal(undone.length, 1);
});

test("undoing limits that came from RELAY_URL gives these their force again", async () => {
  const { orders, calls, undone } = given();
  orders.open("limits", "relay", RELAY);
  orders.type("perDay", "2,000");
  await orders.limit((name) => `The limits of ${name} are set.`);
  assert.deepEqual(calls[0], ["setRelayLimit", { name: "main", perMinute: 60, perDay: 2_000, warmUpStart: null, warmUpFactor: null }]);
  await undone[0].undo();
  assert.deepEqual(calls[1], ["setRelayLimit", { name: "main", asConfigured: true }]);
});

test("what the API refuses stands in the panel, which stays; an order of a row says it beside the row", async () => {
  const { orders, undone } = given(async () => { throw new Refused("Say why: whoever finds it paused wants to know."); });
  orders.open("pause", "relay", RELAY);
  await orders.pause(null, " ", String);
  const text = markup(panelOf(orders, "relay", RELAY));
  assert.ok(text.includes("Say why"));
  assert.equal(undone.length, 0);
  orders.back();
  await orders.lane("pause", "individual", "Paused.");
  assert.equal(orders.faultOf("lane", { name: "individual" }), "Say why: whoever finds it paused wants to know.");
  assert.equal(orders.faultOf("lane", { name: "work-order" }), null);
  await settled();
});

test("a second press while an order is under way does nothing", async () => {
  let finish;
  const { orders, calls } = given(() => new Promise((resolve) => { finish = resolve; }));
  const first = orders.lane("pause", "individual", "Paused.");
  await orders.lane("pause", "individual", "Paused.");
  assert.equal(calls.length, 1);
  finish({});
  await first;
});
