// Times of a clock in a time zone, and moments: a day has an hour too few in spring and one twice in autumn.
import { ahead, clockIn } from "../zoned.js";

const DAY_MS = 86_400_000;
const LOCAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/;

/**
 * The moments at which clocks of the zone show this local time (`2027-03-14T02:30`), the earlier first: one as a rule,
 * none where the clocks skip it, two where they show it twice.
 */
export function momentsOf(local, zone) {
  if (!LOCAL.test(local)) return [];
  const asUtc = Date.parse(`${local}:00Z`);
  const found = [asUtc - DAY_MS, asUtc + DAY_MS].map((near) => asUtc - ahead(near, zone)).filter((ms) => ms + ahead(ms, zone) === asUtc);
  return [...new Set(found)].sort((one, other) => one - other).map((ms) => new Date(ms).toISOString());
}

/** What clocks of the zone show at a moment: `2027-03-14T03:30`. */
export function localTimeOf(iso, zone) {
  const { year, month, day, hour, minute } = clockIn(Date.parse(iso), zone);
  return `${year}-${month}-${day}T${hour}:${minute}`;
}

/** Whether a local time is past in every time zone: UTC-12 is the last. */
export const pastEverywhere = (local, now) => Date.parse(`${local}:00Z`) + DAY_MS / 2 < now;

/** Nine in the morning of the next day in the zone. */
export function tomorrowAtNine(now, zone) {
  return `${localTimeOf(new Date(now + DAY_MS).toISOString(), zone).slice(0, 10)}T09:00`;
}

/** `America/Denver` -> `Denver`. */
export const cityOf = (zone) => zone.slice(zone.lastIndexOf("/") + 1).replaceAll("_", " ");
