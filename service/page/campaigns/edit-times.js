// Times of a clock in a time zone, and moments: a day has an hour too few in spring and one twice in autumn.

const DAY_MS = 86_400_000;
const LOCAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/;
const formats = new Map();

function formatOf(zone) {
  if (!formats.has(zone)) {
    formats.set(zone, new Intl.DateTimeFormat("en-US", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    }));
  }
  return formats.get(zone);
}

const fieldsOf = (ms, zone) => Object.fromEntries(formatOf(zone).formatToParts(ms).map(({ type, value }) => [type, value]));

/** Milliseconds by which clocks of the zone are ahead of UTC at this moment. */
function offsetAt(ms, zone) {
  const { year, month, day, hour, minute, second } = fieldsOf(ms, zone);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}

/**
 * The moments at which clocks of the zone show this local time (`2027-03-14T02:30`), the earlier first: one as a rule,
 * none where the clocks skip it, two where they show it twice.
 */
export function momentsOf(local, zone) {
  if (!LOCAL.test(local)) return [];
  const asUtc = Date.parse(`${local}:00Z`);
  const found = [asUtc - DAY_MS, asUtc + DAY_MS].map((near) => asUtc - offsetAt(near, zone)).filter((ms) => ms + offsetAt(ms, zone) === asUtc);
  return [...new Set(found)].sort((one, other) => one - other).map((ms) => new Date(ms).toISOString());
}

/** What clocks of the zone show at a moment: `2027-03-14T03:30`. */
export function localTimeOf(iso, zone) {
  const { year, month, day, hour, minute } = fieldsOf(Date.parse(iso), zone);
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
