// Times of a clock and moments: days on which clocks are changed.
import { test } from "node:test";
import assert from "node:assert/strict";
import { cityOf, localTimeOf, momentsOf, pastEverywhere, tomorrowAtNine } from "../../../../service/page/campaigns/edit-times.js";

test("a local time is one moment of its zone, and back", () => {
  assert.deepEqual(momentsOf("2026-11-30T09:00", "America/Denver"), ["2026-11-30T16:00:00.000Z"]);
  assert.equal(localTimeOf("2026-11-30T16:00:00Z", "America/Denver"), "2026-11-30T09:00");
  for (const zone of ["UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Kiritimati", "Pacific/Chatham", "America/St_Johns"]) {
    for (let day = 1; day < 366; day += 13) {
      const local = new Date(Date.UTC(2027, 0, day, 12, 34)).toISOString().slice(0, 16);
      const [moment, ...more] = momentsOf(local, zone);
      assert.deepEqual([localTimeOf(moment, zone), more], [local, []], `${local} ${zone}`);
    }
  }
});

test("a time that clocks skip is no moment, and one that comes twice is two, the earlier first", () => {
  assert.deepEqual(momentsOf("2027-03-14T02:30", "America/Denver"), []);
  assert.deepEqual(momentsOf("2027-03-28T02:00", "Europe/Berlin"), []);
  assert.deepEqual(momentsOf("2027-03-28T03:00", "Europe/Berlin"), ["2027-03-28T01:00:00.000Z"]);
  assert.deepEqual(momentsOf("2026-11-01T01:30", "America/Denver"), ["2026-11-01T07:30:00.000Z", "2026-11-01T08:30:00.000Z"]);
});

test("what is no time is no moment", () => {
  for (const text of ["", "tomorrow", "2026-11-30", "2026-11-30T09:00Z"]) assert.deepEqual(momentsOf(text, "UTC"), [], text);
});

test("a local time is past once the last zone has shown it", () => {
  const noon = Date.parse("2026-12-01T12:00:00Z");
  assert.equal(pastEverywhere("2026-12-01T00:00", noon), false);
  assert.equal(pastEverywhere("2026-11-30T23:59", noon), true);
});

test("the time that is proposed is tomorrow at nine by the sender's clock", () => {
  assert.equal(tomorrowAtNine(Date.parse("2026-11-30T23:30:00Z"), "Asia/Tokyo"), "2026-12-02T09:00");
  assert.equal(cityOf("America/Argentina/Buenos_Aires"), "Buenos Aires");
});
