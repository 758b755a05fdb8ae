// Statistics: what an address asks for, where its numbers lead, and the plot over days.
import { markup } from "./browser.js";
import assert from "node:assert/strict";
import test from "node:test";

const { loadLanguage } = await import("../../../../service/page/language.js");
await loadLanguage("en");
const { askedOf, dayPlot, groupOf, shareOf, totalOf, variablesOf } = await import("../../../../service/page/statistics/figures.js");
const { bars } = await import("../../../../service/page/statistics/bars.js");
const { table } = await import("../../../../service/page/statistics/table.js");

const NOW = Date.UTC(2026, 10, 29, 3);
const DENVER = "America/Denver";
const row = (given = {}) => ({
  startsAt: null, cause: null, domain: null, sourceType: null, relay: null, campaign: null, sender: null, sent: 100, accepted: 90, deferred: 4, refused: 6, bounced: 3,
  complained: 1, opened: 31, clicked: 8, received: 2, medianSeconds: 1.2, p95Seconds: 9, ...given,
});

test("without a span it is the last thirty days of the reader's zone, both ends included", () => {
  const asked = askedOf({}, NOW, DENVER);
  assert.deepEqual(asked, { from: "2026-10-30", to: "2026-11-28", by: "day", show: "outcomes" });
  // Clocks changed on November 1
  assert.deepEqual(variablesOf(asked, DENVER), { since: "2026-10-30T06:00:00.000Z", until: "2026-11-29T07:00:00.000Z", by: ["DAY"], filter: null, zone: DENVER });
});

test("what an address says wrongly is left out", () => {
  assert.deepEqual(askedOf({ from: "soon", to: "2026-02-31x", by: "colour", show: "all" }, NOW, DENVER), askedOf({}, NOW, DENVER));
  assert.equal(askedOf({ by: "domain", show: "reading" }, NOW, DENVER).show, "outcomes");
});

test("opens and clicks are those of campaign mail; domains are kept by days of UTC", () => {
  assert.deepEqual(variablesOf(askedOf({ show: "reading" }, NOW, DENVER), DENVER).filter, { sourceTypes: ["CAMPAIGN"] });
  assert.equal(variablesOf(askedOf({ by: "campaign", show: "reading" }, NOW, DENVER), DENVER).filter, null);
  assert.equal(variablesOf(askedOf({ by: "domain" }, NOW, DENVER), DENVER).zone, "UTC");
});

test("a group leads to its messages; one that no filter names has none", () => {
  const asked = { from: "2026-11-01", to: "2026-11-28", by: "cause", show: "outcomes" };
  assert.deepEqual(groupOf(row({ cause: "MAILBOX_FULL" }), asked, DENVER).query, { from: "2026-11-01", to: "2026-11-28", cause: "mailbox_full" });
  assert.deepEqual(groupOf(row(), asked, DENVER), { name: "No trouble", query: null });
  const day = groupOf(row({ startsAt: "2026-11-28T07:00:00+00:00" }), { ...asked, by: "day" }, DENVER);
  assert.deepEqual(day.query, { from: "2026-11-28", to: "2026-11-28" });
  assert.deepEqual(groupOf(row({ campaign: { id: "Campaign_1", title: "Spring" } }), { ...asked, by: "campaign" }, DENVER), {
    name: "Spring", query: { from: "2026-11-01", to: "2026-11-28", campaign: "Campaign_1" },
  });
});

test("a share of few has a wide band, of none it is not known, and it never passes its bounds", () => {
  const few = shareOf(1, 2);
  assert.ok(few.lower < 15 && few.upper > 85);
  assert.deepEqual(shareOf(0, 0), { share: null, lower: null, upper: null });
  const all = shareOf(10, 10);
  assert.deepEqual([all.share, all.upper], [100, 100]);
  assert.ok(shareOf(0, 50).lower === 0);
  assert.equal(shareOf(7, 5).share, 100);
});

test("the plot has every day of the span, days without mail as nothing", () => {
  const asked = { from: "2026-11-26", to: "2026-11-28", by: "day", show: "outcomes" };
  const rows = [row({ startsAt: "2026-11-27T07:00:00+00:00" })];
  const plot = dayPlot(rows, asked, DENVER);
  assert.deepEqual(plot.series.map(({ values }) => values), [[0, 90, 0], [0, 6, 0], [0, 3, 0]]);
  assert.match(plot.summary, /Of 100 messages 90 were accepted, 6 refused, and 3 bounced/);
  const reading = dayPlot(rows, { ...asked, show: "reading" }, DENVER);
  assert.deepEqual(reading.series[0].values.map((value) => value && Math.round(value)), [null, 34, null]);
  assert.ok(reading.series[0].lower[1] < 34 && reading.series[0].upper[1] > 35);
});

test("the table has the same numbers as links, and their sum", () => {
  const app = { to: () => () => {} };
  const asked = { from: "2026-11-01", to: "2026-11-28", by: "relay", show: "outcomes" };
  const rows = [row({ relay: "main" }), row({ relay: null, sent: 5, refused: 0 })];
  const text = markup(table(app, rows, asked, DENVER, String));
  assert.ok(text.includes("/messages?from=2026-11-01&to=2026-11-28&relay=main&status=refused"));
  assert.ok(text.includes("No relay tried"));
  assert.equal(totalOf(rows).sent, 105);
  assert.ok(text.includes(">105<"));
});

test("bars are as long as their numbers", () => {
  const asked = { from: "2026-11-01", to: "2026-11-28", by: "relay", show: "outcomes" };
  const text = markup(bars([row({ relay: "main", accepted: 93, bounced: 3, refused: 7 })], asked, DENVER));
  for (const part of ["width:90%", "width:7%", "width:3%"]) assert.ok(text.includes(part), part);
});
