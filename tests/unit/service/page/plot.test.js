// Plots: the cursor's keys, the values as a text and a table's times, the axis of values, and where names stand.
import { markup } from "./browser.js";
import assert from "node:assert/strict";
import test from "node:test";

const { loadLanguage } = await import("../../../../service/page/language.js");
await loadLanguage("en");
const { nextPlace, plot, valuesAt, valueOf } = await import("../../../../service/page/plot.js");
const { namePlaces, rowsOf, splitsOf, topOf } = await import("../../../../service/page/plot-scale.js");
const { plotTimes } = await import("../../../../service/page/plot-times.js");

const NOON = Date.UTC(2026, 10, 29, 12) / 1000;
const given = {
  id: "rate", name: "Rate", summary: "48 messages a minute now.", unit: "messages a minute", x: [NOON, NOON + 60, NOON + 120],
  series: [{ label: "Accepted", token: "--plot-1", values: [48, null, 50] }, { label: "Refused", token: "--plot-2", dash: [6, 4], values: [0, null, 2] }],
};

test("the first arrow key goes to the newest value, further ones stop at the ends", () => {
  assert.equal(nextPlace("ArrowLeft", null, 60), 59);
  assert.equal(nextPlace("ArrowRight", null, 60), 59);
  assert.equal(nextPlace("ArrowLeft", 1, 60), 0);
  assert.equal(nextPlace("ArrowLeft", 0, 60), 0);
  assert.equal(nextPlace("End", 3, 60), 59);
  assert.equal(nextPlace("Home", 3, 60), 0);
  assert.equal(nextPlace("PageDown", 55, 60), 59);
  assert.equal(nextPlace("a", 3, 60), undefined);
  assert.equal(nextPlace("End", null, 0), undefined);
});

test("values are said with their names, gaps and spans", () => {
  const shaded = { ...given, shades: [{ from: NOON + 100, to: NOON + 200, label: "paused" }] };
  assert.match(valuesAt(shaded, 0), /: Accepted 48, Refused 0$/);
  assert.match(valuesAt(shaded, 1), /: Accepted –, Refused –$/);
  assert.match(valuesAt(shaded, 2), /: Accepted 50, Refused 2, paused$/);
  assert.equal(valuesAt(shaded, 7), "");
});

test("a band's bounds stand behind the value", () => {
  const rate = { ...given, unit: "%", series: [{ label: "Opened", token: "--plot-1", values: [31.24, null, 30], lower: [28, null, 27], upper: [34, null, 33] }] };
  assert.match(valuesAt(rate, 0), /Opened 31.2% \(between 28% and 34%\)$/);
  assert.match(valuesAt(rate, 1), /Opened –$/);
});

test("small values keep a digit behind the point, a format of the plot's own is used", () => {
  assert.equal(valueOf({ unit: "%" }, 0.25), "0.3%");
  assert.equal(valueOf({ unit: "messages" }, 12.4), "12");
  assert.equal(valueOf({ unit: "seconds", format: (seconds) => `${seconds / 60} min` }, 120), "2 min");
});

test("the figure's name is its heading and its summary, and each line's sample shows its dashes", () => {
  const text = markup(plot(given));
  assert.match(text, /aria-labelledby=rate-name rate-summary/);
  assert.match(text, /48 messages a minute now\./);
  assert.match(text, /stroke-dasharray=6 4/);
  assert.match(text, /As a table/);
});

test("the axis ends a little above the highest value, that of shares at 100, that of logarithms at a power of ten", () => {
  assert.equal(topOf(48, { unit: "messages" }), 60);
  assert.equal(topOf(null, { unit: "messages" }), 1);
  assert.equal(topOf(93, { unit: "%" }), 100);
  assert.equal(topOf(4.9, { unit: "%", stacked: true }), 6);
  assert.equal(topOf(203, { log: true }), 1000);
  assert.equal(topOf(0.5, { log: true }), 10);
  assert.deepEqual(splitsOf(60, { unit: "messages" }), [0, 20, 40, 60]);
  assert.deepEqual(splitsOf(1_000, { log: true }), [0, 1, 10, 100, 1_000]);
  const ages = { log: true, ticks: [0, 1, 10, 60, 600] };
  assert.deepEqual([topOf(42, ages), topOf(0, ages), splitsOf(60, ages)], [60, 1, [0, 1, 10, 60]]);
});

test("stacked bars are sums from the ground, the highest first", () => {
  const stacked = { x: [1, 2], stacked: true, series: [{ values: [10, null] }, { values: [5, null] }, { values: [1, null] }] };
  assert.deepEqual(rowsOf(stacked), [[1, 2], [16, null], [15, null], [10, null]]);
});

test("names at the ends of lines do not touch and stay in the plot", () => {
  const places = namePlaces([50, 48, 0, undefined], (value) => 100 - value, 100);
  assert.deepEqual(places.map(({ place, top }) => [place, top]), [[0, 50], [1, 65], [2, 100]]);
  const low = namePlaces([0, 0, 0], () => 100, 100).map(({ top }) => top);
  assert.deepEqual(low, [70, 85, 100]);
});

test("times are those of the chosen zone: a day at midnight there, a date for days", () => {
  const hours = plotTimes([NOON, NOON + 3_600], { zone: "America/Denver", locale: "en-US" });
  assert.equal(hours.whole(NOON), "5:00 AM");
  assert.equal(hours.tick(NOON - 5 * 3_600, 3_600), "Nov 29");
  assert.deepEqual(hours.ticks([NOON, NOON + 20, NOON + 40, NOON + 60], 20), ["5:00 AM", "", "", "5:01 AM"], "each time once");
  assert.equal(plotTimes([NOON, NOON + 3_600], { zone: "America/Denver", locale: "de" }).whole(NOON), "05:00", "as in the rows");
  const days = plotTimes([NOON, NOON + 86_400, NOON + 2 * 86_400], { zone: "UTC", locale: "en-US" });
  assert.equal(days.whole(NOON), "Nov 29, 2026");
});
