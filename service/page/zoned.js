// Days and times of day in a time zone: the reader's own where none is given.

/** Of each zone that was asked for: making one takes longer than using it a hundred times. */
const formats = new Map();

function formatOf(zone) {
  if (!formats.has(zone)) {
    formats.set(zone, new Intl.DateTimeFormat("en-US", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    }));
  }
  return formats.get(zone);
}

/** What the zone's clock shows at a moment: texts by `year`, `month` and so on, of two digits at least. */
export const clockIn = (moment, zone) => Object.fromEntries(formatOf(zone).formatToParts(moment).map(({ type, value }) => [type, value]));

/** By how many milliseconds the zone's clock is ahead of UTC at a moment, in milliseconds since 1970. */
export function ahead(moment, zone) {
  const part = clockIn(moment, zone);
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) - Math.floor(moment / 1000) * 1000;
}

/** The moment at which a zone's clock shows this time: `clock` is what `Date.UTC` makes of it. */
export function momentIn(clock, zone) {
  // The offset is that of the moment itself: clocks may change shortly before.
  const guess = clock - ahead(clock, zone);
  return clock - ahead(guess, zone);
}

/** The day of a moment in a zone: `2026-11-29`. */
export function dayIn(moment, zone) {
  const { year, month, day } = clockIn(moment, zone);
  return `${year}-${month}-${day}`;
}

/** Whether a text of the address is a day, of this century: of others there is no mail. */
export const isDay = (text) => /^20\d\d-\d\d-\d\d$/.test(text ?? "") && !Number.isNaN(Date.parse(text));

/** A day so many days later, or earlier. */
export const dayBehind = (day, days) => new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

/** The moment at which a day begins in a zone. */
export const startOfDay = (day, zone) => momentIn(Date.parse(`${day}T00:00:00Z`), zone);
