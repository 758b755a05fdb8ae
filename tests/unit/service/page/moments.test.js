// Dates are short where they can be, in the chosen zone and language, and exact in their titles.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { markup } from "./browser.js";
import { loadLanguage } from "../../../../service/page/language.js";
import { age, ageText, clock, dateAndTime, dayText, distance, exactMoment, moment, momentText, took, zoneName } from "../../../../service/page/moments.js";
import { count, number, percent, rounded } from "../../../../service/page/numbers.js";
import { setPreference } from "../../../../service/page/preferences.js";

const NOW = Date.parse("2026-11-29T21:00:00Z");
/** ICU writes a narrow space before PM, and a thin one in ranges. */
const plain = (text) => text.replace(/[\u202f\u2009\u00a0]/g, " ");

async function read(language, zone) {
  setPreference("language", language);
  setPreference("zone", zone);
  await loadLanguage(language);
}

beforeEach(() => read("en-US", "America/New_York"));

test("today has a time, this year a day and a time, another year a day and its year", async () => {
  const forms = () => ["2026-11-29T19:41:00Z", "2026-11-28T19:41:00Z", "2025-11-29T19:41:00Z"].map((iso) => plain(momentText(iso, NOW)));
  assert.deepEqual(forms(), ["2:41 PM", "Nov 28, 2:41 PM", "Nov 29, 2025"]);
  await read("en-GB", "America/New_York");
  assert.deepEqual(forms(), ["14:41", "28 Nov, 14:41", "29 Nov 2025"]);
  await read("de", "Europe/Berlin");
  assert.deepEqual(forms(), ["20:41", "28. Nov., 20:41", "29. Nov. 2025"]);
});

test("the day is the day of the chosen zone", async () => {
  // Given a moment that is yesterday in New York and today in Tokyo
  const iso = "2026-11-29T15:30:00Z";
  const now = Date.parse("2026-11-30T02:00:00Z");
  assert.equal(plain(momentText(iso, now)), "10:30 AM");
  await read("en-US", "Asia/Tokyo");
  assert.equal(plain(momentText(iso, now)), "12:30 AM");
  await read("en-US", "UTC");
  assert.equal(plain(momentText(iso, now)), "Nov 29, 3:30 PM");
});

test("a row's date has UTC as its title, and the three lists' dates have everything", () => {
  assert.match(plain(markup(moment("2026-11-29T19:41:05Z", NOW))), /datetime=2026-11-29T19:41:05Z title=2026-11-29 19:41:05 UTC>2:41 PM</);
  assert.match(plain(markup(dateAndTime("2025-11-29T19:41:05Z"))), />Nov 29, 2025, 2:41 PM</);
  assert.match(plain(markup(exactMoment("2026-11-29T19:41:05Z"))), />Nov 29, 2026, 02:41:05 PM EST<.*2026-11-29 19:41:05 UTC/s);
  assert.match(plain(markup(clock("2026-11-29T19:41:05Z"))), />2:41 PM</);
  assert.equal(markup(moment(null)) + markup(dateAndTime(undefined)) + markup(exactMoment(null)) + markup(age(null)), "");
});

test("ages are minutes, hours, then days, with the date as their title", async () => {
  const ago = (minutes) => ageText(new Date(NOW - minutes * 60_000).toISOString(), NOW);
  assert.deepEqual([0, 40, 60, 180, 47 * 60, 48 * 60].map(ago), ["now", "40 min", "1 h", "3 h", "47 h", "2 days"]);
  assert.equal(ago(-5), "now", "a clock that is behind");
  assert.match(plain(markup(age("2026-11-29T20:20:00Z", NOW))), /title=Nov 29, 2026, 03:20:00 PM EST>40 min</);
  await read("de", "Europe/Berlin");
  assert.deepEqual([ago(40), ago(180), ago(4320)], ["40 Min.", "3 Std.", "3 Tage"]);
});

test("a day has its year only where that is not this one", () => {
  assert.deepEqual(["2025-03-01T12:00:00Z", "2026-03-01T12:00:00Z"].map((iso) => plain(dayText(iso, NOW))), ["Mar 1, 2025", "Mar 1"]);
});

test("distances, durations, zones and numbers are in the reader's language", async () => {
  assert.equal(distance("2026-11-29T23:00:00Z", NOW), "in 2 hours");
  assert.deepEqual([took(99), took(1234)], ["99 ms", "1.2 s"]);
  assert.equal(zoneName("America/Argentina/Buenos_Aires"), "Buenos Aires");
  assert.deepEqual([number(4210), number("12345678901"), percent(0.625), rounded(48_213)], ["4,210", "12,345,678,901", "62.5%", "48,000"]);
  const counts = [["10000", "AT_LEAST"], ["7", "EXACT"], ["48213", "ESTIMATE"]].map(([value, precision]) => count({ value, precision }));
  assert.deepEqual(counts, ["more than 10,000", "7", "about 48,000"]);
  await read("de", "Europe/Berlin");
  assert.equal(distance("2026-11-29T23:00:00Z", NOW), "in 2 Stunden");
  assert.deepEqual([took(1234), number(4210), plain(percent(0.625))], ["1,2 s", "4.210", "62,5 %"]);
});
